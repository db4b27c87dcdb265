package campaign_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"broadside/campaign"
	"broadside/campaign/schedule"
)

// Outside its window a run is fed nothing and its jobs are given back; when the window
// opens again it goes on, and everybody is reached once. M8
func TestWindow(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const n = 3000
	w.list("all", n, "t0.example")
	monday := time.Date(2026, 11, 23, 19, 59, 50, 0, time.UTC)
	c := newClock(monday)
	s := spec("all", "all")
	s.Window = schedule.Window{From: "08:00", To: "20:00", Zone: "UTC"}
	run := w.start(s)
	p, q := w.watchedBy(c.now)
	taker := w.taker()
	taker.now = c.now
	var taken atomic.Int64
	taker.outcome = func(j campaign.Job) (campaign.Event, bool) {
		if taken.Add(1) == 500 {
			c.set(monday.Add(10 * time.Second)) // in the midst of it, the window closes
		}
		return accepted(j), true
	}
	w.record()
	w.run(p.Run)
	w.take(taker, usedLanes...)
	status := func() campaign.RunStatus { return must(taker.runs.Status(context.Background(), run.ID))(t) }
	eventually(t, "senders are told", func() bool { return status().State == campaign.RunPaused })
	opens := time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)
	if got := status().Until; !got.Equal(opens) {
		t.Errorf("it opens %s, want %s", got, opens)
	}
	eventually(t, "the lanes are empty, the audience complete", func() bool { return w.depth(run) == 0 && w.counts(run).Planned == n })
	before := taken.Load()
	if before < 500 || before == n {
		t.Fatalf("%d were taken while the window was open", before)
	}
	c.set(opens.Add(-time.Second))
	q.rounds(t, 10)
	if w.depth(run) != 0 || taken.Load() != before || w.state(run) != campaign.RunRunning {
		t.Errorf("outside the window %d jobs are queued, %d were taken, the run is %s", w.depth(run), taken.Load()-before, w.state(run))
	}
	c.set(opens)
	w.reached(run, n)
	taker.each(t, n, 1)
}

// A run whose window has closed ends when its last outcome arrives.
func TestWindowClosesBehindTheLast(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.list("all", 20, "t0.example")
	evening := time.Date(2026, 11, 23, 19, 59, 0, 0, time.UTC)
	c := newClock(evening)
	s := spec("all", "all")
	s.Window = schedule.Window{From: "08:00", To: "20:00", Zone: "UTC"}
	run := w.start(s)
	taker := w.taker()
	taker.now = c.now
	var taken atomic.Int64
	last := make(chan struct{})
	taker.outcome = func(j campaign.Job) (campaign.Event, bool) {
		if taken.Add(1) == 20 {
			c.set(evening.Add(time.Hour))
			close(last)
		}
		return accepted(j), true
	}
	w.run(w.plannerBy(c.now).Run)
	w.take(taker, usedLanes...)
	<-last
	w.record()
	w.reached(run, 20)
}

func TestWindowOfARun(t *testing.T) {
	r := campaign.Run{State: campaign.RunRunning}
	r.Spec.Window = schedule.Window{Days: "mon-fri", From: "08:00", To: "20:00", Zone: "Europe/Berlin"}
	night := time.Date(2026, 11, 27, 20, 30, 0, 0, time.UTC) // a Friday
	opens := time.Date(2026, 11, 30, 7, 0, 0, 0, time.UTC)
	if got := r.Opens(night); !got.Equal(opens) {
		t.Errorf("opens %s, want %s", got, opens)
	}
	if got, want := r.WaitsFor(night, time.UTC), "It sends Mon–Fri 08:00–20:00, Europe/Berlin, and waits until Mon 30 Nov, 07:00 UTC."; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got := r.WaitsFor(opens, time.UTC); got != "" || !r.Opens(opens).IsZero() {
		t.Errorf("open, it waits: %q", got)
	}
	r.State = campaign.RunPaused
	if got := r.WaitsFor(night, time.UTC); got != "" {
		t.Errorf("paused, it waits: %q", got)
	}
}

