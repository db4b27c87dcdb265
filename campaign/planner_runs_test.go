package campaign_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"broadside/campaign"
	"broadside/delivery/queue"
)

// Two campaigns of weights 3 and 1 share a lane 3 to 1 while both have work.
func TestShareOfALane(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const n = 2000 + 8000/scale
	w.list("all", n, "t0.example")
	heavy, light := spec("heavy", "all"), spec("light", "all")
	heavy.Weight, light.Weight = 30, 10
	runs := []campaign.Run{w.start(light), w.start(heavy)}
	s := w.taker()
	w.record()
	w.run(w.planner().Run)
	for _, r := range runs {
		w.complete(r)
	}
	w.take(s, usedLanes...)
	for _, r := range runs {
		w.finished(r)
	}
	s.each(t, 2*n, 1)
	s.mu.Lock()
	defer s.mu.Unlock()
	// The first window was filled when each run had only its first page.
	var byLight, byHeavy int
	for _, run := range s.order[1000:] {
		if run == runs[0].ID {
			byLight++
			continue
		}
		if byHeavy++; byHeavy == n-500 {
			break
		}
	}
	// Within 10 %, or the 250 that the lighter has of each 1000 fed at a time.
	want := byHeavy / 3
	if byHeavy != n-500 || max(byLight-want, want-byLight) > max(want/10, 250) {
		t.Errorf("of weight 30 %d were sent, meanwhile %d of weight 10; want %d", byHeavy, byLight, want)
	}
}

// A lane full of bulk jobs that nobody takes does not keep an express run waiting, and
// its jobs come from a source of their own.
func TestExpressOvertakes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.list("many", 3000, "t0.example")
	w.list("few", 40, "t0.example")
	w.record()
	w.run(w.planner().Run)
	bulk := w.start(spec("bulk", "many"))
	w.fed(bulk, 1980) // the lane is full
	urgent := spec("urgent", "few")
	urgent.Priority = campaign.Express
	express := w.start(urgent)
	source := must(w.queue.Source(t.Context(), campaign.TailLane, queue.ExpressJobs))(t)
	for _, d := range w.hold(source, 40) {
		if d.Job.Run != express.ID || !d.Job.Express {
			t.Fatalf("an express source gave a job of run %d, express %t", d.Job.Run, d.Job.Express)
		}
	}
	if depth := w.depth(bulk); depth != 1980 {
		t.Errorf("%d bulk jobs, want 1980: nobody took them", depth)
	}
}

// A cancelled run's open recipients become cancelled, the queue forgets the run, and a
// message that was in flight still gets its true outcome.
func TestCancel(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const n = 3000 / scale
	run := w.startTo(n, "t0.example")
	w.record()
	w.run(w.planner().Run)
	source := must(w.queue.Source(t.Context(), campaign.TailLane, queue.BulkJobs))(t)
	held := w.hold(source, 101)
	flying, held := held[0], held[1:]
	var events []campaign.Event
	for _, d := range held {
		e := accepted(d.Job)
		if d.Job.Contact%2 == 0 {
			e.State, e.Reason, e.Due = campaign.Deferred, campaign.Greylisted, time.Now().Add(time.Hour)
			retry := d.Job
			retry.Attempt++
			if err := w.queue.Retry(t.Context(), retry, e.Due); err != nil {
				t.Fatal(err)
			}
		}
		events = append(events, e)
	}
	w.tell(events...)
	ack(t, held...)
	eventually(t, "the outcomes are recorded, the audience complete", func() bool {
		c := w.counts(run)
		return c.Deferred == 50 && c.Planned == n
	})

	must(w.service.Cancel(t.Context(), "all", ""))(t)
	eventually(t, "nobody is open", func() bool { return w.counts(run).Open() == 0 })
	eventually(t, "the queue has forgotten the run", func() bool {
		return len(must(w.queue.Announced(t.Context()))(t)) == 0
	})
	if got, want := w.counts(run), (campaign.Counts{Planned: n, Accepted: 50, Cancelled: n - 50}); got != want {
		t.Errorf("counts %+v, want %+v", got, want)
	}
	depth := must(w.queue.Depth(t.Context()))(t)
	marker := must(w.queue.Marker(t.Context(), campaign.TailLane, run.ID))(t)
	if len(depth.Jobs)+len(depth.Retries) > 0 || marker.Seq != 0 {
		t.Errorf("the queue still has jobs %v, retries %v, marker %+v", depth.Jobs, depth.Retries, marker)
	}
	for _, d := range held {
		if must(w.queue.HasRetry(t.Context(), d.Job.Recipient))(t) {
			t.Fatalf("the retry of contact %d is still scheduled", d.Job.Contact)
		}
	}

	w.tell(accepted(flying.Job))
	eventually(t, "the late outcome is recorded", func() bool { return w.counts(run).Accepted == 51 })
	c := w.counts(run)
	if c.Cancelled != n-51 {
		t.Errorf("counts %+v", c)
	}
	if rows := must(w.db.Recount(t.Context(), run.ID))(t); rows != c {
		t.Errorf("counts %+v, but the rows are %+v", c, rows)
	}
	if state := w.state(run); state != campaign.RunCancelled {
		t.Errorf("the run is %s", state)
	}
}

