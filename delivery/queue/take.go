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

// Class is a kind of work in a lane; each is a consumer of its own.
type Class uint8

// The classes, in the order in which a sender prefers them.
const (
	ExpressJobs Class = iota
	RetryJobs
	BulkJobs
)

// Source delivers one lane's jobs of one class. It is used by one goroutine.
type Source struct {
	q    *Queue
	cons jetstream.Consumer
	name string

	// A server that dies may forget the last deliveries that it made, and count the
	// next ones as first ones. Those are the first jobs, at most MaxInHand, that come
	// after connecting: old counts down how many more may be such.
	old       int
	connected int64
}

// maxAckPending bounds the jobs of a consumer that are in the hands of all senders
// together; a message in that state costs the server 105 bytes.
const maxAckPending = 5000

// MaxInHand is how many jobs of one Source a sender may hold at a time.
const MaxInHand = 256

// Source opens a lane's consumer, creating it at its first use.
func (q *Queue) Source(ctx context.Context, lane campaign.Lane, class Class) (*Source, error) {
	stream, cfg := q.jobs, jetstream.ConsumerConfig{
		AckPolicy:     jetstream.AckExplicitPolicy,
		AckWait:       q.opt.AckWait,
		MaxDeliver:    -1,
		MaxAckPending: maxAckPending,
		MaxWaiting:    512,
	}
	switch class {
	case ExpressJobs:
		cfg.Durable, cfg.FilterSubject = "j_"+lane.String()+"_x", "job."+lane.String()+".x.>"
	case BulkJobs:
		cfg.Durable, cfg.FilterSubject = "j_"+lane.String()+"_b", "job."+lane.String()+".b.>"
	case RetryJobs:
		stream = q.retry
		cfg.Durable, cfg.FilterSubject = "r_"+lane.String(), "rdue."+lane.String()+".>"
	}
	cons, err := stream.CreateOrUpdateConsumer(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("queue: consumer %s: %w", cfg.Durable, explain(err))
	}
	return &Source{q: q, cons: cons, name: cfg.Durable}, nil
}

// Delivery is a job in this sender's hands. It stays there until Ack, or until
// AckWait passes without Renew.
type Delivery struct {
	Job campaign.Job
	// Again: the job may have been in other hands before, and nobody here knows
	// what they did with it. Its outcome must be looked up before it is sent, and if
	// there is none, a second copy may be on its way.
	Again  bool
	Stored time.Time // when the job became durable, by the server's clock
	msg    jetstream.Msg
}

// clockSkew is how far the clock of a server elsewhere may be from ours without a job
// of before the connection being taken for a new one.
const clockSkew = 2 * time.Second

// Fetch asks for up to n jobs and calls take for each as it arrives; it returns
// when n have come or wait is over, also when ctx is done: what the server sends until
// the request expires there would be in nobody's hands. A payload that is not ours is
// reported and removed.
func (s *Source) Fetch(ctx context.Context, n int, wait time.Duration, take func(Delivery)) error {
	batch, err := s.cons.Fetch(n, jetstream.FetchMaxWait(wait))
	if err != nil {
		return s.ignoreIdle(ctx, err)
	}
	for msg := range batch.Messages() {
		d, err := s.delivery(msg)
		if err != nil {
			s.q.opt.Log.Error("queue: a job cannot be read and is dropped; the planner feeds its recipient again", "consumer", s.name, "error", err)
			_ = msg.TermWithReason("corrupt")
			continue
		}
		take(d)
	}
	return s.ignoreIdle(ctx, batch.Error())
}

// ignoreIdle drops the errors that only say that there was nothing to deliver.
func (s *Source) ignoreIdle(ctx context.Context, err error) error {
	if err == nil || ctx.Err() != nil || errors.Is(err, nats.ErrTimeout) ||
		errors.Is(err, context.DeadlineExceeded) || errors.Is(err, jetstream.ErrNoMessages) {
		return nil
	}
	return fmt.Errorf("queue: %s: %w", s.name, err)
}

func (s *Source) delivery(msg jetstream.Msg) (Delivery, error) {
	job, err := decodeJob(msg.Data())
	if err != nil {
		return Delivery{}, err
	}
	meta, err := msg.Metadata()
	if err != nil {
		return Delivery{}, err
	}
	again := meta.NumDelivered > 1
	if connected := s.q.connected.Load(); connected != s.connected {
		s.connected, s.old = connected, MaxInHand
	}
	if s.old > 0 {
		s.old--
		before := time.Unix(0, s.connected)
		if s.q.opt.Embedded == nil {
			before = before.Add(clockSkew)
		}
		again = again || meta.Timestamp.Before(before)
	}
	return Delivery{Job: job, Again: again, Stored: meta.Timestamp, msg: msg}, nil
}

// Ack removes the job from the queue: its outcome, and its retry, are durable. A
// lost acknowledgement delivers it Again.
func (d Delivery) Ack() error { return d.msg.Ack() }

// Renew starts the AckWait anew.
func (d Delivery) Renew() error { return d.msg.InProgress() }
