package queue

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"broadside/campaign"
	"broadside/campaign/webhook"
)

const (
	hookStream = "HOOK_" // and the endpoint's id
	hookLine   = "deliver"
	// hookFollower is the durable by which outcomes are told to endpoints.
	hookFollower = "webhooks"

	// An endpoint's queue holds what comes while it is down: so many bytes, and for as
	// long. When it is full it takes no more, so that it is known what is missing.
	hookBytes = 128 << 20
	hookAge   = 7 * 24 * time.Hour
	// hookPending bounds what is handed out and waits for its next attempt.
	hookPending = 1000
	// hookReplay is for how long a replay that reads nothing is remembered.
	hookReplay = time.Minute
	// hookClaim is how long an event is in a dead dispatcher's hands, unless AckWait is
	// shorter. A live one renews it, and asks for one event at a time, so that this may be
	// short: nothing lies about unrenewed until its turn comes.
	hookClaim = 15 * time.Second
	// hookReturn is how long what was handed out in advance is waited for, to be given back.
	hookReturn = time.Second
	// hookIdle is how long NextHook waits.
	hookIdle = 5 * time.Second
	// hookChunk bodies are published before their acknowledgements are waited for.
	hookChunk = 256
)

var _ webhook.Queue = (*Queue)(nil)

func hookName(id webhook.EndpointID) string { return hookStream + strconv.FormatInt(int64(id), 10) }

func hookSubject(id webhook.EndpointID) string { return "hook." + strconv.FormatInt(int64(id), 10) }

// OpenHook implements webhook.Queue: a stream of its own for each endpoint, so that none
// is held up by another, nor costs its disk, and a durable on it.
func (q *Queue) OpenHook(ctx context.Context, id webhook.EndpointID) error {
	if _, ok := q.hooks.Load(id); ok {
		return nil
	}
	// Several open it at once when it is well again: one asks the server, so that it does
	// not make the durable while it updates the stream.
	opening, _ := q.opening.LoadOrStore(id, new(sync.Mutex))
	one := opening.(*sync.Mutex)
	one.Lock()
	defer one.Unlock()
	if _, ok := q.hooks.Load(id); ok {
		return nil
	}
	stream, err := q.js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
		Name: hookName(id), Subjects: []string{hookSubject(id)}, Replicas: q.opt.Replicas,
		Retention: jetstream.WorkQueuePolicy, Discard: jetstream.DiscardNew, MaxBytes: hookBytes, MaxAge: hookAge,
		Duplicates: 2 * time.Minute,
	})
	if err != nil {
		return fmt.Errorf("queue: stream %s: %w", hookName(id), explain(err))
	}
	cons, err := stream.CreateOrUpdateConsumer(ctx, jetstream.ConsumerConfig{
		Durable: hookLine, AckPolicy: jetstream.AckExplicitPolicy, AckWait: q.hookClaim(), MaxDeliver: -1, MaxAckPending: hookPending,
	})
	if err != nil {
		return fmt.Errorf("queue: consumer of %s: %w", hookName(id), explain(err))
	}
	q.hooks.Store(id, cons)
	return nil
}

func (q *Queue) hookClaim() time.Duration { return min(q.opt.AckWait, hookClaim) }

// Hooks implements webhook.Queue.
func (q *Queue) Hooks(ctx context.Context) ([]webhook.EndpointID, error) {
	var ids []webhook.EndpointID
	names := q.js.StreamNames(ctx)
	for name := range names.Name() {
		digits, ok := strings.CutPrefix(name, hookStream)
		if id, err := strconv.ParseInt(digits, 10, 64); ok && err == nil {
			ids = append(ids, webhook.EndpointID(id))
		}
	}
	if err := names.Err(); err != nil {
		return nil, fmt.Errorf("queue: the streams of webhooks: %w", err)
	}
	return ids, nil
}

// DropHook implements webhook.Queue.
func (q *Queue) DropHook(ctx context.Context, id webhook.EndpointID) error {
	q.hooks.Delete(id)
	if err := q.js.DeleteStream(ctx, hookName(id)); err != nil && !errors.Is(err, jetstream.ErrStreamNotFound) {
		return fmt.Errorf("queue: dropping stream %s: %w", hookName(id), err)
	}
	return nil
}

