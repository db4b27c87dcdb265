package delivery

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"broadside/campaign"
	"broadside/delivery/queue"
)

// HitStore is where readers' hits are recorded.
type HitStore interface {
	// Checkpoint is the ledger's: see Ledger.
	Checkpoint(ctx context.Context) (uint64, error)
	// HitsCheckpoint is the last stream sequence of hits that is recorded; 0 at first.
	HitsCheckpoint(ctx context.Context) (uint64, error)
	// ApplyHits records hits in order and moves the checkpoint from one sequence to
	// another, in one transaction: exactly once.
	ApplyHits(ctx context.Context, from, to uint64, hits []campaign.Hit) error
	// ResetHitsCheckpoint sets the checkpoint for a new stream.
	ResetHitsCheckpoint(ctx context.Context, from, to uint64) error
}

// HitRecorder writes openings and clicks into the store, as the Recorder does with
// outcomes: in stream order, each exactly once. One works at a time.
type HitRecorder struct {
	Store HitStore
	Queue *queue.Queue
	Log   *slog.Logger
}

const (
	hitBatch = 5000
	hitWait  = 250 * time.Millisecond
)

// Run records until ctx is done.
func (r *HitRecorder) Run(ctx context.Context) error {
	return recording[campaign.Hit]{
		source: source{
			what: "openings and clicks may be lost", checkpoint: r.Store.HitsCheckpoint, reset: r.Store.ResetHitsCheckpoint,
			bounds: r.Queue.HitsRange, log: r.Log,
		},
		open: r.Queue.ReadHits, batch: hitBatch, wait: hitWait,
		apply: func(ctx context.Context, from, to uint64, hits []campaign.Hit) error {
			// What came before its message had been accepted is told from what came after by
			// the ledger, which must know as much as these hits do.
			if err := waitForLedger(ctx, r.Queue, r.Store.Checkpoint); err != nil {
				return err
			}
			if err := r.Store.ApplyHits(ctx, from, to, hits); err != nil {
				return fmt.Errorf("recorder: recording %d hits: %w", len(hits), err)
			}
			return nil
		},
	}.run(ctx)
}
