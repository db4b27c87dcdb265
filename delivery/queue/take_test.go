package queue

import (
	"log/slog"
	"testing"
	"time"

	"broadside/campaign"
)

func TestCorruptJobsAreReportedAndDropped(t *testing.T) {
	log := &records{}
	q := connect(t, Options{Embedded: startServer(t, t.TempDir()), Name: "test", Log: slog.New(log)})
	src := must[*Source](t)(q.Source(t.Context(), lane, BulkJobs))
	if _, err := q.js.Publish(t.Context(), jobSubject(lane, false, 1, 1), []byte("not a job")); err != nil {
		t.Fatal(err)
	}
	feed(t, q, campaign.Marker{}, lane, 1, 1, 1)
	if d := take(t, src, 1)[0]; d.Job.Contact != 1 {
		t.Errorf("took %+v", d.Job)
	}
	eventually(t, "the corrupt job is gone", func() bool { return depth(t, q).Jobs[campaign.LaneRun{Lane: lane, Run: 1}] == 1 })
	if got := log.errors(); len(got) != 1 {
		t.Errorf("reported: %q", got)
	}
}

func TestEachClassHasItsOwnSource(t *testing.T) {
	q := newQueue(t)
	feed(t, q, campaign.Marker{}, lane, 1, 1, 1)
	express := jobsFor(lane, 2, 2, 2)
	express[0].Express = true
	if _, err := q.Feed(t.Context(), lane, 2, campaign.Marker{}, campaign.Marker{Cursor: 2}, express); err != nil {
		t.Fatal(err)
	}
	if err := q.Retry(t.Context(), jobsFor(lane, 1, 3, 3)[0], time.Now()); err != nil {
		t.Fatal(err)
	}
	feed(t, q, campaign.Marker{}, campaign.LaneYahoo, 1, 4, 4) // another lane's
	for class, contact := range map[Class]campaign.ContactID{BulkJobs: 1, ExpressJobs: 2, RetryJobs: 3} {
		src := must[*Source](t)(q.Source(t.Context(), lane, class))
		if d := take(t, src, 1)[0]; d.Job.Contact != contact {
			t.Errorf("class %d delivered contact %d, want %d", class, d.Job.Contact, contact)
		}
		nothingMore(t, src)
	}
}

func TestAJobOfADeadSenderComesAgain(t *testing.T) {
	t.Parallel()
	server := startServer(t, t.TempDir())
	opt := Options{Embedded: server, Name: "test", AckWait: time.Second}
	dying, living := connect(t, opt), connect(t, opt)
	feed(t, living, campaign.Marker{}, lane, 1, 1, 1)
	take(t, must[*Source](t)(dying.Source(t.Context(), lane, BulkJobs)), 1)
	dying.Close()
	d := take(t, must[*Source](t)(living.Source(t.Context(), lane, BulkJobs)), 1)[0]
	if !d.Again {
		t.Error("a job that was in other hands is taken for a new one")
	}
	if err := d.Ack(); err != nil {
		t.Fatal(err)
	}
}

func TestRenewKeepsAJob(t *testing.T) {
	t.Parallel()
	opt := Options{Embedded: startServer(t, t.TempDir()), Name: "test", AckWait: time.Second}
	q, other := connect(t, opt), connect(t, opt)
	feed(t, q, campaign.Marker{}, lane, 1, 1, 1)
	d := take(t, must[*Source](t)(q.Source(t.Context(), lane, BulkJobs)), 1)[0]
	rival := must[*Source](t)(other.Source(t.Context(), lane, BulkJobs))
	for began := time.Now(); time.Since(began) < 3*opt.AckWait; {
		if err := d.Renew(); err != nil {
			t.Fatal(err)
		}
		nothingMore(t, rival)
	}
	if again := take(t, rival, 1); !again[0].Again { // no longer renewed
		t.Error("a job that was in other hands is taken for a new one")
	}
}

// A server that was killed may have forgotten what it delivered, so the jobs that are
// older than the connection count as delivered before.
func TestJobsFromBeforeTheConnectionAreAgain(t *testing.T) {
	dir := t.TempDir()
	server := startServer(t, dir)
	q := connect(t, Options{Embedded: server, Name: "test"})
	m := feed(t, q, campaign.Marker{}, lane, 1, 1, 3)
	q.Close()
	server.Shutdown()

	q = connect(t, Options{Embedded: startServer(t, dir), Name: "test"})
	feed(t, q, m, lane, 1, 4, 6)
	for _, d := range take(t, must[*Source](t)(q.Source(t.Context(), lane, BulkJobs)), 6) {
		if old := d.Job.Contact <= 3; d.Again != old {
			t.Errorf("contact %d: again is %v, want %v", d.Job.Contact, d.Again, old)
		}
	}
}