// Senders keep to a window by their own clock when nobody tells them.
func TestStatusByTheClock(t *testing.T) {
	closes := time.Date(2026, 11, 23, 20, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		state campaign.RunState
		until time.Time
		at    time.Time
		want  campaign.RunState
	}{
		{campaign.RunRunning, time.Time{}, closes, campaign.RunRunning},
		{campaign.RunRunning, closes, closes.Add(-1), campaign.RunRunning},
		{campaign.RunRunning, closes, closes, campaign.RunPaused},
		{campaign.RunPaused, closes, closes.Add(1), campaign.RunPaused}, // the planner says when it goes on
		{campaign.RunCancelled, closes, closes.Add(1), campaign.RunCancelled},
	} {
		if got := (campaign.RunStatus{State: c.state, Until: c.until}).Now(c.at); got != c.want {
			t.Errorf("%s until %s is %s at %s, want %s", c.state, c.until, got, c.at, c.want)
		}
	}
}

func TestWindowIsChecked(t *testing.T) {
	s := spec("all", "all").WithDefaults()
	s.Window = schedule.Window{Days: "mo", From: "8", Zone: "Berlin"}
	err := s.Validate()
	for _, want := range []string{"window.days: ", "window.from: ", "window.zone: "} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("no word of %s: %v", want, err)
		}
	}
	s.Window, s.Class = schedule.Window{From: "08:00", To: "20:00", Zone: "UTC"}, campaign.Transactional
	if err = s.Validate(); err == nil || !strings.Contains(err.Error(), "window: ") {
		t.Errorf("an order waits for office hours: %v", err)
	}
	s.Class = campaign.Marketing
	if err = s.Validate(); err != nil {
		t.Error(err)
	}
}

// A run whose mail is spread leaves evenly over that time, over a restart of the planner
// too, and everybody is reached once.
func TestSpread(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const n = 900
	w.list("all", n, "t0.example", "gmail.com", "t1.example")
	began := time.Now()
	c := newClock(began)
	s := spec("all", "all")
	s.Spread = campaign.Duration(10 * time.Minute)
	run := w.start(s)
	p, q := w.watchedBy(c.now)
	taker := w.sends(nil)
	stop := w.run(p.Run)
	w.complete(run)
	var at time.Duration
	step := func(to time.Duration) {
		t.Helper()
		for ; at < to; at += 25 * time.Second {
			c.set(began.Add(at))
			q.rounds(t, 2)
			// Half a minute passes here in milliseconds: the ledger must not lag by more.
			eventually(t, "what was taken is in the ledger", func() bool {
				taken, _ := taker.jobs()
				return w.depth(run) == 0 && w.counts(run).Accepted == int64(taken)
			})
		}
		even := n * int64(at) / int64(10*time.Minute)
		eventually(t, "what was due is sent", func() bool { return w.counts(run).Accepted > even-n/8 && w.depth(run) == 0 })
		if got := w.counts(run).Accepted; got > even+n/20 {
			t.Errorf("%d of %d have left after %s, want about %d", got, n, at, even)
		}
	}
	step(200 * time.Second)
	stop()
	w.run(p.Run)
	step(450 * time.Second)
	c.set(began.Add(10 * time.Minute))
	w.reached(run, n)
	taker.each(t, n, 1)
}

// A run that the planner itself started is spread as well.
func TestSpreadOfAScheduledRun(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const n = 300
	w.list("all", n, "t0.example")
	began := time.Now()
	c := newClock(began)
	w.service.Now = c.now
	s := spec("all", "all")
	s.Spread = campaign.Duration(10 * time.Minute)
	must(w.service.Create(t.Context(), s))(t)
	run := must(w.service.Start(t.Context(), "all", began.Add(time.Hour)))(t)
	p, q := w.watchedBy(c.now)
	w.run(p.Run)
	c.set(began.Add(time.Hour))
	w.complete(run)
	q.rounds(t, 2)
	c.set(began.Add(time.Hour + 30*time.Second))
	eventually(t, "its first part is fed", func() bool { return w.depth(run) > 0 })
	q.rounds(t, 2)
	if got := w.depth(run); got > n/10 {
		t.Errorf("%d of %d are fed after half a minute of ten", got, n)
	}
}
