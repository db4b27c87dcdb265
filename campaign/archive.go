package campaign

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Archive puts a campaign away: it is no longer among the others and does not start until
// it is restored. Its runs, their reports and everybody's history stay. ErrConflict while
// it is being sent, or is to be. Asking twice changes nothing.
func (s *Service) Archive(ctx context.Context, c Campaign) (Campaign, error) {
	if !c.Archived.IsZero() {
		return c, nil
	}
	put, err := s.Store.ArchiveCampaign(ctx, c.ID, s.Now())
	if errors.Is(err, ErrConflict) {
		return c, fmt.Errorf("campaign %q has a run that is not over, or is sent again and again: cancel that first: %w", c.Spec.Name, ErrConflict)
	}
	return put, err
}

// Restore takes a campaign out of the archive.
func (s *Service) Restore(ctx context.Context, c Campaign) (Campaign, error) {
	return s.Store.ArchiveCampaign(ctx, c.ID, time.Time{})
}

// UndoRun takes a start back before the first message: the run is cancelled, and the
// campaign can be started as if it had not been. ErrConflict from the run's start on.
func (s *Service) UndoRun(ctx context.Context, id RunID, note string) (Run, error) {
	run, err := s.Store.RunByID(ctx, id)
	if err != nil {
		return run, err
	}
	taken, err := s.Store.SetRunState(ctx, id, []RunState{RunScheduled}, RunCancelled, note, s.Now())
	if errors.Is(err, ErrConflict) {
		return run, fmt.Errorf("the run has begun, or is over, and cannot be taken back; cancel it: %w", ErrConflict)
	}
	return taken, err
}
