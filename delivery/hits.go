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
	at, err := source{
		what: "openings and clicks may be lost", checkpoint: r.Store.HitsCheckpoint, reset: r.Store.ResetHitsCheckpoint,
		bounds: r.Queue.HitsRange, log: r.Log,
	}.start(ctx)
	if err != nil {
		return endOf(ctx, err)
	}
	reader, err := r.Queue.ReadHits(ctx, at)
	if err != nil {
		return endOf(ctx, err)
	}
	defer reader.Close()
	var hits []campaign.Hit
	for {
		var to uint64
		hits, to, err = reader.Read(ctx, hits[:0], hitBatch, hitWait)
		// What came before its message had been accepted is told from what came after by
		// the ledger, which must know as much as these hits do.
		if err == nil {
			err = waitForLedger(ctx, r.Queue, r.Store.Checkpoint)
		}
		if err != nil {
			return endOf(ctx, err)
		}
		if err := r.Store.ApplyHits(ctx, at, to, hits); err != nil {
			return endOf(ctx, fmt.Errorf("recorder: recording %d hits: %w", len(hits), err))
		}
		at = to
	}
}
