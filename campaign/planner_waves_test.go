package campaign_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"broadside/campaign"
)

// withCanary starts a campaign to n new contacts of a domain each in turn, a share of whom
// go first, and says who.
func (w *world) withCanary(share string, n int, domains ...string) (run campaign.Run, first map[campaign.ContactID]bool) {
	w.t.Helper()
	w.list("all", n, domains...)
	s := spec("all", "all")
	s.Brake.Canary = share
	run, first = w.start(s), map[campaign.ContactID]bool{}
	drawn := s.CanaryShare(int64(n))
	for c := campaign.ContactID(1); int(c) <= n; c++ {
		if campaign.Draw(run.ID, c) < drawn {
			first[c] = true
		}
	}
	return run, first
}

// A tenth goes first, over all lanes; planners that die, a pause and a queue that is lost
// meanwhile change nothing of who that is; the rest leaves when the canary was tried and
// its time has passed; everybody gets one.
func TestCanary(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const n = 1500
	run, first := w.withCanary("10%", n, "t0.example", "t1.example", "gmail.com")
	var c watch
	stop := w.run(w.plannerBy(c.now).Run)
	w.fed(run, len(first))
	stop()
	must(w.service.Pause(t.Context(), "all", ""))(t)
	w.loseQueue()
	must(w.service.Resume(t.Context(), "all"))(t)

	var early atomic.Int64
	sent := w.sends(func(j campaign.Job) (campaign.Event, bool) {
		if !first[j.Contact] && c.ahead.Load() == 0 {
			early.Add(1)
		}
		return accepted(j), true
	})
	stop = w.run(w.plannerBy(c.now).Run)
	eventually(t, "it is known when the rest leaves", func() bool { return w.due(run) })
	if got := w.counts(run); got.Accepted != int64(len(first)) || got.Waiting != n-got.Accepted {
		t.Errorf("counts %+v, want %d accepted", got, len(first))
	}
	stop()
	c.advance(10 * time.Minute)
	w.run(w.plannerBy(c.now).Run)
	w.reached(run, n)
	sent.each(t, n, 1)
	if early.Load() > 0 {
		t.Errorf("%d left before the canary was judged", early.Load())
	}
	if waves := w.waves(run); waves.Open != 2 || waves.Note == "" {
		t.Errorf("waves %+v", waves)
	}
}

// A canary that is refused stops the run, though a run would not be judged by so few;
// the others have left nothing. Who resumes it has seen why: then they leave.
func TestCanaryThatDies(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const n = 1500
	run, first := w.withCanary("20%", n, "t0.example")
	var c watch
	sent := w.sends(quarterGone)
	w.run(w.plannerBy(c.now).Run)
	eventually(t, "the brake is pulled", func() bool { return w.state(run) == campaign.RunPaused })
	if note := w.latest(run).Note; !strings.Contains(note, "no such user here") {
		t.Errorf("note %q", note)
	}
	if taken, _ := sent.jobs(); taken != len(first) {
		t.Errorf("%d were sent, want the %d of the canary", taken, len(first))
	}
	c.advance(10 * time.Minute)
	must(w.service.Resume(t.Context(), "all"))(t)
	if got := w.finished(run); got.Accepted+got.Bounced != n {
		t.Errorf("counts %+v", got)
	}
	sent.each(t, n, 1)
}

// A canary is judged as a whole though the run was paused when all of it was tried.
func TestCanaryThatWasPaused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const n = 1500
	run, first := w.withCanary("20%", n, "t0.example")
	stop := w.run(w.planner().Run)
	w.fed(run, len(first))
	stop()
	sent := w.sends(quarterGone)
	eventually(t, "the canary is tried", func() bool { return w.counts(run).Waiting == int64(n-len(first)) })
	must(w.service.Pause(t.Context(), "all", ""))(t)
	must(w.service.Resume(t.Context(), "all"))(t)
	w.run(w.planner().Run)
	eventually(t, "the brake is pulled", func() bool { return w.state(run) == campaign.RunPaused })
	if taken, _ := sent.jobs(); taken != len(first) {
		t.Errorf("%d were sent, want the %d of the canary", taken, len(first))
	}
}

// Nobody waits for a canary that nobody is in, nor for one that was drawn because the lists
// are large when few of them are meant.
func TestCanaryThatIsNotNeeded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const n = 30
	w.list("all", n, "t0.example")
	asked := spec("asked", "all")
	asked.Brake.Canary = "0.01%"
	byItself := spec("by-itself", "all")
	var runs []campaign.Run
	for _, s := range []campaign.Spec{asked, byItself} {
		runs = append(runs, w.start(s))
	}
	must(w.db.FreezeWaves(t.Context(), runs[1].ID, campaign.Waves{Kind: campaign.CanaryWaves, Share: 100_000}))(t)
	w.sends(nil)
	w.run(w.planner().Run)
	for i, want := range []string{"nobody was drawn for a canary", "they are too few for a canary"} {
		w.reached(runs[i], n)
		if waves := w.waves(runs[i]); waves.Note != want {
			t.Errorf("waves %+v, want %q", waves, want)
		}
	}
}