// PutHook implements webhook.Queue.
func (q *Queue) PutHook(ctx context.Context, id webhook.EndpointID, messages []webhook.Message) (int, error) {
	taken := 0
	for chunk := range slices.Chunk(messages, hookChunk) {
		n, err := q.putHook(ctx, id, chunk)
		taken += n
		if full, ok := errors.AsType[*jetstream.APIError](err); ok && strings.Contains(full.Description, "maximum") {
			return taken, webhook.ErrFull
		}
		if err != nil {
			q.hooks.Delete(id) // it may be gone, and is made again when it is opened
			return taken, fmt.Errorf("queue: publishing to %s: %w", hookName(id), explain(err))
		}
	}
	return taken, nil
}

// putHook publishes some messages together and returns how many were taken: they are
// taken in order until the queue is full, and then none is. It waits no longer than any
// request does: of a queue that is dropped meanwhile no acknowledgement comes, and that is
// an error of the message then.
func (q *Queue) putHook(ctx context.Context, id webhook.EndpointID, messages []webhook.Message) (taken int, err error) {
	futures := make([]jetstream.PubAckFuture, len(messages))
	for i, m := range messages {
		if futures[i], err = q.js.PublishMsgAsync(&nats.Msg{Subject: hookSubject(id), Data: m.Body}, jetstream.WithMsgID(m.Key)); err != nil {
			return 0, err
		}
	}
	for _, f := range futures {
		select {
		case <-f.Ok():
			taken++
		case err := <-f.Err():
			return taken, err
		case <-ctx.Done():
			return taken, ctx.Err()
		}
	}
	return taken, nil
}

func (q *Queue) hook(id webhook.EndpointID) (jetstream.Consumer, error) {
	cons, ok := q.hooks.Load(id)
	if !ok {
		return nil, fmt.Errorf("queue: %s is not open", hookName(id))
	}
	return cons.(jetstream.Consumer), nil
}

