package campaign

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"
)

// overdue is how far the planner has looked through a run's retries that are overdue.
// A retry is lost when the ledger calls its recipient deferred and overdue, the queue
// knows neither its schedule nor, in that lane, any retry that is due, and the ledger
// has caught up with all that was published when the queue was asked.
type overdue struct {
	next     time.Time            // when to look again
	from     time.Time            // what was due before has been looked at
	before   time.Time            // what is due later is not overdue
	suspects map[Recipient]uint16 // attempts of those that the queue does not know
	barrier  barrier
}

// overduePage rows are looked at in a round: each is a question to the queue.
const overduePage = 500

// checkRetries looks at a page of a run's overdue retries, and schedules again those
// that the queue has lost.
func (f *feeder) checkRetries(ctx context.Context, r *Run) error {
	o := f.overdue[r.ID]
	if o == nil {
		o = &overdue{}
		f.overdue[r.ID] = o
	}
	now := f.p.Now()
	if now.Before(o.next) {
		return nil
	}
	s, err := f.snapshotOf(ctx, r)
	if err != nil || !s.hours.Open(now) {
		return err // outside the window senders put retries off until it opens
	}
	if o.suspects == nil {
		return f.suspect(ctx, r, o, now)
	}
	passed, err := f.passed(ctx, &o.barrier)
	if err != nil || !passed {
		return err
	}
	return f.reschedule(ctx, r, o, now)
}

// suspect finds the retries of a page that the queue does not know.
func (f *feeder) suspect(ctx context.Context, r *Run, o *overdue, now time.Time) error {
	o.before = now.Add(-f.p.Grace)
	rows, err := f.overdueRows(ctx, r, o)
	if err != nil {
		return err
	}
	depth, err := f.p.Queue.Depth(ctx)
	if err != nil {
		return err
	}
	suspects := map[Recipient]uint16{}
	for i := range rows {
		if depth.Retries[LaneRun{rows[i].Lane, r.ID}] > 0 {
			continue // the lane's retries wait, as when its site is down: nothing to ask
		}
		known, err := f.p.Queue.HasRetry(ctx, rows[i].Recipient)
		if err != nil {
			return err
		}
		if !known {
			suspects[rows[i].Recipient] = rows[i].Attempts
		}
	}
	if len(suspects) > 0 {
		// After the schedules: a retry that came due in between is seen here.
		if depth, err = f.p.Queue.Depth(ctx); err != nil {
			return err
		}
		for who := range suspects {
			if depth.Retries[LaneRun{who.Lane, who.Run}] > 0 {
				delete(suspects, who)
			}
		}
	}
	if len(suspects) == 0 {
		o.turn(rows, now, f.p.Grace)
		return nil
	}
	o.suspects, o.barrier = suspects, barrier{}
	_, err = f.passed(ctx, &o.barrier) // sets it
	return err
}

// reschedule schedules the suspects again of which the ledger still knows no more.
func (f *feeder) reschedule(ctx context.Context, r *Run, o *overdue, now time.Time) error {
	rows, err := f.overdueRows(ctx, r, o)
	if err != nil {
		return err
	}
	n := 0
	for i := range rows {
		if attempts, ok := o.suspects[rows[i].Recipient]; !ok || attempts != rows[i].Attempts {
			continue
		}
		due := now.Add(time.Second + rand.N(5*time.Second))
		if err := f.p.Queue.Retry(ctx, jobOf(&rows[i], r), due); err != nil {
			return err
		}
		n++
	}
	if n > 0 {
		f.p.Log.Warn("planner: scheduled retries again that the queue no longer knew", "run", r.ID, "retries", n)
	}
	o.turn(rows, now, f.p.Grace)
	return nil
}

func (f *feeder) overdueRows(ctx context.Context, r *Run, o *overdue) ([]FeedRow, error) {
	rows, err := f.p.Store.DeferredDue(ctx, r.ID, o.from, o.before, overduePage)
	if err != nil {
		return nil, fmt.Errorf("planner: overdue retries of run %d: %w", r.ID, err)
	}
	return rows, nil
}

// turn goes on to the next page, or, after the last one, rests.
func (o *overdue) turn(rows []FeedRow, now time.Time, grace time.Duration) {
	o.suspects = nil
	if len(rows) < overduePage {
		o.from, o.next = time.Time{}, now.Add(grace/2)
		return
	}
	last := rows[len(rows)-1].Due
	if !last.After(o.from) { // a page of one moment: the rest of it comes with the next turn
		last = last.Add(time.Millisecond)
	}
	o.from = last
}
