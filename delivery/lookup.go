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
	var unsent, deferred []*item
	var due []time.Time
	for i, it := range items {
		row := rows[i]
		switch {
		case row.Attempts < it.Job.Attempt && !row.State.Final():
			it.resent = it.resent || it.Again && s.Claims.suspect(it.try())
			unsent = append(unsent, it)
		case row.State == campaign.Deferred && row.Attempts == it.Job.Attempt:
			it.resent = row.Resent
			deferred, due = append(deferred, it), append(due, row.Due)
		default:
			s.drop(it) // its outcome is in the ledger
		}
	}
	s.scheduleAgain(ctx, deferred, due)
	return unsent
}

// scheduleAgain repeats the schedules of recorded deferrals: their sender died between
// the event and the schedule, or between the schedule and the acknowledgement. In the
// latter case the repetition replaces the schedule, unless that has fired: then there
// would be two retries, in the hands of two senders perhaps. What may have fired is left
// to the planner, which looks at what is overdue.
func (s *Sender) scheduleAgain(ctx context.Context, items []*item, due []time.Time) {
	fired, err := s.firedRetries(ctx, items, due)
	for i, it := range items {
		if err == nil && !fired[it.try()] {
			err = s.Queue.Retry(ctx, nextJob(it, false), due[i])
		}
		if err != nil {
			s.Log.Warn("sender: retries were not scheduled again, their jobs stay with the queue", "jobs", len(items)-i, "error", err)
			s.leave(items[i:])
			return
		}
		s.drop(it)
	}
}

// firesSoon is how near its time a schedule may have fired already, by another clock.
const firesSoon = 2 * time.Second

// firedRetries are the items whose retry the queue may have delivered, or is about to.
func (s *Sender) firedRetries(ctx context.Context, items []*item, due []time.Time) (map[try]bool, error) {
	fired := map[try]bool{}
	var unscheduled []*item
	for i, it := range items {
		if time.Until(due[i]) > firesSoon {
			continue
		}
		scheduled, err := s.Queue.HasRetry(ctx, it.Job.Recipient)
		if err != nil {
			return nil, err
		}
		if fired[it.try()] = scheduled; !scheduled {
			unscheduled = append(unscheduled, it)
		}
	}
	if len(unscheduled) == 0 {
		return fired, nil
	}
	// After the schedules: one that fired in between is seen here.
	depth, err := s.Queue.Depth(ctx)
	if err != nil {
		return nil, err
	}
	for _, it := range unscheduled {
		fired[it.try()] = depth.Retries[campaign.LaneRun{Lane: it.Job.Lane, Run: it.Job.Run}] > 0
	}
	return fired, nil
}

// waitForLedger waits until the ledger has applied every outcome published so far.
func (s *Sender) waitForLedger(ctx context.Context) error {
	return waitForLedger(ctx, s.Queue, s.Store.Checkpoint)
}
