package campaign

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Status is where a run stands.
type Status struct {
	Run    Run
	Counts Counts
	Lanes  []LaneCount
	Heard  []FeedbackCount
	// Readers is what those who got the message did with it.
	Readers Readers
	// AB is where its A/B test stands; nil when it has none.
	AB *ABReport
	// Waves is of a run whose audience is fed in parts, one after the other.
	Waves WaveStatus
	// Opens is when a running run that is outside its window goes on, else zero.
	Opens time.Time
}

// Status returns where a campaign's latest run stands.
func (s *Service) Status(ctx context.Context, name string) (Status, error) {
	run, err := s.LatestRun(ctx, name)
	if err != nil {
		return Status{}, err
	}
	return s.StatusOf(ctx, run.ID)
}

// StatusOf returns where a run stands.
func (s *Service) StatusOf(ctx context.Context, id RunID) (Status, error) {
	run, err := s.Store.RunByID(ctx, id)
	if err != nil {
		return Status{}, err
	}
	counts, err := s.Store.Counts(ctx, id)
	if err != nil {
		return Status{}, err
	}
	lanes, err := s.Store.RunLanes(ctx, id)
	if err != nil {
		return Status{}, err
	}
	heard, err := s.Store.FeedbackCounts(ctx, id)
	if err != nil {
		return Status{}, err
	}
	ab, err := s.abReport(ctx, run)
	if err != nil {
		return Status{}, err
	}
	waves, err := s.waveStatus(ctx, &run)
	if err != nil {
		return Status{}, err
	}
	readers, err := s.readers(ctx, id)
	return Status{AB: ab, Run: run, Waves: waves, Counts: counts, Lanes: lanes, Heard: heard, Readers: readers, Opens: run.Opens(s.Now())}, err
}

// Report is what became of a run.
type Report struct {
	Status
	Replies []ReplyCount
}

// Report returns what became of a campaign's latest run.
func (s *Service) Report(ctx context.Context, name string) (Report, error) {
	status, err := s.Status(ctx, name)
	if err != nil {
		return Report{}, err
	}
	replies, err := s.Store.TopReplies(ctx, status.Run.ID, 20)
	return Report{Status: status, Replies: replies}, err
}

// Why returns everything that was done about an address, newest run first.
func (s *Service) Why(ctx context.Context, email string) (Contact, []HistoryRow, error) {
	c, err := s.contact(ctx, email)
	if err != nil {
		return c, nil, err
	}
	rows, err := s.Store.HistoryOf(ctx, c.ID, Recipient{}, 50)
	return c, rows, err
}

// contact finds the contact that has an address as a person types it.
func (s *Service) contact(ctx context.Context, email string) (Contact, error) {
	address, err := ParseAddress(email)
	if err != nil {
		return Contact{}, fmt.Errorf("%q is not an address: %w", email, err)
	}
	c, err := s.Store.ContactByEmail(ctx, address.Email)
	if errors.Is(err, ErrNotFound) {
		return c, fmt.Errorf("no contact has the address %s: it was never imported, or was erased: %w", address.Email, ErrNotFound)
	}
	return c, err
}
