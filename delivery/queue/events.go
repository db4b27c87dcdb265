package queue

import (
	"context"
	"fmt"

	"github.com/nats-io/nats.go"

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
	return rangeOf(ctx, q.events)
}

// EventReader reads the event stream in order.
type EventReader = Reader[campaign.Event]

// ReadEvents starts reading after a sequence.
func (q *Queue) ReadEvents(ctx context.Context, after uint64) (*EventReader, error) {
	return openReader(ctx, q, q.events, after, decodeEvents)
}
