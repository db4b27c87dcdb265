package campaign

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"
)

// prepare makes a run ready to be fed into a lane: it reads the marker, and decides
// whether the lane must be read again from its beginning. That is so
//
//   - when there is no marker: the run is new, or the queue's disk was lost;
//   - once after each resume: senders gave jobs back during the pause;
//   - when the ledger has waiting recipients that the queue doesn't know, though
//     everything was fed: jobs were given back, or lost with the queue's disk.
//
// Reading again is safe because it takes only recipients who are waiting in the
// ledger, and happens only after the lane holds none of the run's jobs and the
// ledger has caught up with every outcome published until then.
func (f *feeder) prepare(ctx context.Context, lane Lane, r *Run, lr *laneRun, d Depth) (bool, error) {
	if !lr.loaded {
		m, err := f.p.Queue.Marker(ctx, lane, r.ID)
		if err != nil {
			return false, err
		}
		lr.marker, lr.loaded = m, true
	}
	s := f.snapshots[r.ID]
	if lr.atEnd && s.cursor != lr.seen {
		lr.atEnd = false // the snapshot has grown
	}
	again := lr.marker.Seq == 0 || lr.marker.Epoch < r.Epoch || (lr.atEnd && s.done)
	if !again {
		return true, nil
	}
	if d.Jobs[LaneRun{lane, r.ID}] > 0 {
		lr.barrier = 0
		return false, nil
	}
	caughtUp, err := f.ledgerCaughtUp(ctx, lr)
	if err != nil || !caughtUp {
		return false, err
	}
	return true, f.rewind(ctx, lane, r, lr)
}

// ledgerCaughtUp reports whether the ledger has applied every outcome that was
// published before it was first asked.
func (f *feeder) ledgerCaughtUp(ctx context.Context, lr *laneRun) (bool, error) {
	if lr.barrier == 0 {
		end, err := f.p.Queue.EventsEnd(ctx)
		if err != nil {
			return false, err
		}
		lr.barrier = end + 1 // 0 says "not asked"
	}
	at, err := f.p.Store.Checkpoint(ctx)
	if err != nil {
		return false, fmt.Errorf("planner: reading the checkpoint: %w", err)
	}
	return at+1 >= lr.barrier, nil
}

// rewind starts a lane's feeding from its first waiting recipient.
func (f *feeder) rewind(ctx context.Context, lane Lane, r *Run, lr *laneRun) error {
	lr.barrier = 0
	if lr.marker.Seq == 0 {
		lr.marker = Marker{Epoch: r.Epoch}
		lr.atEnd = false
		return nil
	}
	// The counts that sent us here are older than the caught-up ledger.
	rows, err := f.p.Store.WaitingAfter(ctx, r.ID, lane, 0, 1)
	if err != nil {
		return fmt.Errorf("planner: reading lane %s of run %d: %w", lane, r.ID, err)
	}
	if len(rows) == 0 {
		return nil
	}
	f.p.Log.Info("planner: feeding a lane again from its first waiting recipient", "lane", lane.String(), "run", r.ID)
	m, err := f.p.Queue.Feed(ctx, lane, r.ID, lr.marker, Marker{Epoch: r.Epoch}, nil)
	if err != nil {
		return err
	}
	lr.marker, lr.atEnd = m, false
	return nil
}

// reconcileRetries schedules again what the ledger calls deferred, overdue, and the
// queue doesn't know.
func (f *feeder) reconcileRetries(ctx context.Context, running []*Run) error {
	now := time.Now()
	if now.Before(f.nextCheck) {
		return nil
	}
	f.nextCheck = now.Add(f.p.Grace / 4)
	for _, r := range running {
		rows, err := f.p.Store.DeferredDue(ctx, r.ID, now.Add(-f.p.Grace), feedBatch)
		if err != nil {
			return fmt.Errorf("planner: overdue retries of run %d: %w", r.ID, err)
		}
		if len(rows) == 0 {
			continue
		}
		if err := f.reschedule(ctx, r, rows); err != nil {
			return err
		}
	}
	return nil
}

// reschedule goes through overdue rows; those of a lane in which retries are waiting
// are in that queue, not lost.
func (f *feeder) reschedule(ctx context.Context, r *Run, rows []FeedRow) error {
	depth, err := f.p.Queue.Depth(ctx)
	if err != nil {
		return err
	}
	n := 0
	for i := range rows {
		if depth.Retries[LaneRun{rows[i].Lane, r.ID}] > 0 {
			continue
		}
		known, err := f.p.Queue.HasRetry(ctx, rows[i].Recipient)
		if err != nil {
			return err
		}
		if known {
			continue
		}
		due := time.Now().Add(time.Second + rand.N(5*time.Second))
		if err := f.p.Queue.Retry(ctx, jobOf(&rows[i], r), due); err != nil {
			return err
		}
		n++
	}
	if n > 0 {
		f.p.Log.Warn("planner: scheduled retries again that the queue no longer knew", "run", r.ID, "retries", n)
	}
	return nil
}

// finish ends a run of which nothing is open.
func (f *feeder) finish(ctx context.Context, r *Run) error {
	finished, err := f.p.Store.FinishRun(ctx, r.ID, time.Now())
	if err != nil {
		return fmt.Errorf("planner: finishing run %d: %w", r.ID, err)
	}
	if !finished {
		return nil
	}
	f.p.Log.Info("planner: run finished", "run", r.ID, "campaign", r.Spec.Name)
	return f.p.Queue.DropRun(ctx, r.ID)
}

// sweepChunk recipients are cancelled in one transaction.
const sweepChunk = 20000

// sweep makes a chunk of a cancelled run's open recipients Cancelled. Senders drop
// its jobs already; a message that was in flight still gets its true outcome.
func (f *feeder) sweep(ctx context.Context, r *Run) error {
	n, err := f.p.Store.CancelOpen(ctx, r.ID, sweepChunk, time.Now())
	if err != nil {
		return fmt.Errorf("planner: cancelling run %d: %w", r.ID, err)
	}
	if n == sweepChunk {
		return nil
	}
	f.p.Log.Info("planner: run cancelled", "run", r.ID, "campaign", r.Spec.Name)
	return f.p.Queue.DropRun(ctx, r.ID)
}
