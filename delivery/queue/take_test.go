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
	if _, err := q.js.Publish(t.Context(), jobSubject(lane, false, 1), []byte("not a job")); err != nil {
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

// Only as many jobs as a dead sender can have held are suspect.
func TestOnlyTheFirstJobsAfterConnectingAreSuspect(t *testing.T) {
	server := startServer(t, t.TempDir())
	planner := connect(t, Options{Embedded: server, Name: "planner"})
	feed(t, planner, campaign.Marker{}, lane, 1, 1, MaxInHand+50)
	q := connect(t, Options{Embedded: server, Name: "sender"})
	again := 0
	for _, d := range take(t, must[*Source](t)(q.Source(t.Context(), lane, BulkJobs)), MaxInHand+50) {
		if d.Again {
			again++
		}
	}
	if again != MaxInHand {
		t.Errorf("%d jobs are to be looked up, want %d", again, MaxInHand)
	}
}