// Only as many messages as a dead sender can have held are suspect: each of its jobs may
// have been the last of its message.
func TestOnlyTheFirstMessagesAfterConnectingAreSuspect(t *testing.T) {
	server := startServer(t, t.TempDir())
	planner := connect(t, Options{Embedded: server, Name: "planner"})
	const suspect, all = MaxInHand * packetJobs, (MaxInHand + 4) * packetJobs
	m := campaign.Marker{}
	for from := campaign.ContactID(1); from <= all; from += 10 * packetJobs {
		m = feed(t, planner, m, lane, 1, from, from+10*packetJobs-1)
	}
	q := connect(t, Options{Embedded: server, Name: "sender"})
	again := 0
	for _, d := range take(t, must[*Source](t)(q.Source(t.Context(), lane, BulkJobs)), all) {
		if d.Again {
			again++
		}
	}
	if again != suspect {
		t.Errorf("%d jobs are to be looked up, want %d", again, suspect)
	}
}

// A packet stays with the queue until its last job is done, and then all of it comes
// again if its sender died before.
func TestAPacketComesAgainUntilAllItsJobsAreDone(t *testing.T) { // X15
	t.Parallel()
	server := startServer(t, t.TempDir())
	opt := Options{Embedded: server, Name: "test", AckWait: time.Second}
	dying, living := connect(t, opt), connect(t, opt)
	feed(t, living, campaign.Marker{}, lane, 1, 1, 5)
	for _, d := range take(t, must[*Source](t)(dying.Source(t.Context(), lane, BulkJobs)), 5)[:4] {
		for range 2 { // acknowledging twice is acknowledging once
			if err := d.Ack(); err != nil {
				t.Fatal(err)
			}
		}
	}
	dying.Close()
	src := must[*Source](t)(living.Source(t.Context(), lane, BulkJobs))
	again := take(t, src, 5)
	for i, d := range again {
		if !d.Again || d.Job.Contact != campaign.ContactID(i+1) {
			t.Errorf("job %d of the packet is contact %d, again %v", i, d.Job.Contact, d.Again)
		}
		if err := d.Ack(); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "the packet is gone", func() bool { return len(depth(t, living).Jobs) == 0 })
	nothingMore(t, src)
}

// A source asks for no more messages than surely hold what there is room for, and learns
// from what comes.
func TestFetchKeepsToItsRoom(t *testing.T) {
	q := newQueue(t)
	m := feed(t, q, campaign.Marker{}, lane, 1, 1, 10*packetJobs)
	src := must[*Source](t)(q.Source(t.Context(), lane, BulkJobs))
	fetch := func(n int) (got int) {
		t.Helper()
		if err := src.Fetch(t.Context(), n, 10*time.Second, func(Delivery) { got++ }); err != nil {
			t.Fatal(err)
		}
		return got
	}
	for n, want := range map[int]int{1: packetJobs, packetJobs: packetJobs, 2*packetJobs + 5: 2 * packetJobs, 3 * packetJobs: 3 * packetJobs} {
		if got := fetch(n); got != want {
			t.Errorf("asked for %d jobs, %d came, want %d", n, got, want)
		}
	}
	fetch(3 * packetJobs) // the rest
	for c := campaign.ContactID(10*packetJobs + 1); c <= 10*packetJobs+9; c++ {
		m = feed(t, q, m, lane, 1, c, c)
	}
	if got := fetch(9); got != 9 {
		t.Errorf("asked for 9 jobs that travel alone, %d came", got)
	}
}

// What came while its taker was busy for longer than the queue waits is in other hands by
// then: it is not taken as if it were new.
func TestWhatWaitedTooLongIsNotTaken(t *testing.T) { // X15
	t.Parallel()
	opt := Options{Embedded: startServer(t, t.TempDir()), Name: "test", AckWait: 2 * time.Second}
	slow, other := connect(t, opt), connect(t, opt)
	feed(t, slow, campaign.Marker{}, lane, 1, 1, 2*packetJobs)
	rival := must[*Source](t)(other.Source(t.Context(), lane, BulkJobs))
	src := must[*Source](t)(slow.Source(t.Context(), lane, BulkJobs))
	var taken []Delivery
	eventually(t, "a job comes", func() bool {
		err := src.Fetch(t.Context(), 2*packetJobs, 500*time.Millisecond, func(d Delivery) {
			if taken = append(taken, d); len(taken) > 1 {
				return
			}
			for _, d := range take(t, rival, 2*packetJobs) { // both messages have come again
				if !d.Again {
					t.Error("a job that was in other hands is taken for a new one")
				}
				if err := d.Ack(); err != nil {
					t.Fatal(err)
				}
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		return len(taken) > 0
	})
	if len(taken) != packetJobs {
		t.Errorf("%d jobs were taken, want those of the message that came in time", len(taken))
	}
}
