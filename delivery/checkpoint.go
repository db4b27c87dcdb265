package delivery

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"broadside/delivery/queue"
)

// source is a stream that is read in order, and the checkpoint of what was recorded of
// it.
type source struct {
	what       string // that is lost with the stream
	checkpoint func(context.Context) (uint64, error)
	reset      func(ctx context.Context, from, to uint64) error
	bounds     func(context.Context) (first, last uint64, err error)
	log        *slog.Logger
}

// start compares the checkpoint with the stream. A stream that ends before the
// checkpoint is a new one: the queue's disk was lost, and what it held with it; the
// checkpoint then starts anew. A stream that begins after the checkpoint has lost
// something by age: the same repair.
func (s source) start(ctx context.Context) (uint64, error) {
	at, err := s.checkpoint(ctx)
	if err != nil {
		return 0, fmt.Errorf("recorder: reading the checkpoint: %w", err)
	}
	first, last, err := s.bounds(ctx)
	if err != nil {
		return 0, err
	}
	if at <= last && at+1 >= first {
		return at, nil
	}
	reset := first - 1
	s.log.Error("recorder: the stream is not the one that was recorded up to the checkpoint; "+s.what, "checkpoint", at, "first", first, "last", last)
	if err := s.reset(ctx, at, reset); err != nil {
		return 0, fmt.Errorf("recorder: resetting the checkpoint: %w", err)
	}
	return reset, nil
}

// ledgerPoll is how often the recorder's progress is asked for.
const ledgerPoll = 50 * time.Millisecond

// waitForLedger waits until the ledger has applied every outcome published so far.
func waitForLedger(ctx context.Context, q *queue.Queue, checkpoint func(context.Context) (uint64, error)) error {
	end, err := q.EventsEnd(ctx)
	if err != nil {
		return err
	}
	for {
		at, err := checkpoint(ctx)
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
