package campaign

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Recurrence is a campaign that is sent again and again, each time in a run of its own.
// It sends what was reviewed when it was turned on: editing the campaign changes nothing
// before it is turned on anew.
type Recurrence struct {
	Campaign CampaignID
	Spec     Spec
	Next     time.Time
	Note     string // what became of the last time, when that was no run; for InZone
}

// catchUp is how late a time that was missed, as while everything was down, is still
// sent; what is older waits for the next time. Of several that were missed only the last
// is sent.
const catchUp = 6 * time.Hour

// Repeat turns a campaign's repetition on, or takes over what it says now.
func (s *Service) Repeat(ctx context.Context, c Campaign) (Recurrence, error) {
	if !c.Archived.IsZero() {
		return Recurrence{}, fmt.Errorf("campaign %q is archived: restore it first: %w", c.Spec.Name, ErrConflict)
	}
	times, err := c.Spec.Repeat.Parse()
	if err != nil {
		return Recurrence{}, &Unfit{inWords(fmt.Errorf("repeat.%w", err))}
	}
	report, err := s.preflight(ctx, c.Spec, look{most: startSample})
	if err != nil {
		return Recurrence{}, err
	}
	if err := report.Blocked(); err != nil {
		return Recurrence{}, err
	}
	c.Spec.StartAt = time.Time{} // each run has its own
	return s.Store.SetRecurrence(ctx, c, times.Next(s.Now()))
}

// SkipNext leaves out the next time of a campaign that repeats. ErrNotFound when it does
// not, ErrConflict when that time has just come.
func (s *Service) SkipNext(ctx context.Context, id CampaignID) (Recurrence, error) {
	r, err := s.Store.RecurrenceOf(ctx, id)
	if err != nil {
		return r, err
	}
	times, err := r.Spec.Repeat.Parse()
	if err != nil {
		return r, err
	}
	left := r
	left.Next, left.Note = times.Next(r.Next), "left out "+Noted(r.Next)
	_, moved, err := s.Store.Recur(ctx, r, left, time.Time{}, s.Now())
	if err == nil && !moved {
		err = fmt.Errorf("its next time has just come: %w", ErrConflict)
	}
	return left, err
}

// StopRepeating turns a campaign's repetition off; a run that has begun goes on.
// ErrNotFound when it does not repeat.
func (s *Service) StopRepeating(ctx context.Context, id CampaignID) error {
	return s.Store.StopRecurrence(ctx, id)
}

// recur begins the runs whose time has come. The row's next time is moved in the same
// transaction in which the run is made: each time makes one run, whoever plans.
//
// The open runs were read just now: those that the planner remembers are none after a
// restart, and old when it was without the lease.
func (p *Planner) recur(ctx context.Context, runs []Run) error {
	now := p.Now()
	due, err := p.Store.DueRecurrences(ctx, now.Add(mostLead))
	if err != nil {
		return fmt.Errorf("planner: reading what is due again: %w", err)
	}
	for _, r := range due {
		if r.Spec.Begins(r.Next).After(now) || r.awaits(runs, now) {
			continue
		}
		if err := p.recurOne(ctx, r, r.underWay(runs), now); err != nil {
			return fmt.Errorf("planner: campaign %q, which is due again: %w", r.Spec.Name, err)
		}
	}
	return nil
}

// underWay reports whether the run before is not over.
func (r Recurrence) underWay(runs []Run) bool {
	return slices.ContainsFunc(runs, func(open Run) bool { return open.Campaign == r.Campaign && open.Open() })
}

func (p *Planner) recurOne(ctx context.Context, r Recurrence, underWay bool, now time.Time) error {
	times, err := r.Spec.Repeat.Parse()
	if err != nil {
		p.Log.Error("planner: a campaign's repetition cannot be read, it is turned off", "campaign", r.Spec.Name, "error", err)
		if err = p.Store.StopRecurrence(ctx, r.Campaign); errors.Is(err, ErrNotFound) {
			return nil
		}
		return err
	}
	begun := now.Add(r.Next.Sub(r.Spec.Begins(r.Next))) // the last time for which a run has begun
	last := r.Next
	if later := times.Last(r.Next, begun); !later.IsZero() {
		last = later
	}
	next := r
	next.Next, next.Note = times.Next(begun), ""
	if now.Sub(last) > catchUp {
		at := Noted(last)
		next.Note = fmt.Sprintf("missed %s: nothing was running within %s", at, catchUp)
		if underWay {
			next.Note = fmt.Sprintf("left out %s: the run before was not over within %s", at, catchUp)
		}
		last = time.Time{}
	}
	run, moved, err := p.Store.Recur(ctx, r, next, last, now)
	if err != nil {
		return err
	}
	if moved {
		p.Log.Info("planner: a campaign's time has come again", "campaign", r.Spec.Name, "run", run, "due", last, "next", next.Next)
	}
	return nil
}
