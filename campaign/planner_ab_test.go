package campaign_test

import (
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"broadside/campaign"
	"broadside/campaign/schedule"
)

const variantB = campaign.VariantA + 1

// compared is a campaign whose test has a share, decided by openings after two hours.
func compared(name string, share int) campaign.Spec {
	s := spec(name, "all")
	s.HTML, s.Text = "<p>Hello {{ name }}</p>", ""
	s.AB = campaign.ABTest{Share: share, Variants: []campaign.Alternative{{Subject: "Good day, {{ name }}"}}}
	if share < 100 {
		s.AB.Winner, s.AB.After = campaign.ByOpens, campaign.Duration(2*time.Hour)
	}
	return s
}

// measured lets the members of the world's list be known when they open.
func (w *world) measured(n int, domains ...string) {
	w.t.Helper()
	list := w.list("all", n, domains...)
	must(w.db.SetListTracking(w.t.Context(), list.ID, campaign.TrackIndividual))(w.t)
}

// variants notes which message each recipient's jobs were for.
type variants struct {
	mu  sync.Mutex
	got map[campaign.Recipient]campaign.Variant
	bad []campaign.Recipient // who had jobs for two
}

func (v *variants) outcome(j campaign.Job) (campaign.Event, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if before, had := v.got[j.Recipient]; had && before != j.Variant {
		v.bad = append(v.bad, j.Recipient)
	}
	v.got[j.Recipient] = j.Variant
	return accepted(j), true
}

// check compares with what the run's test says of everybody.
func (v *variants) check(t testing.TB, run campaign.Run) {
	t.Helper()
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.bad) > 0 {
		t.Errorf("%d people had jobs for two variants", len(v.bad))
	}
	for r, got := range v.got {
		if want := run.Spec.AB.VariantOf(run.ID, r.Contact); r.Run == run.ID && got != want {
			t.Fatalf("contact %d had a job for %q, want %q", r.Contact, got, want)
		}
	}
}

// tested is who of n contacts gets each variant of a run.
func tested(run campaign.Run, n int) map[campaign.Variant][]campaign.ContactID {
	who := map[campaign.Variant][]campaign.ContactID{}
	for c := campaign.ContactID(1); int(c) <= n; c++ {
		v := run.Spec.AB.VariantOf(run.ID, c)
		who[v] = append(who[v], c)
	}
	return who
}

// openings are those of a run's message by some people.
func openings(run campaign.Run, who []campaign.ContactID) []campaign.Hit {
	hits := make([]campaign.Hit, len(who))
	for i, c := range who {
		hits[i] = campaign.Hit{Run: run.ID, Contact: c, At: time.Now().Add(time.Minute)}
	}
	return hits
}

// opened records that a part of some people opened a run's message.
func (w *world) opened(run campaign.Run, who []campaign.ContactID, percent int) {
	w.t.Helper()
	at := must(w.db.HitsCheckpoint(w.t.Context()))(w.t)
	hits := openings(run, who[:len(who)*percent/100])
	end := w.publish(hits)
	if err := w.db.ApplyHits(w.t.Context(), at, max(at+1, end), hits); err != nil {
		w.t.Fatal(err)
	}
}

// publish makes hits durable in the queue, and returns the end of their stream.
func (w *world) publish(hits []campaign.Hit) uint64 {
	w.t.Helper()
	if err := w.queue.PublishHits(w.t.Context(), rand.Text(), hits); err != nil {
		w.t.Fatal(err)
	}
	return must(w.queue.HitsEnd(w.t.Context()))(w.t)
}