// A run that is cancelled while its audience is being taken ends alone: the planner
// and the other runs go on.
func TestCancelDuringSnapshot(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.list("all", 2000, "t0.example")
	doomed := w.start(spec("doomed", "all"))
	other := w.start(spec("other", "all"))
	var pages atomic.Int64
	p := w.spied(&spy{append: func(next func() error) error {
		if pages.Add(1) == 3 { // the doomed run's second page
			if _, err := w.service.Cancel(context.Background(), "doomed", ""); err != nil {
				t.Error(err)
			}
		}
		return next()
	}})
	w.sends(nil)
	w.run(p.Run)
	w.reached(other, 2000)
	eventually(t, "the cancelled run is closed", func() bool { return w.counts(doomed).Open() == 0 })
	if c := w.counts(doomed); c.Planned != 500 {
		t.Errorf("counts of the cancelled run %+v, want the first page", c)
	}
}

// A scheduled run starts at its time, not before, and also when its time passed while
// no planner was at work.
func TestSchedule(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.list("all", 10, "t0.example")
	due := time.Now().Add(time.Hour).Truncate(time.Second)
	var now atomic.Int64
	now.Store(due.UnixMilli() - 1)
	plan := func() (stop func(), rounds chan struct{}) {
		rounds = make(chan struct{})
		p := w.planner()
		p.Now = func() time.Time {
			select {
			case rounds <- struct{}{}:
			default:
			}
			return time.UnixMilli(now.Load())
		}
		return w.run(p.Run), rounds
	}
	schedule := func(name string) campaign.Run {
		must(w.service.Create(t.Context(), spec(name, "all")))(t)
		run := must(w.service.Start(t.Context(), name, due))(t)
		if run.State != campaign.RunScheduled || !run.StartAt.Equal(due) {
			t.Fatalf("run %+v", run)
		}
		return run
	}
	first := schedule("first")
	stop, rounds := plan()
	for range 5 {
		<-rounds
	}
	if got := w.state(first); got != campaign.RunScheduled {
		t.Fatalf("a millisecond early the run is %s", got)
	}
	if told := must(w.queue.Announced(t.Context()))(t); len(told) != 0 {
		t.Errorf("senders were told of a run that has not started: %v", told)
	}
	now.Store(due.UnixMilli())
	w.fed(first, 10)
	if run := w.latest(first); !run.Started.Equal(due) {
		t.Errorf("started at %s, want %s", run.Started, due)
	}
	stop()

	second := schedule("second")
	now.Store(due.Add(time.Hour).UnixMilli())
	plan()
	w.fed(second, 10)
}

