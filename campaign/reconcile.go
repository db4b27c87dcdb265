package campaign

import (
	"context"
	"fmt"
	"time"
)

// prepare makes a run ready to be fed into a lane, and reports whether there may be
// something to feed. It reads the marker, and decides whether the lane must be read
// again from its beginning. That is so
//
//   - when there is no marker: the run is new, or the queue's disk was lost;
//   - once after each resume: senders gave jobs back during the pause;
//   - when the ledger has waiting recipients that the queue doesn't know, though
//     everything was fed: jobs were given back, or lost with the queue's disk.
//
// Reading again is safe because it takes only recipients who are waiting in the
// ledger, and happens only after the lane holds none of the run's jobs and the
// ledger has caught up with every outcome published until then.
func (l *laneFeed) prepare(ctx context.Context, r *Run, lr *laneRun, d Depth) (bool, error) {
	if !lr.loaded {
		m, err := l.f.p.Queue.Marker(ctx, l.lane, r.ID)
		if err != nil {
			return false, err
		}
		lr.marker, lr.loaded = m, true
		if m.Seq != 0 {
			// Others have fed the lane, as late as just now: what it holds is asked after
			// this. Of a standing run all that is waiting may be in the queue.
			lr.atEnd = r.Standing != ForAudience
			return false, nil
		}
	}
	s := l.f.snapshots[r.ID]
	if lr.atEnd && s.extent() != lr.seen {
		lr.atEnd = false // the snapshot has grown, or a wave was opened
	}
	again := lr.marker.Seq == 0 || lr.marker.Epoch < r.Epoch || (lr.atEnd && s.done)
	if !again {
		return !lr.atEnd, nil
	}
	if d.Jobs[LaneRun{l.lane, r.ID}] > 0 {
		lr.barrier = barrier{}
		return false, nil
	}
	passed, err := l.f.passed(ctx, &lr.barrier)
	if err != nil || !passed {
		return false, err
	}
	err = l.rewind(ctx, r, lr)
	return err == nil && lr.loaded && !lr.atEnd, err
}

// rewindPause is how long a lane's run is left alone after it was read again: senders
// that keep giving a job back must not keep the planner busy.
const rewindPause = time.Second

// rewind starts a lane's feeding from its first waiting recipient.
func (l *laneFeed) rewind(ctx context.Context, r *Run, lr *laneRun) error {
	if lr.marker.Seq == 0 {
		lr.marker, lr.atEnd = Marker{Epoch: r.Epoch, Turn: lr.marker.Turn}, false
		return nil
	}
	now := l.f.p.Now()
	if lr.marker.Epoch == r.Epoch && now.Sub(lr.rewound) < rewindPause {
		return nil
	}
	// The counts that sent us here are older than the caught-up ledger.
	rows, err := l.waiting(ctx, r, Place{}, 1)
	if err != nil {
		return err
	}
	if len(rows) == 0 {
		return nil
	}
	l.f.p.Log.Info("planner: feeding a lane again from its first waiting recipient", "lane", l.lane.String(), "run", r.ID)
	lr.atEnd, lr.rewound = false, now
	return l.publish(ctx, r, lr, Marker{Epoch: r.Epoch}, nil)
}

// barrier waits, over as many rounds as it takes, for the store to know all that a stream
// had when it was first asked, as the ledger every outcome. The zero value has not been
// asked.
type barrier struct {
	end   uint64
	asked bool
}

// passed reports whether the ledger is past a barrier.
func (f *feeder) passed(ctx context.Context, b *barrier) (bool, error) {
	at, err := f.p.Store.Checkpoint(ctx) // before the end, which never is behind it
	if err != nil {
		return false, fmt.Errorf("planner: reading the checkpoint: %w", err)
	}
	end, err := f.p.Queue.EventsEnd(ctx)
	if err != nil {
		return false, err
	}
	return b.passed(at, end), nil
}

// passed reports whether a checkpoint, read before the end of its stream, is past a barrier.
func (b *barrier) passed(at, end uint64) bool {
	if at > end || b.end > end {
		// The stream is a new one; the recorder has yet to notice, or did so after the
		// barrier was set.
		*b = barrier{}
		return false
	}
	if !b.asked {
		*b = barrier{end: end, asked: true}
	}
	return at >= b.end
}
