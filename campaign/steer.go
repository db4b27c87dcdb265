package campaign

import (
	"context"
	"errors"
	"fmt"
)

// PauseRun stops a run's sending within a second; nothing is lost.
func (s *Service) PauseRun(ctx context.Context, id RunID, note string) (Run, error) {
	return s.moveRun(ctx, id, []RunState{RunRunning}, RunPaused, note)
}

// ResumeRun lets a paused run go on.
func (s *Service) ResumeRun(ctx context.Context, id RunID) (Run, error) {
	return s.moveRun(ctx, id, []RunState{RunPaused}, RunRunning, "")
}

// CancelRun ends a run: whoever was not reached is Cancelled.
func (s *Service) CancelRun(ctx context.Context, id RunID, note string) (Run, error) {
	return s.moveRun(ctx, id, []RunState{RunScheduled, RunRunning, RunPaused}, RunCancelled, note)
}

// SetWeight changes an open run's share of the sites that other runs use too; the planner
// feeds by it within a second.
func (s *Service) SetWeight(ctx context.Context, id RunID, weight int) (Run, error) {
	if weight < 1 || weight > 100 {
		return Run{}, fmt.Errorf("weight: must be 1 to 100, but is %d", weight)
	}
	return s.Store.SetRunWeight(ctx, id, weight)
}

func (s *Service) moveRun(ctx context.Context, id RunID, from []RunState, to RunState, note string) (Run, error) {
	run, err := s.Store.SetRunState(ctx, id, from, to, note, s.Now())
	if errors.Is(err, ErrConflict) {
		now, lookErr := s.Store.RunByID(ctx, id)
		return now, errors.Join(fmt.Errorf("the run is %s and cannot become %s: %w", now.State, to, ErrConflict), lookErr)
	}
	return run, err
}

// SendRest lets everybody of a run go who waits for its next wave, because who says so.
// ErrConflict when nobody does, or the run is over.
func (s *Service) SendRest(ctx context.Context, id RunID, who string) (Run, error) {
	run, err := s.Store.RunByID(ctx, id)
	if err != nil {
		return run, err
	}
	if run.Spec.AB.HasRest() {
		return s.ChooseWinner(ctx, id, NoVariant, who)
	}
	waves, err := s.waveStatus(ctx, &run)
	if err != nil {
		return run, err
	}
	if !run.Open() || !waves.Any() || waves.Complete && waves.Held(s.Now()) == 0 || waves.Open >= waves.Last() {
		return run, fmt.Errorf("nobody in the run waits for a part of it that is not sent yet: %w", ErrConflict)
	}
	opened, err := s.Store.OpenWaves(ctx, id, waves.Last(), who+" sent it", s.Now())
	if err == nil && !opened {
		err = fmt.Errorf("somebody else was faster: %w", ErrConflict)
	}
	return run, err
}