// Everyone of the lists who is not excluded and in the segment is in the ledger, in
// the state, and for the reason, that there was at the snapshot.
func TestSnapshotReasons(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	w.importRows("excluded", []campaign.ImportRow{{Email: "excluded@t0.example", Attributes: []byte(`{"nr":1}`)}})
	rows := []campaign.ImportRow{}
	for _, name := range []string{"excluded", "plain", "suppressed", "gone", "gone.from.one", "no.number", "other.segment"} {
		attributes := `{"nr":1}`
		switch name {
		case "no.number":
			attributes = `{"nr":"one"}`
		case "other.segment":
			attributes = `{"nr":2}`
		}
		rows = append(rows, campaign.ImportRow{Email: name + "@t0.example", Attributes: []byte(attributes)})
	}
	one := w.importRows("one", rows)
	w.importRows("two", rows[4:5])
	id := func(name string) campaign.ContactID {
		return must(w.db.ContactByEmail(ctx, name+"@t0.example"))(t).ID
	}
	for _, name := range []string{"gone", "gone.from.one"} {
		if err := w.db.Unsubscribe(ctx, id(name), one.ID, time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	must(w.db.Suppress(ctx, []campaign.Suppression{{Email: "suppressed@t0.example", Reason: "complained", At: time.Now()}}))(t)

	s := spec("all", "one")
	s.Text = "News." // not every contact has a name
	s.Subject = "News"
	s.Lists, s.Exclude, s.Segment = []string{"one", "two"}, []string{"excluded"}, "nr < 2"
	run := w.start(s)
	w.sends(nil)
	w.run(w.planner().Run)
	w.finished(run)
	var got []string
	for _, state := range []campaign.State{campaign.Accepted, campaign.Skipped} {
		for _, r := range must(w.db.Recipients(ctx, run.ID, state, campaign.Recipient{}, 100))(t) {
			got = append(got, fmt.Sprintf("%s %s %s", r.Email, r.State, r.Reason))
		}
	}
	want := []string{
		"plain@t0.example accepted ",
		"gone.from.one@t0.example accepted ",
		"suppressed@t0.example skipped suppressed",
		"gone@t0.example skipped unsubscribed",
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("ledger\n%q, want\n%q", got, want)
	}
}

// An audience of which nobody is left when the run starts is a finished run.
func TestNobodyLeft(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	list := w.list("all", 1, "t0.example")
	run := w.start(spec("all", "all"))
	if err := w.db.Unsubscribe(t.Context(), 1, list.ID, time.Now()); err != nil {
		t.Fatal(err)
	}
	w.run(w.planner().Run)
	if c := w.finished(run); c != (campaign.Counts{Planned: 1, Skipped: 1}) {
		t.Errorf("counts %+v", c)
	}
}

// What a planner left in the queue that died when its run was over, the next removes.
func TestLeftOvers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	run := w.startTo(10, "t0.example")
	stop := w.run(w.planner().Run)
	w.fed(run, 10)
	stop()
	must(w.service.Cancel(ctx, "all", ""))(t)
	if n := must(w.db.CancelOpen(ctx, run.ID, 100, time.Now()))(t); n != 10 {
		t.Fatalf("%d cancelled", n)
	}
	w.run(w.planner().Run)
	eventually(t, "the queue has forgotten the run", func() bool {
		return len(must(w.queue.Announced(ctx))(t)) == 0
	})
	if n := w.depth(run); n != 0 {
		t.Errorf("%d jobs are left", n)
	}
}

// A store that fails ends the planner with a reason; the caller starts it again.
func TestPlannerSaysWhyItEnds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	broken := errors.New("no disk")
	p := w.spied(&spy{append: func(func() error) error { return broken }})
	w.startTo(10, "t0.example")
	got := p.Run(t.Context())
	if want := "planner: writing the audience of run 1: no disk"; got == nil || got.Error() != want {
		t.Errorf("error %v, want %q", got, want)
	}
}

// A run that nobody can plan waits for a person, and the others go on.
func TestRunThatCannotBePlannedIsPaused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.list("all", 10, "t0.example")
	s := spec("lost", "all")
	s.Segments = []string{"gone"}
	c, err := w.db.CreateCampaign(t.Context(), s, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	lost, err := w.db.CreateRun(t.Context(), c, campaign.RunRunning, time.Time{}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	good := w.start(spec("good", "all"))
	defer w.record()()
	defer w.run(w.planner().Run)()
	defer w.take(w.taker(), usedLanes...)()
	w.finished(good)
	run, err := w.db.RunByID(t.Context(), lost.ID)
	if err != nil || run.State != campaign.RunPaused || !strings.Contains(run.Note, `"gone"`) {
		t.Errorf("%s, note %q, %v", run.State, run.Note, err)
	}
}
