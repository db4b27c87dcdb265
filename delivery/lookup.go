package delivery

import (
	"context"
	"time"

	"broadside/campaign"
)

// lookUp asks the ledger about retries and jobs that may have been in other hands,
// after it has caught up with every outcome published until now, and returns those
// that have none: they are sent, and marked if they may have been sent before.
func (l *lane) lookUp(ctx context.Context, items []*item) []*item {
	s := l.s
	if err := s.waitForLedger(ctx); err != nil {
		s.Log.Warn("sender: the ledger did not catch up, jobs stay with the queue", "jobs", len(items), "error", err)
		s.leave(items)
		return nil
	}
	who := make([]campaign.Recipient, len(items))
	for i, it := range items {
		who[i] = it.Job.Recipient
	}
	rows, err := s.Store.RowsOf(ctx, who)
	if err != nil {
		s.Log.Warn("sender: the ledger cannot be read, jobs stay with the queue", "jobs", len(items), "error", err)
		s.leave(items)
		return nil
	}
	var unsent []*item
	for i, it := range items {
		row := rows[i]
		switch {
		case row.Attempts < it.Job.Attempt && !row.State.Final():
			it.resent = it.resent || it.Again && s.Claims.suspect(it.try())
			unsent = append(unsent, it)
		case row.State == campaign.Deferred && row.Attempts == it.Job.Attempt:
			s.scheduleAgain(ctx, it, row)
		default:
			s.drop(it) // its outcome is in the ledger
		}
	}
	return unsent
}

// firesSoon is how near its time a schedule may have fired already, by another clock.
const firesSoon = 2 * time.Second

// scheduleAgain repeats the schedule of a recorded deferral: its sender died between
// the event and the schedule, or between the schedule and the acknowledgement. In the
// latter case the repetition replaces the schedule, unless that has fired: then there
// would be two retries, in the hands of two senders perhaps. So what is due is left to
// the planner, which schedules it if the queue turns out to know nothing of it.
func (s *Sender) scheduleAgain(ctx context.Context, it *item, row campaign.Row) {
	if time.Until(row.Due) < firesSoon {
		s.drop(it)
		return
	}
	next := nextJob(it, row.Resent)
	if err := s.Queue.Retry(ctx, next, row.Due); err != nil {
		s.Log.Warn("sender: a retry was not scheduled again, its job stays with the queue", "run", it.Job.Run, "contact", it.Job.Contact, "error", err)
		s.leave([]*item{it})
		return
	}
	s.drop(it)
}

// ledgerPoll is how often the recorder's progress is asked for.
const ledgerPoll = 50 * time.Millisecond

// waitForLedger waits until the ledger has applied every outcome published so far.
func (s *Sender) waitForLedger(ctx context.Context) error {
	end, err := s.Queue.EventsEnd(ctx)
	if err != nil {
		return err
	}
	for {
		at, err := s.Store.Checkpoint(ctx)
		if err != nil {
			return err
		}
		if at >= end {
			return nil
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(ledgerPoll):
		}
	}
}
