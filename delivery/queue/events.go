package queue

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"broadside/campaign"
)

// eventSubject: one part is enough for one recorder; more parts would be more
// recorders, each with its own checkpoint.
const eventSubject = "ev.0"

// PublishEvents makes outcomes durable, all of them or none: they travel in one
// message, so that a sender's group of outcomes costs one write. After an error
// they may or may not be there; publishing them again is harmless, because an
// event changes its row only once.
func (q *Queue) PublishEvents(ctx context.Context, events []campaign.Event) error {
	msg := &nats.Msg{Subject: eventSubject, Data: appendEvents(make([]byte, 0, 96*len(events)), events)}
	if _, err := q.js.PublishMsg(ctx, msg); err != nil {
		return fmt.Errorf("queue: publishing %d outcomes: %w", len(events), explain(err))
	}
	return nil
}

// EventsEnd implements campaign.JobQueue.
func (q *Queue) EventsEnd(ctx context.Context) (uint64, error) {
	info, err := q.events.Info(ctx)
	if err != nil {
		return 0, fmt.Errorf("queue: the end of the event stream: %w", err)
	}
	return info.State.LastSeq, nil
}

// EventsRange returns the first and last sequence that the stream holds; first is
// last+1 when it is empty.
func (q *Queue) EventsRange(ctx context.Context) (first, last uint64, err error) {
	info, err := q.events.Info(ctx)
	if err != nil {
		return 0, 0, fmt.Errorf("queue: the range of the event stream: %w", err)
	}
	if info.State.Msgs == 0 {
		return info.State.LastSeq + 1, info.State.LastSeq, nil
	}
	return info.State.FirstSeq, info.State.LastSeq, nil
}

// EventReader reads the event stream in order. It is used by one goroutine.
type EventReader struct {
	q    *Queue
	iter jetstream.MessagesContext
	last uint64
	idle time.Duration // without an event, after which the stream is looked at
}

// readerIdle bounds how long a recorder waits on a stream that has lost its end.
const readerIdle = 5 * time.Second

// ReadEvents starts reading after a sequence.
func (q *Queue) ReadEvents(ctx context.Context, after uint64) (*EventReader, error) {
	cons, err := q.events.OrderedConsumer(ctx, jetstream.OrderedConsumerConfig{
		DeliverPolicy: jetstream.DeliverByStartSequencePolicy,
		OptStartSeq:   after + 1,
	})
	if err != nil {
		return nil, fmt.Errorf("queue: reading events after %d: %w", after, explain(err))
	}
	iter, err := cons.Messages(jetstream.PullMaxMessages(500))
	if err != nil {
		return nil, fmt.Errorf("queue: reading events after %d: %w", after, explain(err))
	}
	return &EventReader{q: q, iter: iter, last: after, idle: readerIdle}, nil
}

// Close stops reading.
func (r *EventReader) Close() { r.iter.Stop() }

// Read waits for events, then collects what comes until there are limit or wait has
// passed since the first. It appends them to events and returns the sequence up to
// which the stream is now read. It fails when the stream has lost what was read.
func (r *EventReader) Read(ctx context.Context, events []campaign.Event, limit int, wait time.Duration) ([]campaign.Event, uint64, error) {
	msg, err := r.first(ctx)
	collect, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	for err == nil {
		if events, err = r.take(events, msg); err != nil || len(events) >= limit {
			break
		}
		msg, err = r.iter.Next(jetstream.NextContext(collect))
		if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
			return events, r.last, nil
		}
	}
	if err != nil {
		return events, r.last, fmt.Errorf("queue: reading events after %d: %w", r.last, err)
	}
	return events, r.last, nil
}

// first waits for an event. A server that lost the end of its stream, as by a power cut,
// gives its sequences to new events, which would never be delivered to this reader.
func (r *EventReader) first(ctx context.Context) (jetstream.Msg, error) {
	for {
		idle, cancel := context.WithTimeout(ctx, r.idle)
		msg, err := r.iter.Next(jetstream.NextContext(idle))
		cancel()
		if !errors.Is(err, context.DeadlineExceeded) || ctx.Err() != nil {
			return msg, err
		}
		_, last, err := r.q.EventsRange(ctx)
		if err != nil {
			return nil, err
		}
		if last < r.last {
			return nil, fmt.Errorf("the stream ends at %d, before what was read", last)
		}
	}
}

// take appends a message's events; one that cannot be read is reported and passed.
func (r *EventReader) take(events []campaign.Event, msg jetstream.Msg) ([]campaign.Event, error) {
	meta, err := msg.Metadata()
	if err != nil {
		return events, err
	}
	r.last = meta.Sequence.Stream
	if events, err = decodeEvents(events, msg.Data()); err != nil {
		r.q.opt.Log.Error("queue: outcomes cannot be read and are left out; their recipients stay open", "sequence", r.last, "error", err)
	}
	return events, nil
}
