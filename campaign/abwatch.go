package campaign

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// abEvery is how often running A/B tests are looked at.
const abEvery = time.Second

// ABStore keeps A/B tests of runs.
type ABStore interface {
	// VariantFigures returns what is known of each variant of a run's A/B test, in order,
	// those who wait or waited for its winner first; none for a run without a test.
	VariantFigures(ctx context.Context, id RunID) ([]VariantFigures, error)
	// DecideAB writes down who won a run's test and lets the rest of its audience go, in
	// one transaction. ErrConflict when it is decided, when the run is in none of the states
	// from, or when its audience has not been begun.
	DecideAB(ctx context.Context, id RunID, from []RunState, d ABDecision) error
	// HitsCheckpoint is the last stream sequence of openings and clicks that is recorded.
	HitsCheckpoint(ctx context.Context) (uint64, error)
}

// abTests ends tests whose time is over until ctx is done. That of a run which is paused,
// by whomever, ends when it goes on.
func (p *Planner) abTests(ctx context.Context) error {
	tests := &abTests{p: p, tries: tries{}, hits: map[RunID]*barrier{}}
	for sleep(ctx, abEvery) {
		runs := p.openRuns()
		tests.forget(idsOf(runs))
		for i := range runs {
			r := &runs[i]
			if r.State != RunRunning || !r.Spec.AB.HasRest() || r.Spec.AB.Winner == ByChoice || r.Won.Winner != NoVariant {
				continue
			}
			if err := tests.end(ctx, r); err != nil && ctx.Err() == nil {
				p.Log.Warn("planner: an A/B test cannot be decided yet", "run", r.ID, "error", err)
			}
		}
	}
	return nil
}

// abTests is what is remembered of the tests that are watched.
type abTests struct {
	p     *Planner
	tries tries
	hits  map[RunID]*barrier // of tests whose time is over
}

// forget keeps only what is of open runs.
func (t *abTests) forget(open map[RunID]bool) {
	keepOnly(t.tries, open)
	keepOnly(t.hits, open)
}

// end decides a run's test when its time is over, which begins when everybody in it was
// tried, and what was opened and clicked until then is recorded.
func (t *abTests) end(ctx context.Context, r *Run) error {
	p := t.p
	waves, err := p.Store.WavesOf(ctx, r.ID)
	if errors.Is(err, ErrNotFound) || !r.SnapshotDone || waves.Open >= waves.Last() {
		return nil
	}
	if err != nil {
		return err
	}
	if waves.Due.IsZero() {
		first, err := p.firstWave(ctx, r)
		switch {
		case err != nil || first.in+first.behind == 0:
			return err
		case first.in == 0:
			return t.decide(ctx, r, VariantA, "Nobody was drawn for the test. A goes on.", nil)
		case !first.tried(t.tries.late(r, p.Now())):
			return nil
		}
		return p.Store.SetWavesDue(ctx, r.ID, p.Now().Add(time.Duration(r.Spec.AB.After)))
	}
	over := p.Now().Sub(waves.Due)
	if over < 0 {
		return nil
	}
	counted, err := t.counted(ctx, r.ID)
	if err != nil || !counted && over < hitsPatience {
		return err
	}
	figures, err := p.Store.VariantFigures(ctx, r.ID)
	if err != nil {
		return err
	}
	known := evidence(r.Spec, figures)
	winner, why := decide(r.Spec.AB.Winner, known)
	if !counted {
		why += " Some openings and clicks were not recorded yet."
	}
	return t.decide(ctx, r, winner, why, known)
}

// hitsPatience is how long after its time a test waits for openings and clicks that are
// known but not recorded.
const hitsPatience = time.Hour

// counted reports whether the openings and clicks that were known at the end of a run's
// test are recorded. A decision is for good: it must not be made while a database that was
// away catches up.
func (t *abTests) counted(ctx context.Context, id RunID) (bool, error) {
	at, err := t.p.Store.HitsCheckpoint(ctx) // before the end, which never is behind it
	if err != nil {
		return false, fmt.Errorf("planner: reading how far openings and clicks are recorded: %w", err)
	}
	end, err := t.p.Queue.HitsEnd(ctx)
	if err != nil {
		return false, err
	}
	if t.hits[id] == nil {
		t.hits[id] = &barrier{}
	}
	return t.hits[id].passed(at, end), nil
}

// decide writes a winner down.
func (t *abTests) decide(ctx context.Context, r *Run, winner Variant, why string, known []ABEvidence) error {
	p := t.p
	d := ABDecision{Winner: winner, Why: why, At: p.Now(), Evidence: known}
	err := p.Store.DecideAB(ctx, r.ID, []RunState{RunRunning}, d)
	if errors.Is(err, ErrConflict) {
		return nil // a person was faster, or it is paused
	}
	if err == nil {
		p.Log.Info("planner: an A/B test is decided", "run", r.ID, "campaign", r.Spec.Name, "winner", d.Winner.String(), "why", d.Why)
	}
	return err
}

// ChooseWinner ends a run's A/B test now: the rest gets a variant because a person says
// so or, for NoVariant, what the test says so far; a person's choice, where nothing but
// that decides, cannot be left out. ErrConflict when nothing waits for a winner.
func (s *Service) ChooseWinner(ctx context.Context, id RunID, v Variant, who string) (Run, error) {
	run, err := s.Store.RunByID(ctx, id)
	if err != nil {
		return run, err
	}
	test := run.Spec.AB
	switch {
	case !test.HasRest():
		return run, fmt.Errorf("nobody in the run waits for the winner of a test: %w", ErrConflict)
	case run.Won.Winner != NoVariant:
		return run, fmt.Errorf("the test is over, %s has won: %w", run.Won.Winner, ErrConflict)
	case v > VariantA+Variant(len(test.Variants)):
		return run, unfit("variant", fmt.Sprintf("the campaign has no variant %s", v))
	case v == NoVariant && test.Winner == ByChoice:
		return run, fmt.Errorf("choose one of its variants: nothing but a person decides this test: %w", ErrConflict)
	}
	figures, err := s.Store.VariantFigures(ctx, id)
	if err != nil {
		return run, err
	}
	d := ABDecision{Winner: v, At: s.Now(), By: who, Why: who + " chose it.", Evidence: evidence(run.Spec, figures)}
	if v == NoVariant {
		d.Winner, d.Why = decide(test.Winner, d.Evidence)
		d.Why = who + " ended the test. " + d.Why
	}
	err = s.Store.DecideAB(ctx, id, []RunState{RunRunning, RunPaused}, d)
	if errors.Is(err, ErrConflict) {
		return run, fmt.Errorf("the run is %s, or its test is over or has not begun: %w", run.State, ErrConflict)
	}
	if err != nil {
		return run, err
	}
	return s.Store.RunByID(ctx, id)
}