// While a canary is out, a person may send the rest at once; pausing gives back what was
// fed of both waves, and all of it comes again.
func TestRestIsSentAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const n = 1500
	run, first := w.withCanary("5%", n, "t0.example", "gmail.com")
	w.record()
	w.run(w.planner().Run)
	w.fed(run, len(first))
	must(w.service.SendRest(t.Context(), run.ID, "Ann"))(t)
	w.fed(run, n)
	if _, err := w.service.SendRest(t.Context(), run.ID, "Bob"); err == nil {
		t.Error("the rest was sent twice")
	}
	must(w.service.Pause(t.Context(), "all", ""))(t)
	w.take(w.taker(), usedLanes...)
	eventually(t, "all are given back", func() bool { return w.depth(run) == 0 })
	must(w.service.Resume(t.Context(), "all"))(t)
	w.reached(run, n)
	if waves := w.waves(run); !strings.Contains(waves.Note, "Ann") {
		t.Errorf("waves %+v", waves)
	}
}

func TestCanaryShare(t *testing.T) {
	for name, c := range map[string]struct {
		spec campaign.Spec
		of   int64
		want int
	}{
		"a small list":         {of: 49_999},
		"a larger one":         {of: 50_000, want: 20_000},
		"one per cent":         {of: 400_000, want: 10_000},
		"a very large one":     {of: 10_000_000, want: 1_000},
		"asked for":            {spec: campaign.Spec{Brake: campaign.Brake{Canary: "2.5 %"}}, of: 100, want: 25_000},
		"not wanted":           {spec: campaign.Spec{Brake: campaign.Brake{Canary: "off"}}, of: 400_000},
		"no brake":             {spec: campaign.Spec{Brake: campaign.Brake{Off: true}}, of: 400_000},
		"spread":               {spec: campaign.Spec{Spread: campaign.Duration(time.Hour)}, of: 400_000},
		"spread, asked for":    {spec: campaign.Spec{Spread: campaign.Duration(time.Hour), Brake: campaign.Brake{Canary: "1%"}}, of: 400_000, want: 10_000},
		"somebody waits":       {spec: campaign.Spec{Priority: campaign.Express}, of: 400_000},
		"about an order":       {spec: campaign.Spec{Class: campaign.Transactional, Brake: campaign.Brake{Canary: "1%"}}, of: 400_000},
		"of nobody, asked for": {spec: campaign.Spec{Brake: campaign.Brake{Canary: "50%"}}, want: 500_000},
	} {
		if got := c.spec.CanaryShare(c.of); got != c.want {
			t.Errorf("%s: %d in a million, want %d", name, got, c.want)
		}
	}
	for _, text := range []string{"2", "0%", "51%", "-1%", "NaN%", "1e400%", "on", "%"} {
		if err := (campaign.Brake{Canary: text}).Validate(); err == nil || !strings.HasPrefix(err.Error(), "brake.canary: ") {
			t.Errorf("%q: %v", text, err)
		}
	}
	if err := (campaign.Brake{Canary: "1%", Off: true}).Validate(); err == nil {
		t.Error("a canary that nobody judges")
	}
	s := compared("news", 20)
	s.Brake.Canary = "1%"
	if err := s.WithDefaults().Validate(); err == nil || !strings.Contains(err.Error(), "brake.canary: ") {
		t.Errorf("a canary beside a test: %v", err)
	}
	for _, d := range []time.Duration{-time.Minute, time.Second, 25 * time.Hour} {
		if err := (campaign.Brake{CanaryWait: campaign.Duration(d)}).Validate(); err == nil || !strings.HasPrefix(err.Error(), "brake.canary_wait: ") {
			t.Errorf("%s: %v", d, err)
		}
	}
}

// Who is drawn is as good as random: of consecutive contacts, and in runs that follow one
// another, each share is about what it should be, and not of the same people.
func TestDraw(t *testing.T) {
	const n = 20_000
	before := map[campaign.ContactID]bool{}
	for run := campaign.RunID(1); run <= 5; run++ {
		now, again := map[campaign.ContactID]bool{}, 0
		for c := campaign.ContactID(1); c <= n; c++ {
			if campaign.Draw(run, c) < 100_000 {
				now[c] = true
				if before[c] {
					again++
				}
			}
		}
		if len(now) < 1850 || len(now) > 2150 || again > 260 { // 2,000 and 200, with some standard deviations
			t.Errorf("run %d: %d of %d are drawn, %d of them as in the run before", run, len(now), n, again)
		}
		before = now
	}
}

// Without waves nothing is asked or kept for them.
func TestNoWaves(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.list("all", 10, "t0.example")
	s := spec("all", "all")
	s.Brake.Canary = "off"
	run := w.start(s)
	w.run(w.planner().Run)
	w.fed(run, 10)
	if waves, err := w.db.WavesOf(context.Background(), run.ID); err == nil {
		t.Errorf("waves %+v", waves)
	}
	if m := must(w.queue.Marker(t.Context(), campaign.TailLane, run.ID))(t); m.Wave != 0 || fmt.Sprint(m.Cursor) != "10" {
		t.Errorf("marker %+v", m)
	}
}

