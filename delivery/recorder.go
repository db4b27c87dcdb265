package delivery

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"broadside/campaign"
	"broadside/delivery/queue"
)

const (
	// recordBatch events, or what comes within recordWait, are one transaction.
	recordBatch = 2000
	recordWait  = 100 * time.Millisecond
)

// Recorder writes outcomes into the ledger: the events in stream order, and the
// checkpoint in the same transaction, so that each is applied exactly once whatever
// dies. One recorder works at a time (the caller holds the lease); if two ever do,
// the checkpoint lets one of them through.
type Recorder struct {
	Ledger Ledger
	Queue  *queue.Queue
	Log    *slog.Logger
}

// Run records until ctx is done.
func (r *Recorder) Run(ctx context.Context) error {
	return recording[campaign.Event]{
		source: source{
			what: "outcomes may be lost, and their recipients are sent to again", checkpoint: r.Ledger.Checkpoint, reset: r.Ledger.ResetCheckpoint,
			bounds: r.Queue.EventsRange, log: r.Log,
		},
		open: r.Queue.ReadEvents, batch: recordBatch, wait: recordWait,
		apply: func(ctx context.Context, from, to uint64, events []campaign.Event) error {
			if err := r.Ledger.Apply(ctx, from, to, events); err != nil {
				return fmt.Errorf("recorder: applying %d outcomes: %w", len(events), err)
			}
			return nil
		},
	}.run(ctx)
}

// endOf drops an error once ctx is done: it says no more than that, in the words of
// whatever was interrupted.
func endOf(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}
