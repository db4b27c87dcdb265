package queue

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// rangeOf returns the first and last sequence that a stream holds; first is last+1 when
// it is empty.
func rangeOf(ctx context.Context, stream jetstream.Stream) (first, last uint64, err error) {
	info, err := stream.Info(ctx)
	if err != nil {
		return 0, 0, fmt.Errorf("queue: the range of stream %s: %w", stream.CachedInfo().Config.Name, err)
	}
	if info.State.Msgs == 0 {
		return info.State.LastSeq + 1, info.State.LastSeq, nil
	}
	return info.State.FirstSeq, info.State.LastSeq, nil
}

// Reader reads a stream, each of whose messages has many of what it carries, in order.
// It is used by one goroutine.
type Reader[T any] struct {
	q      *Queue
	stream jetstream.Stream
	decode func([]T, []byte) ([]T, error)
	iter   jetstream.MessagesContext
	last   uint64
	idle   time.Duration // without a message, after which the stream is looked at
}

// readerIdle bounds how long a recorder waits on a stream that has lost its end.
const readerIdle = 5 * time.Second

// openReader starts reading a stream after a sequence.
func openReader[T any](ctx context.Context, q *Queue, stream jetstream.Stream, after uint64, decode func([]T, []byte) ([]T, error)) (*Reader[T], error) {
	r := &Reader[T]{q: q, stream: stream, decode: decode, last: after, idle: readerIdle}
	if err := r.open(ctx); err != nil {
		return nil, fmt.Errorf("queue: reading %s after %d: %w", r.name(), after, explain(err))
	}
	return r, nil
}

// open has the server deliver what comes after what was read.
func (r *Reader[T]) open(ctx context.Context) error {
	cons, err := r.stream.OrderedConsumer(ctx, jetstream.OrderedConsumerConfig{
		DeliverPolicy: jetstream.DeliverByStartSequencePolicy,
		OptStartSeq:   r.last + 1,
	})
	if err != nil {
		return err
	}
	iter, err := cons.Messages(jetstream.PullMaxMessages(500))
	if err != nil {
		return err
	}
	if r.iter != nil {
		r.iter.Stop()
	}
	r.iter = iter
	return nil
}

func (r *Reader[T]) name() string { return r.stream.CachedInfo().Config.Name }

// Close stops reading.
func (r *Reader[T]) Close() { r.iter.Stop() }

// Read waits for something, then collects what comes until there are limit or wait has
// passed since the first. It appends that to list and returns the sequence up to which
// the stream is now read. It fails when the stream has lost what was read.
func (r *Reader[T]) Read(ctx context.Context, list []T, limit int, wait time.Duration) ([]T, uint64, error) {
	msg, err := r.first(ctx)
	collect, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	for err == nil {
		if list, err = r.take(list, msg); err != nil || len(list) >= limit {
			break
		}
		msg, err = r.iter.Next(jetstream.NextContext(collect))
		if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
			return list, r.last, nil
		}
	}
	if err != nil {
		return list, r.last, fmt.Errorf("queue: reading %s after %d: %w", r.name(), r.last, err)
	}
	return list, r.last, nil
}

// first waits for a message. A server that lost the end of its stream, as by a power
// cut, gives its sequences to new messages, which would never be delivered to this
// reader. And a consumer that was made while the stream's leader changed may never be
// given what is there: then another one is made.
func (r *Reader[T]) first(ctx context.Context) (jetstream.Msg, error) {
	for {
		idle, cancel := context.WithTimeout(ctx, r.idle)
		msg, err := r.iter.Next(jetstream.NextContext(idle))
		cancel()
		if !errors.Is(err, context.DeadlineExceeded) || ctx.Err() != nil {
			return msg, err
		}
		first, last, err := rangeOf(ctx, r.stream)
		if err != nil {
			return nil, err
		}
		if last < r.last {
			return nil, fmt.Errorf("the stream ends at %d, before what was read", last)
		}
		if first <= last && r.last < last {
			if err := r.open(ctx); err != nil {
				return nil, explain(err)
			}
		}
	}
}

// take appends what a message carries; one that cannot be read is reported and passed.
func (r *Reader[T]) take(list []T, msg jetstream.Msg) ([]T, error) {
	meta, err := msg.Metadata()
	if err != nil {
		return list, err
	}
	r.last = meta.Sequence.Stream
	if list, err = r.decode(list, msg.Data()); err != nil {
		r.q.opt.Log.Error("queue: a message cannot be read, and what it carries is left out: outcomes stay open, hits are not counted", "stream", r.name(), "sequence", r.last, "error", err)
	}
	return list, nil
}