// A fifth is tested, over planners that die, a queue that is lost and a pause; the better
// message goes to the rest when its time is over and the run goes on, decided once however
// many plan; everybody gets one message, of one variant.
func TestABTest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const n = 1500
	w.measured(n, "t0.example", "t1.example", "gmail.com")
	run := w.start(compared("news", 20))
	who := tested(run, n)
	first := len(who[campaign.VariantA]) + len(who[variantB])
	var c watch
	w.service.Now = c.now
	stop := w.run(w.plannerBy(c.now).Run)
	w.fed(run, first)
	stop()
	w.loseQueue()

	got := variants{got: map[campaign.Recipient]campaign.Variant{}}
	sent := w.sends(got.outcome)
	stop = w.run(w.plannerBy(c.now).Run)
	eventually(t, "the test's time runs", func() bool { return w.due(run) })
	if got := w.counts(run); got.Accepted != int64(first) || got.Waiting != int64(len(who[campaign.NoVariant])) {
		t.Errorf("counts %+v, want %d accepted", got, first)
	}
	w.opened(run, who[campaign.VariantA], 20)
	w.opened(run, who[variantB], 60)
	winner := func(r campaign.Run) campaign.Variant { return w.latest(r).Won.Winner }
	must(w.service.Pause(t.Context(), "news", ""))(t)
	other := w.start(compared("other", 20)) // whose test the planner ends meanwhile
	eventually(t, "the other's test has left", func() bool { return w.due(other) })
	c.advance(3 * time.Hour)
	eventually(t, "the other's test is over", func() bool { return winner(other) != campaign.NoVariant })
	if winner(run) != campaign.NoVariant {
		t.Error("it was decided while it was paused")
	}
	must(w.service.Resume(t.Context(), "news"))(t)
	stop()
	w.run(w.plannerBy(c.now).Run)
	w.run(w.plannerBy(c.now).Run)
	for _, r := range []campaign.Run{run, other} {
		w.reached(r, n)
		got.check(t, r)
	}
	sent.each(t, 2*n, 1)

	missed := must(w.service.FollowUp(t.Context(), must(w.db.CampaignByName(t.Context(), "news"))(t), campaign.Missed))(t)
	if missed.Spec.AB.On() || missed.Spec.Subject != "Good day, {{ name }}" {
		t.Errorf("who was missed gets %q, with the test %+v", missed.Spec.Subject, missed.Spec.AB)
	}
	run = w.latest(run)
	if run.Won.Winner != variantB || run.Won.By != "" || !strings.HasPrefix(run.Won.Why, "60.") && !strings.HasPrefix(run.Won.Why, "59.") {
		t.Errorf("won: %+v", run.Won)
	}
	if len(run.Won.Evidence) != 2 || run.Won.Evidence[1].Opens != int64(len(who[variantB])*60/100) || run.Won.Evidence[0].Accepted != int64(len(who[campaign.VariantA])) {
		t.Errorf("evidence: %+v", run.Won.Evidence)
	}
	if s := must(run.SpecFor(campaign.NoVariant))(t); s.Subject != "Good day, {{ name }}" {
		t.Errorf("the rest gets %q", s.Subject)
	}
	var sum campaign.Counts
	for _, f := range must(w.db.VariantFigures(t.Context(), run.ID))(t) {
		sum.Planned += f.Counts.Planned
		sum.Accepted += f.Counts.Accepted
		if f.Counts.Planned != int64(len(who[f.Variant])) {
			t.Errorf("variant %q: %+v, want %d", f.Variant, f.Counts, len(who[f.Variant]))
		}
	}
	if sum != w.counts(run) {
		t.Errorf("the variants have %+v, the run %+v", sum, w.counts(run))
	}
	if _, err := w.service.ChooseWinner(t.Context(), run.ID, campaign.VariantA, "Ann"); !errors.Is(err, campaign.ErrConflict) {
		t.Errorf("a second winner: %v", err)
	}
}

// A person may choose what the rest gets at any time, and end a test; a split without rest
// has nothing to choose.
func TestABTestByPerson(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const n = 300
	w.measured(n, "t0.example", "gmail.com")
	s := compared("news", 30)
	s.AB.Winner, s.AB.After = campaign.ByChoice, 0
	run := w.start(s)
	ctx := t.Context()
	daily := s
	daily.Repeat = schedule.Repeat{Cron: "0 9 * * *", Zone: "UTC"}
	warned := must(w.service.Check(ctx, daily))(t).Findings
	if !slices.ContainsFunc(warned, func(f campaign.Finding) bool { return !f.Blocks && strings.Contains(f.What, "until a person chooses") }) {
		t.Errorf("findings %+v", warned)
	}
	if _, err := w.service.ChooseWinner(ctx, run.ID, variantB, "Ann"); !errors.Is(err, campaign.ErrConflict) {
		t.Errorf("before its audience is begun: %v", err)
	}
	got := variants{got: map[campaign.Recipient]campaign.Variant{}}
	sent := w.sends(got.outcome)
	w.run(w.planner().Run)
	who := tested(run, n)
	eventually(t, "the test has left", func() bool {
		return w.counts(run).Accepted == int64(n-len(who[campaign.NoVariant]))
	})
	for v, want := range map[campaign.Variant]string{campaign.NoVariant: "choose one", campaign.VariantA + 2: "no variant C"} {
		if _, err := w.service.ChooseWinner(ctx, run.ID, v, "Ann"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("choosing %q: %v, want %q", v, err, want)
		}
	}
	r := must(w.service.ChooseWinner(ctx, run.ID, variantB, "Ann"))(t)
	if r.Won.Winner != variantB || r.Won.By != "Ann" || r.Won.Why != "Ann chose it." {
		t.Errorf("won: %+v", r.Won)
	}
	w.reached(run, n)
	sent.each(t, n, 1)
	got.check(t, run)

	// Ended before anybody opened anything: A, and it says why.
	second := w.start(compared("second", 30))
	eventually(t, "its test has begun", func() bool { return w.counts(second).Accepted > 0 })
	r = must(w.service.SendRest(ctx, second.ID, "Bob"))(t)
	if r.Won.Winner != campaign.VariantA || r.Won.Why != "Bob ended the test. Too little evidence: nothing was counted. A goes on." {
		t.Errorf("won: %+v", r.Won)
	}
	w.finished(second)

	split := w.start(compared("split", 100))
	w.reached(split, n)
	if _, err := w.service.ChooseWinner(ctx, split.ID, variantB, "Ann"); !errors.Is(err, campaign.ErrConflict) {
		t.Errorf("a split has a winner: %v", err)
	}
}

