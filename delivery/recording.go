package delivery

import (
	"context"
	"time"

	"broadside/delivery/queue"
)

// recording takes a stream into the store in order: each batch with the checkpoint behind
// it, so that whatever dies, each part of the stream is applied once.
type recording[T any] struct {
	source
	open  func(ctx context.Context, after uint64) (*queue.Reader[T], error)
	batch int           // that are applied together at most,
	wait  time.Duration // or what comes within that
	// apply moves the checkpoint from one sequence to another in the transaction in which
	// it applies what lies between.
	apply func(ctx context.Context, from, to uint64, batch []T) error
}

// run records until ctx is done, or something fails.
func (r recording[T]) run(ctx context.Context) error {
	at, err := r.start(ctx)
	if err != nil {
		return endOf(ctx, err)
	}
	reader, err := r.open(ctx, at)
	if err != nil {
		return endOf(ctx, err)
	}
	defer reader.Close()
	var batch []T
	for {
		var to uint64
		batch, to, err = reader.Read(ctx, batch[:0], r.batch, r.wait)
		if err == nil {
			err = r.apply(ctx, at, to, batch)
		}
		if err != nil {
			return endOf(ctx, err)
		}
		at = to
	}
}