// NextHook implements webhook.Queue.
func (q *Queue) NextHook(ctx context.Context, id webhook.EndpointID) (webhook.Parcel, error) {
	cons, err := q.hook(id)
	if err != nil {
		return webhook.Parcel{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, hookIdle)
	defer cancel()
	batch, err := cons.Fetch(1, jetstream.FetchContext(ctx))
	if err != nil {
		return webhook.Parcel{}, fmt.Errorf("queue: %s: %w", hookName(id), err)
	}
	if msg, ok := <-batch.Messages(); ok {
		return q.parcel(msg)
	}
	if err := batch.Error(); err != nil && ctx.Err() == nil && !errors.Is(err, nats.ErrTimeout) && !errors.Is(err, jetstream.ErrNoMessages) {
		return webhook.Parcel{}, fmt.Errorf("queue: %s: %w", hookName(id), err)
	}
	return webhook.Parcel{}, webhook.ErrEmpty
}

func (q *Queue) parcel(msg jetstream.Msg) (webhook.Parcel, error) {
	meta, err := msg.Metadata()
	if err != nil {
		return webhook.Parcel{}, err
	}
	return webhook.Parcel{
		Body: msg.Data(), Tries: int(meta.NumDelivered), Put: meta.Timestamp,
		Claim: q.hookClaim(), Hold: msg.InProgress, Done: msg.Ack, Later: msg.NakWithDelay,
	}, nil
}

// HookWaiting implements webhook.Queue.
func (q *Queue) HookWaiting(ctx context.Context, id webhook.EndpointID) (int64, error) {
	cons, err := q.hook(id)
	if err != nil {
		return 0, err
	}
	info, err := cons.Info(ctx)
	if err != nil {
		return 0, fmt.Errorf("queue: what waits in %s: %w", hookName(id), err)
	}
	return int64(info.NumPending) + int64(info.NumAckPending), nil
}

// FollowOutcomes implements webhook.Queue.
func (q *Queue) FollowOutcomes(ctx context.Context, since time.Time, tell func(time.Time, []campaign.Event) error) error {
	cons, err := q.follower(ctx, since)
	if err != nil {
		return fmt.Errorf("queue: following outcomes: %w", explain(err))
	}
	iter, err := cons.Messages(jetstream.PullMaxMessages(100))
	if err != nil {
		return fmt.Errorf("queue: following outcomes: %w", explain(err))
	}
	defer giveBack(iter)
	for {
		msg, err := iter.Next(jetstream.NextContext(ctx))
		if ctx.Err() != nil {
			if err == nil {
				_ = msg.Nak()
			}
			return nil
		}
		if err != nil {
			return fmt.Errorf("queue: following outcomes: %w", err)
		}
		meta, err := msg.Metadata()
		if err != nil {
			return fmt.Errorf("queue: following outcomes: %w", err)
		}
		events, err := decodeEvents(nil, msg.Data())
		if err != nil {
			q.opt.Log.Error("queue: outcomes cannot be read, and no webhook is told of them", "error", err)
		}
		if err := tell(meta.Timestamp, events); err != nil {
			_ = msg.Nak() // or it comes again by itself
			return err
		}
		if err := msg.Ack(); err != nil {
			return fmt.Errorf("queue: following outcomes: %w", err)
		}
	}
}

// follower is the durable by which outcomes are followed, made with those from a time on, or
// as it was left, but for how it is configured now.
func (q *Queue) follower(ctx context.Context, since time.Time) (jetstream.Consumer, error) {
	cons, err := q.events.Consumer(ctx, hookFollower)
	if errors.Is(err, jetstream.ErrConsumerNotFound) {
		return q.events.CreateConsumer(ctx, jetstream.ConsumerConfig{
			Durable: hookFollower, AckPolicy: jetstream.AckExplicitPolicy, AckWait: q.opt.AckWait, MaxDeliver: -1, MaxAckPending: hookPending,
			DeliverPolicy: jetstream.DeliverByStartTimePolicy, OptStartTime: &since,
		})
	}
	if err != nil {
		return nil, err
	}
	cfg := cons.CachedInfo().Config // with where it began, which cannot be changed
	if cfg.AckWait == q.opt.AckWait && cfg.MaxAckPending == hookPending {
		return cons, nil
	}
	cfg.AckWait, cfg.MaxAckPending = q.opt.AckWait, hookPending
	return q.events.UpdateConsumer(ctx, cfg)
}

// giveBack ends an iteration, and gives back what came in advance: whoever follows next
// has it at once, and not when AckWait is over.
func giveBack(iter jetstream.MessagesContext) {
	iter.Drain()
	for {
		msg, err := iter.Next(jetstream.NextMaxWait(hookReturn))
		if err != nil {
			return
		}
		_ = msg.Nak()
	}
}

// ForgetOutcomes implements webhook.Queue.
func (q *Queue) ForgetOutcomes(ctx context.Context) error {
	if err := q.events.DeleteConsumer(ctx, hookFollower); err != nil && !errors.Is(err, jetstream.ErrConsumerNotFound) {
		return fmt.Errorf("queue: following outcomes no more: %w", err)
	}
	return nil
}

// OutcomesSince implements webhook.Queue.
func (q *Queue) OutcomesSince(ctx context.Context, since time.Time, tell func([]campaign.Event) error) error {
	info, err := q.events.Info(ctx)
	if err != nil {
		return fmt.Errorf("queue: outcomes since %s: %w", since, explain(err))
	}
	if info.State.Msgs == 0 || info.State.LastTime.Before(since) {
		return nil
	}
	last := info.State.LastSeq
	cons, err := q.events.OrderedConsumer(ctx, jetstream.OrderedConsumerConfig{
		DeliverPolicy: jetstream.DeliverByStartTimePolicy, OptStartTime: &since, InactiveThreshold: hookReplay,
	})
	if err != nil {
		return fmt.Errorf("queue: outcomes since %s: %w", since, explain(err))
	}
	for {
		batch, err := cons.FetchNoWait(100)
		if err != nil {
			return fmt.Errorf("queue: outcomes since %s: %w", since, err)
		}
		n := 0
		for msg := range batch.Messages() {
			n++
			meta, err := msg.Metadata()
			if err != nil {
				return err
			}
			events, err := decodeEvents(nil, msg.Data())
			if err != nil {
				continue // whoever followed them has said so
			}
			if err := tell(events); err != nil {
				return err
			}
			if meta.Sequence.Stream >= last {
				return nil
			}
		}
		if err := batch.Error(); err != nil && !errors.Is(err, jetstream.ErrNoMessages) {
			return fmt.Errorf("queue: outcomes since %s: %w", since, err)
		}
		if n == 0 && ctx.Err() == nil {
			return fmt.Errorf("queue: outcomes since %s: the server gives no more, though there are some: they are to be asked for again", since)
		}
		if n == 0 {
			return ctx.Err()
		}
	}
}
