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
	at, err := source{
		what: "outcomes may be lost, and their recipients are sent to again", checkpoint: r.Ledger.Checkpoint, reset: r.Ledger.ResetCheckpoint,
		bounds: r.Queue.EventsRange, log: r.Log,
	}.start(ctx)
	if err != nil {
		return endOf(ctx, err)
	}
	reader, err := r.Queue.ReadEvents(ctx, at)
	if err != nil {
		return endOf(ctx, err)
	}
	defer reader.Close()
	var events []campaign.Event
	for {
		var to uint64
		events, to, err = reader.Read(ctx, events[:0], recordBatch, recordWait)
		if err != nil {
			return endOf(ctx, err)
		}
		if err := r.Ledger.Apply(ctx, at, to, events); err != nil {
			return endOf(ctx, fmt.Errorf("recorder: applying %d outcomes: %w", len(events), err))
		}
		at = to
	}
}

// endOf drops an error once ctx is done: it says no more than that, in the words of
// whatever was interrupted.
func endOf(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}
