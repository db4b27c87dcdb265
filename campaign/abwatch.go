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
}

// abTests ends tests whose time is over until ctx is done. That of a run which is paused,
// by whomever, ends when it goes on.
func (p *Planner) abTests(ctx context.Context) error {
	for sleep(ctx, abEvery) {
		runs := p.openRuns()
		for i := range runs {
			r := &runs[i]
			if r.State != RunRunning || !r.Spec.AB.HasRest() || r.Spec.AB.Winner == ByChoice || r.Won.Winner != NoVariant {
				continue
			}
			if err := p.endTest(ctx, r); err != nil && ctx.Err() == nil {
				p.Log.Warn("planner: an A/B test cannot be decided yet", "run", r.ID, "error", err)
			}
		}
	}
	return nil
}

// endTest decides a run's test when its time is over, which begins when everybody in it
// was tried.
func (p *Planner) endTest(ctx context.Context, r *Run) error {
	waves, err := p.Store.WavesOf(ctx, r.ID)
	if errors.Is(err, ErrNotFound) || !r.SnapshotDone || waves.Open >= waves.Last() {
		return nil
	}
	if err != nil {
		return err
	}
	if waves.Due.IsZero() {
		tried, err := p.firstWaveTried(ctx, r)
		if err != nil || !tried {
			return err
		}
		return p.Store.SetWavesDue(ctx, r.ID, p.Now().Add(time.Duration(r.Spec.AB.After)))
	}
	if p.Now().Before(waves.Due) {
		return nil
	}
	figures, err := p.Store.VariantFigures(ctx, r.ID)
	if err != nil {
		return err
	}
	d := ABDecision{At: p.Now(), Evidence: evidence(r.Spec, figures)}
	d.Winner, d.Why = decide(r.Spec.AB.Winner, d.Evidence)
	err = p.Store.DecideAB(ctx, r.ID, []RunState{RunRunning}, d)
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