// By their own clocks, zones get it one after the other, whoever has none by the
// campaign's; over planners that die, and each once.
func TestByTheirClocks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var c watch
	w.service.Now = c.now
	const n = 900
	rows := make([]campaign.ImportRow, n)
	for i := range rows {
		zone := []string{"Etc/GMT-10", "nowhere", "Etc/GMT+5"}[i%3]
		rows[i] = campaign.ImportRow{Email: fmt.Sprintf("r%03d@%s", i, []string{"t0.example", "gmail.com"}[i%2]), Attributes: fmt.Appendf(nil, `{"name":"R","timezone":%q}`, zone)}
	}
	w.importRows("all", rows)
	s := spec("all", "all")
	s.LocalTime.Zone = "UTC"
	must(w.service.Create(t.Context(), s))(t)
	run := must(w.service.Start(t.Context(), "all", time.Now().Add(20*time.Hour)))(t)
	if begins := time.Until(run.StartAt).Round(time.Hour); run.State != campaign.RunScheduled || begins != 6*time.Hour {
		t.Fatalf("the run is %s and begins in %s", run.State, begins)
	}
	stop := w.run(w.plannerBy(c.now).Run)
	c.advance(6 * time.Hour)
	w.complete(run)
	sent := w.sends(nil)
	for i, ahead := range []time.Duration{4, 10, 5} { // UTC+10, UTC, UTC−5
		if got := w.counts(run); got.Accepted != int64(i)*n/3 || got.Waiting != n-got.Accepted {
			t.Errorf("after %d zones %+v", i, got)
		}
		stop()
		stop = w.run(w.plannerBy(c.now).Run)
		c.advance(ahead * time.Hour)
		eventually(t, "the next zone was reached", func() bool { return w.counts(run).Accepted == int64(i+1)*n/3 })
	}
	w.reached(run, n)
	sent.each(t, n, 1)
}

// dailyByTheirClocks is a campaign to one contact, sent each day at this minute by the
// contact's clock, and when it is due next.
func (w *world) dailyByTheirClocks(attributes string) (daily campaign.Campaign, next time.Time) {
	w.t.Helper()
	w.importRows("all", []campaign.ImportRow{{Email: "late@t0.example", Attributes: []byte(attributes)}})
	now, s := time.Now().UTC(), spec("all", "all")
	s.LocalTime.Zone = "UTC"
	s.Repeat.Zone, s.Repeat.Cron = "UTC", fmt.Sprintf("%d %d * * *", now.Minute(), now.Hour())
	daily = must(w.service.Create(w.t.Context(), s))(w.t)
	return daily, must(w.service.Repeat(w.t.Context(), daily))(w.t).Next
}

// A campaign that is sent daily by recipients' clocks begins with the first zone, and the
// next run waits for the one before instead of being left out, whoever plans by then.
func TestRepeatByTheirClocks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var c watch
	w.service.Now = c.now
	daily, nominal := w.dailyByTheirClocks(`{"name":"R","timezone":"Etc/GMT+11"}`)
	w.sends(nil)
	stop := w.run(w.plannerBy(c.now).Run)
	begun := func() (run campaign.Run) {
		eventually(t, "a run has begun", func() bool {
			var err error
			run, err = w.db.LatestRun(t.Context(), daily.ID)
			return err == nil && run.For().Equal(nominal)
		})
		return run
	}
	c.advance(nominal.Sub(c.now()) - 14*time.Hour + time.Minute)
	first := begun()
	stop()
	c.advance(24 * time.Hour) // the next one is due; 11 hours behind, the first is under way
	w.run(w.plannerBy(c.now).Run)
	nominal = nominal.Add(24 * time.Hour)
	if got := w.state(first); got != campaign.RunRunning {
		t.Errorf("the first run is %s", got)
	}
	c.advance(time.Hour)
	w.finished(first)
	second := begun()
	if second.ID == first.ID {
		t.Error("there was no second run")
	}
	c.advance(25 * time.Hour)
	w.finished(second)
}

// What has waited too long for the run before is left out, and the note says so.
func TestRepeatThatWaitsInVain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var c watch
	w.service.Now = c.now
	daily, nominal := w.dailyByTheirClocks(`{"name":"R"}`)
	stop := w.run(w.plannerBy(c.now).Run)
	c.advance(nominal.Sub(c.now()) + time.Minute)
	eventually(t, "a run has begun", func() bool { return len(w.runsOf(daily.ID)) == 1 })
	stop()
	c.advance(30*time.Hour + time.Minute) // nobody sends: the run stays open
	w.run(w.plannerBy(c.now).Run)
	note := func() string { return must(w.db.RecurrenceOf(t.Context(), daily.ID))(t).Note }
	eventually(t, "the time that is left out is told", func() bool { return note() != "" })
	if got, want := note(), "left out "+campaign.Noted(nominal.AddDate(0, 0, 1))+": the run before was not over within 6h0m0s"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