// Openings that are known but not recorded when a test's time is over are waited for, but
// not for ever.
func TestABTestAwaitsWhatIsKnown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const n = 1500
	w.measured(n, "t0.example", "gmail.com")
	run := w.start(compared("news", 20))
	var c watch
	w.service.Now = c.now
	w.sends(nil)
	w.run(w.plannerBy(c.now).Run)
	eventually(t, "the test's time runs", func() bool { return w.due(run) })
	hits := openings(run, tested(run, n)[variantB])
	end := w.publish(hits)
	looked := &ends{JobQueue: w.queue}
	p := w.plannerBy(c.now)
	p.Queue = looked
	w.run(p.Run)
	c.advance(2*time.Hour + time.Minute)
	eventually(t, "the test's time is over", func() bool { return looked.asked.Load() > 1 })
	if won := w.latest(run).Won; won.Winner != campaign.NoVariant {
		t.Errorf("decided before the openings are recorded: %+v", won)
	}
	if err := w.db.ApplyHits(t.Context(), 0, end, hits); err != nil {
		t.Fatal(err)
	}
	w.finished(run)
	if won := w.latest(run).Won; won.Winner != variantB {
		t.Errorf("won: %+v", won)
	}

	second := w.start(compared("second", 20))
	eventually(t, "its time runs", func() bool { return w.due(second) })
	w.publish(hits)
	c.advance(3*time.Hour + time.Minute)
	w.finished(second)
	if won := w.latest(second).Won; won.Winner != campaign.VariantA || !strings.HasSuffix(won.Why, "Some openings and clicks were not recorded yet.") {
		t.Errorf("won: %+v", won)
	}
}

// ends counts how often it was asked how much is known.
type ends struct {
	campaign.JobQueue
	asked atomic.Int64
}

func (q *ends) HitsEnd(ctx context.Context) (uint64, error) {
	defer q.asked.Add(1)
	return q.JobQueue.HitsEnd(ctx)
}

// When nobody was drawn for a test, nobody waits for it.
func TestABTestOfNobody(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.measured(3, "t0.example")
	run := w.start(compared("news", 1))
	if drawn := len(tested(run, 3)); drawn != 1 {
		t.Fatalf("%d groups, want only the rest", drawn)
	}
	w.sends(nil)
	w.run(w.planner().Run)
	w.reached(run, 3)
	if won := w.latest(run).Won; won.Winner != campaign.VariantA || won.Why != "Nobody was drawn for the test. A goes on." {
		t.Errorf("won: %+v", won)
	}
}

// A test's harm stops the run as a canary's does, though a run would not be judged by so
// few; a run that is over waits for no winner.
func TestABTestThatDies(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const n = 1500
	w.measured(n, "t0.example")
	run := w.start(compared("news", 20))
	w.sends(quarterGone)
	w.run(w.planner().Run)
	eventually(t, "the brake is pulled", func() bool { return w.state(run) == campaign.RunPaused })
	if got := w.counts(run); got.Accepted+got.Bounced+got.Waiting != n || got.Waiting < n/2 {
		t.Errorf("counts %+v", got)
	}
	due := func() time.Time { return must(w.service.StatusOf(t.Context(), run.ID))(t).AB.Due }
	if due().IsZero() {
		t.Error("its time is not told")
	}
	must(w.service.Cancel(t.Context(), "news", ""))(t)
	if !due().IsZero() {
		t.Errorf("cancelled, it is decided at %s", due())
	}
}
