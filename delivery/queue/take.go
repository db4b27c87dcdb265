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
	each int // jobs in a message: the most of those that came last

	// A server that dies may forget the last deliveries that it made, and count the
	// next ones as first ones. Those are the first messages, at most one for each of
	// MaxInHand jobs, that come after connecting: old counts down how many more may be such.
	old       int
	connected int64
}

// maxAckPending bounds the messages of a consumer that are in the hands of all senders
// together; a message in that state costs the server 105 bytes.
const maxAckPending = 5000

// MaxInHand is how many jobs of one Source a sender may hold at a time.
const MaxInHand = 256

// Source opens a lane's consumer, creating it at its first use.
func (q *Queue) Source(ctx context.Context, lane campaign.Lane, class Class) (*Source, error) {
	stream, each, cfg := q.jobs, packetJobs, jetstream.ConsumerConfig{
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
		stream, each = q.retry, 1
		cfg.Durable, cfg.FilterSubject = "r_"+lane.String(), "rdue."+lane.String()+".>"
	}
	cons, err := stream.CreateOrUpdateConsumer(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("queue: consumer %s: %w", cfg.Durable, explain(err))
	}
	return &Source{q: q, cons: cons, name: cfg.Durable, each: each}, nil
}

// Delivery is a job in this sender's hands. It stays there until Ack, or until
// AckWait passes without Renew of it, or of a job that came in the same message.
type Delivery struct {
	Job campaign.Job
	// Again: the job may have been in other hands before, and nobody here knows
	// what they did with it. Its outcome must be looked up before it is sent, and if
	// there is none, a second copy may be on its way.
	Again  bool
	Stored time.Time // when the job became durable, by the server's clock
	packet *packet
	place  int // in the packet
}

// clockSkew is how far the clock of a server elsewhere may be from ours without a job
// of before the connection being taken for a new one.
const clockSkew = 2 * time.Second

// Fetch asks for up to n jobs and calls take for each as it arrives; it returns
// when n have come, or nearly (what is left is less than a message may hold), or wait is
// over, also when ctx is done: what the server sends until the request expires there would
// be in nobody's hands. Jobs come as whole messages, of which n are asked for at the very
// most: where they hold more jobs than before, more than n jobs may come once. A payload
// that is not ours is reported and removed.
//
// While take is slow, as when the store hangs, or the process is stopped, nobody renews
// what has come and was not taken: after a quarter of AckWait it is left to come again.
func (s *Source) Fetch(ctx context.Context, n int, wait time.Duration, take func(Delivery)) error {
	end := time.Now().Add(wait)
	for {
		messages := max(n/s.each, 1)
		ours := time.Now().Add(wait + s.q.opt.AckWait/4)
		batch, err := s.cons.Fetch(messages, jetstream.FetchMaxWait(wait))
		if err != nil {
			return s.ignoreIdle(ctx, err)
		}
		came, most, left := 0, 0, 0
		for msg := range batch.Messages() {
			if came++; time.Now().After(ours) {
				left++
				continue
			}
			jobs := s.deliver(msg, take)
			most, n = max(most, jobs), n-jobs
		}
		if left > 0 {
			s.q.opt.Log.Warn("queue: messages waited too long to be taken and are left; their jobs come again and are looked up", "consumer", s.name, "messages", left)
		}
		if err := s.ignoreIdle(ctx, batch.Error()); err != nil {
			return err
		}
		if most > 0 {
			s.each = most
		}
		if wait = time.Until(end); n < s.each || came < messages || wait < leastWait || ctx.Err() != nil {
			return nil
		}
	}
}

// leastWait is for how long the server is asked at least.
const leastWait = 10 * time.Millisecond

// deliver hands the jobs of a message over and returns how many there are.
func (s *Source) deliver(msg jetstream.Msg, take func(Delivery)) int {
	jobs, err := decodeJobs(msg.Data())
	if err == nil {
		var meta *jetstream.MsgMetadata
		if meta, err = msg.Metadata(); err == nil {
			again, p := s.again(meta), newPacket(msg, len(jobs))
			for i := range jobs {
				take(Delivery{Job: jobs[i], Again: again, Stored: meta.Timestamp, packet: p, place: i})
			}
			return len(jobs)
		}
	}
	s.q.opt.Log.Error("queue: jobs cannot be read and are dropped; the planner feeds their recipients again", "consumer", s.name, "error", err)
	_ = msg.TermWithReason("corrupt")
	return 0
}

// ignoreIdle drops the errors that only say that there was nothing to deliver.
func (s *Source) ignoreIdle(ctx context.Context, err error) error {
	if err == nil || ctx.Err() != nil || errors.Is(err, nats.ErrTimeout) ||
		errors.Is(err, context.DeadlineExceeded) || errors.Is(err, jetstream.ErrNoMessages) {
		return nil
	}
	return fmt.Errorf("queue: %s: %w", s.name, err)
}

// again reports whether a message may have been in other hands before.
func (s *Source) again(meta *jetstream.MsgMetadata) bool {
	if connected := s.q.connected.Load(); connected != s.connected {
		s.connected, s.old = connected, MaxInHand
	}
	if s.old == 0 {
		return meta.NumDelivered > 1
	}
	s.old--
	before := time.Unix(0, s.connected)
	if s.q.opt.Embedded == nil {
		before = before.Add(clockSkew)
	}
	return meta.NumDelivered > 1 || meta.Timestamp.Before(before)
}

// Ack says that the job is done: its outcome, and its retry, are durable. When all jobs
// of its message are, the message is removed from the queue; until then, or if that
// acknowledgement is lost, they may all come Again.
func (d Delivery) Ack() error { return d.packet.ack(d.place) }

// Renew starts the AckWait anew.
func (d Delivery) Renew() error { return d.packet.renew() }
