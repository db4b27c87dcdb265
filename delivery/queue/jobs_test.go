package queue

import (
	"errors"
	"maps"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"broadside/campaign"
)

const lane = campaign.LaneGoogle

func TestFeedMovesTheMarkerWithItsJobs(t *testing.T) {
	q := newQueue(t)
	if m := must[campaign.Marker](t)(q.Marker(t.Context(), lane, 1)); m != (campaign.Marker{}) {
		t.Fatalf("before the first batch the marker is %+v", m)
	}
	m := feed(t, q, campaign.Marker{}, lane, 1, 1, 3)
	m = feed(t, q, m, lane, 1, 4, 6)
	if got := must[campaign.Marker](t)(q.Marker(t.Context(), lane, 1)); got != m || got.Cursor != 6 {
		t.Errorf("the marker is %+v, Feed returned %+v", got, m)
	}
	src := must[*Source](t)(q.Source(t.Context(), lane, BulkJobs))
	for i, d := range take(t, src, 6) {
		if want := jobsFor(lane, 1, 1, 6)[i]; !same(d.Job, want) || d.Again {
			t.Errorf("job %d is %+v (again %v), want %+v", i, d.Job, d.Again, want)
		}
	}
	// A batch without jobs moves the marker alone.
	back, err := q.Feed(t.Context(), lane, 1, m, campaign.Marker{Epoch: 2}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := must[campaign.Marker](t)(q.Marker(t.Context(), lane, 1)); got != back || got.Epoch != 2 || got.Cursor != 0 {
		t.Errorf("the marker is %+v, want %+v", got, back)
	}
	nothingMore(t, src)
}

func TestFeedWithAStaleMarkerStoresNothing(t *testing.T) {
	q := newQueue(t)
	old := feed(t, q, campaign.Marker{}, lane, 1, 1, 3)
	now := feed(t, q, old, lane, 1, 4, 6)
	for _, prev := range []campaign.Marker{{}, old, {Seq: now.Seq + 1}} {
		_, err := q.Feed(t.Context(), lane, 1, prev, campaign.Marker{Cursor: 9}, jobsFor(lane, 1, 7, 9))
		if !errors.Is(err, campaign.ErrStale) {
			t.Errorf("feeding after sequence %d: %v, want %v", prev.Seq, err, campaign.ErrStale)
		}
	}
	if got := must[campaign.Marker](t)(q.Marker(t.Context(), lane, 1)); got != now {
		t.Errorf("the marker is %+v, want %+v", got, now)
	}
	if n := depth(t, q).Jobs[campaign.LaneRun{Lane: lane, Run: 1}]; n != 6 {
		t.Errorf("%d jobs are stored, want 6", n)
	}
}

func TestABatchHasAtMost999Jobs(t *testing.T) {
	q := newQueue(t)
	m := feed(t, q, campaign.Marker{}, lane, 1, 1, MaxBatch)
	_, err := q.Feed(t.Context(), lane, 1, m, campaign.Marker{Cursor: 1999}, jobsFor(lane, 1, 1000, 1999))
	if err == nil || errors.Is(err, campaign.ErrStale) {
		t.Errorf("a batch of 1,000 jobs: %v", err)
	}
	if n := depth(t, q).Jobs[campaign.LaneRun{Lane: lane, Run: 1}]; n != MaxBatch {
		t.Errorf("%d jobs are stored, want %d", n, MaxBatch)
	}
}

// Two planners that believe in their leases at the same time feed every contact once.
func TestTwoPlannersFeedEveryContactOnce(t *testing.T) {
	t.Parallel()
	server := startServer(t, t.TempDir())
	const last = 2000
	var wg sync.WaitGroup
	for range 2 {
		q := connect(t, Options{Embedded: server, Name: "planner"})
		wg.Go(func() {
			m, err := q.Marker(t.Context(), lane, 1)
			for err == nil && m.Cursor < last {
				to := min(m.Cursor+37, last)
				m, err = q.Feed(t.Context(), lane, 1, m, campaign.Marker{Cursor: to}, jobsFor(lane, 1, m.Cursor+1, to))
				if errors.Is(err, campaign.ErrStale) {
					m, err = q.Marker(t.Context(), lane, 1)
				}
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	eachOnce(t, connect(t, Options{Embedded: server, Name: "reader"}), lane, 1, last)
}

// eachOnce reads a lane's jobs from the stream itself: contacts 1 to last, each once.
func eachOnce(t *testing.T, q *Queue, lane campaign.Lane, run campaign.RunID, last int) {
	t.Helper()
	info := must[*jetstream.StreamInfo](t)(q.jobs.Info(t.Context()))
	cons := must[jetstream.Consumer](t)(q.jobs.CreateConsumer(t.Context(), jetstream.ConsumerConfig{
		FilterSubject: "job." + lane.String() + ".b." + strconv.FormatInt(int64(run), 10) + ".*", AckPolicy: jetstream.AckExplicitPolicy, AckWait: time.Minute, MaxAckPending: -1,
	}))
	times := map[campaign.ContactID]int{}
	for read := 0; read < last; {
		batch := must[jetstream.MessageBatch](t)(cons.Fetch(1, jetstream.FetchMaxWait(5*time.Second)))
		got := 0
		for msg := range batch.Messages() {
			for _, j := range must[[]campaign.Job](t)(decodeJobs(msg.Data())) {
				got++
				times[j.Contact]++
			}
		}
		if got == 0 {
			t.Fatalf("%d of %d jobs came; the stream has %d messages", read, last, info.State.Msgs)
		}
		read += got
	}
	for c := 1; c <= last; c++ {
		if n := times[campaign.ContactID(c)]; n != 1 {
			t.Errorf("contact %d is in the stream %d times", c, n)
		}
	}
	if n := depth(t, q).Jobs[campaign.LaneRun{Lane: lane, Run: run}]; n != int64(last) {
		t.Errorf("%d jobs are stored, want %d", n, last)
	}
}

func TestAFullStreamRefusesAWholeBatch(t *testing.T) {
	q := connect(t, Options{Embedded: startServer(t, t.TempDir()), Name: "test", MaxBytes: 64 << 10})
	m, fed := campaign.Marker{}, campaign.ContactID(0)
	var err error
	for err == nil && fed < 10_000 {
		var next campaign.Marker
		if next, err = q.Feed(t.Context(), lane, 1, m, campaign.Marker{Cursor: fed + 50}, jobsFor(lane, 1, fed+1, fed+50)); err == nil {
			m, fed = next, fed+50
		}
	}
	if err == nil || errors.Is(err, campaign.ErrStale) {
		t.Fatalf("after %d jobs in 64 KiB: %v", fed, err)
	}
	if got := must[campaign.Marker](t)(q.Marker(t.Context(), lane, 1)); got != m {
		t.Errorf("the marker is %+v, want %+v", got, m)
	}
	if n := depth(t, q).Jobs[campaign.LaneRun{Lane: lane, Run: 1}]; n != int64(fed) {
		t.Errorf("%d jobs are stored, want %d: no part of the refused batch", n, fed)
	}
	// Work done makes room again.
	src := must[*Source](t)(q.Source(t.Context(), lane, BulkJobs))
	for _, d := range take(t, src, int(fed)) {
		if err := d.Ack(); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "room in the stream", func() bool {
		next, err := q.Feed(t.Context(), lane, 1, m, campaign.Marker{Cursor: fed + 50}, jobsFor(lane, 1, fed+1, fed+50))
		return err == nil && next.Seq > m.Seq
	})
}

func TestEverythingOutlivesTheServer(t *testing.T) {
	dir := t.TempDir()
	server := startServer(t, dir)
	q := connect(t, Options{Embedded: server, Name: "test"})
	m := feed(t, q, campaign.Marker{}, lane, 1, 1, 100)
	retry := jobsFor(lane, 1, 7, 7)[0]
	retry.Attempt = 2
	if err := q.Retry(t.Context(), retry, time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if err := q.PublishEvents(t.Context(), sampleEvents); err != nil {
		t.Fatal(err)
	}
	if err := q.Announce(t.Context(), campaign.RunStatus{Run: 1, State: campaign.RunPaused, Epoch: 3}); err != nil {
		t.Fatal(err)
	}
	q.Close()
	server.Shutdown()

	q = connect(t, Options{Embedded: startServer(t, dir), Name: "test"})
	if got := must[campaign.Marker](t)(q.Marker(t.Context(), lane, 1)); got != m {
		t.Errorf("the marker is %+v, want %+v", got, m)
	}
	if !must[bool](t)(q.HasRetry(t.Context(), retry.Recipient)) {
		t.Error("the retry is gone")
	}
	if end := must[uint64](t)(q.EventsEnd(t.Context())); end != 1 {
		t.Errorf("the events end at %d, want 1", end)
	}
	runs := must[*Runs](t)(q.WatchRuns(t.Context()))
	defer runs.Close()
	if s := must[campaign.RunStatus](t)(runs.Status(t.Context(), 1)).State; s != campaign.RunPaused {
		t.Errorf("the run is %s", s)
	}
	eachOnce(t, q, lane, 1, 100)
}

func depth(t testing.TB, q *Queue) campaign.Depth {
	t.Helper()
	return must[campaign.Depth](t)(q.Depth(t.Context()))
}

func TestDepthCountsByLaneAndRun(t *testing.T) {
	q := newQueue(t)
	tail := campaign.TailLane + 1
	feed(t, q, campaign.Marker{}, lane, 1, 1, 3)
	feed(t, q, campaign.Marker{}, tail, 1, 1, 2)
	express := jobsFor(lane, 2, 1, 4)
	for i := range express {
		express[i].Express = true
	}
	if _, err := q.Feed(t.Context(), lane, 2, campaign.Marker{}, campaign.Marker{Cursor: 4}, express); err != nil {
		t.Fatal(err)
	}
	for _, j := range jobsFor(lane, 1, 10, 14) {
		if err := q.Retry(t.Context(), j, time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	if err := q.Retry(t.Context(), jobsFor(lane, 1, 20, 20)[0], time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	retries := map[campaign.LaneRun]int64{{Lane: lane, Run: 1}: 5}
	eventually(t, "five retries are due", func() bool { return maps.Equal(depth(t, q).Retries, retries) })
	d := depth(t, q)
	if want := (map[campaign.LaneRun]int64{{Lane: lane, Run: 1}: 3, {Lane: tail, Run: 1}: 2, {Lane: lane, Run: 2}: 4}); !maps.Equal(d.Jobs, want) {
		t.Errorf("jobs %v, want %v", d.Jobs, want)
	}
	// What a sender has in hand still counts; what it has acknowledged does not.
	src := must[*Source](t)(q.Source(t.Context(), lane, ExpressJobs))
	inHand := take(t, src, 4)
	for i, d := range inHand {
		if n := depth(t, q).Jobs[campaign.LaneRun{Lane: lane, Run: 2}]; n != 4 {
			t.Errorf("with a packet of four in hand, %d of them done, the depth is %d", i, n)
		}
		if err := d.Ack(); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "the acknowledged packet is gone", func() bool { return depth(t, q).Jobs[campaign.LaneRun{Lane: lane, Run: 2}] == 0 })
}

func TestDropRunTakesAllOfOneRunAndNothingOfAnother(t *testing.T) {
	q := newQueue(t)
	for _, run := range []campaign.RunID{1, 11} {
		feed(t, q, campaign.Marker{}, lane, run, 1, 5)
		for i, due := range []time.Time{time.Now(), time.Now().Add(time.Hour)} {
			if err := q.Retry(t.Context(), jobsFor(lane, run, 10, 11)[i], due); err != nil {
				t.Fatal(err)
			}
		}
		if err := q.Announce(t.Context(), campaign.RunStatus{Run: run, State: campaign.RunRunning}); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "a retry of each run is due", func() bool { return len(depth(t, q).Retries) == 2 })
	for range 2 { // a second time does nothing
		if err := q.DropRun(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
	}
	d := depth(t, q)
	other := campaign.LaneRun{Lane: lane, Run: 11}
	if !maps.Equal(d.Jobs, map[campaign.LaneRun]int64{other: 5}) || !maps.Equal(d.Retries, map[campaign.LaneRun]int64{other: 1}) {
		t.Errorf("left are jobs %v and retries %v", d.Jobs, d.Retries)
	}
	for run, want := range map[campaign.RunID]bool{1: false, 11: true} {
		if m := must[campaign.Marker](t)(q.Marker(t.Context(), lane, run)); (m.Seq > 0) != want {
			t.Errorf("run %d has the marker %+v", run, m)
		}
		if got := must[bool](t)(q.HasRetry(t.Context(), campaign.Recipient{Run: run, Lane: lane, Contact: 11})); got != want {
			t.Errorf("run %d has its schedule: %v, want %v", run, got, want)
		}
	}
}

func TestAServerWithoutJetStreamIsExplained(t *testing.T) {
	if err := explain(nats.ErrNoResponders); !errors.Is(err, nats.ErrNoResponders) || err.Error() == nats.ErrNoResponders.Error() {
		t.Errorf("%v says nothing to do", err)
	}
	_, err := Connect(t.Context(), Options{URL: "nats://127.0.0.1:1", Name: "test"})
	if err == nil {
		t.Error("connected to nobody")
	}
}
