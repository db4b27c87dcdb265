package queue

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"broadside/campaign"
)

// The names of the streams and buckets.
const (
	jobsStream   = "JOBS"
	retryStream  = "RETRY"
	eventsStream = "EVENTS"
	hitsStream   = "TRACK"
	runsBucket   = "broadside_runs"
	leasesBucket = "broadside_leases"
)

// Options say which server to use and how.
type Options struct {
	// Embedded is the server in this process; when nil, URL is dialled.
	Embedded *Embedded
	// URL is one or more nats:// addresses, comma-separated.
	URL string
	// Name tells this process from others, in leases and on the server: unique among
	// the processes that run at one time, the same after a restart where the data
	// directory guarantees that (so that a restarted process has its leases back).
	Name string
	// Replicas of the streams: 1, 3 or 5.
	Replicas int
	// TailLanes is how many lanes small sites share; the same for all processes.
	TailLanes int
	// AckWait is how long a job may be in a dead sender's hands, or an outcome in those of
	// who tells webhooks, before another gets it; senders renew it for as long as they live.
	// Default 60 s.
	AckWait time.Duration
	// MaxBytes bounds JOBS; the planner waits when it is full. Default 4 GiB.
	MaxBytes int64
	// LeaseTTL is how long a lease outlives the last sign of life of its holder; whole
	// seconds, default 6 s.
	LeaseTTL time.Duration
	Log      *slog.Logger
}

// Queue is a connection to JetStream on which all streams exist. It is safe for
// concurrent use.
type Queue struct {
	nc     *nats.Conn
	js     jetstream.JetStream
	opt    Options
	jobs   jetstream.Stream
	retry  jetstream.Stream
	events jetstream.Stream
	hits   jetstream.Stream
	runs   jetstream.KeyValue
	leases jetstream.KeyValue
	hooks  sync.Map // webhook.EndpointID → jetstream.Consumer: the queues that are open
	// opening is locked by who opens a queue: webhook.EndpointID → *sync.Mutex.
	opening sync.Map
	// connected is when this connection was made, or made again: Unix nanoseconds.
	connected atomic.Int64
}

// Connect connects and creates, or updates, the streams and buckets. Consumers are
// made by the senders that need them.
func Connect(ctx context.Context, opt Options) (*Queue, error) {
	if opt.AckWait == 0 {
		opt.AckWait = 60 * time.Second
	}
	if opt.MaxBytes == 0 {
		opt.MaxBytes = 4 << 30
	}
	if opt.LeaseTTL == 0 {
		opt.LeaseTTL = 6 * time.Second
	}
	opt.Replicas = max(opt.Replicas, 1)
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	q := &Queue{opt: opt}
	if err := q.dial(); err != nil {
		return nil, err
	}
	if err := q.open(10 * time.Second); err != nil {
		q.nc.Close()
		return nil, fmt.Errorf("queue: %w", err)
	}
	if err := q.declare(ctx); err != nil {
		q.nc.Close()
		return nil, err
	}
	return q, nil
}

// open prepares requests that wait so long for an answer. A message whose acknowledgement
// does not come is forgotten then: unless it is, it counts for ever among the few thousand
// that may wait for theirs.
func (q *Queue) open(patience time.Duration, opts ...jetstream.JetStreamOpt) (err error) {
	q.js, err = jetstream.New(q.nc, append(opts, jetstream.WithDefaultTimeout(patience), jetstream.WithPublishAsyncTimeout(patience))...)
	return err
}

func (q *Queue) dial() (err error) {
	opt := q.opt
	q.connected.Store(time.Now().UnixNano())
	if opt.Embedded != nil {
		q.nc, err = opt.Embedded.connect()
		return err
	}
	q.nc, err = nats.Connect(opt.URL,
		nats.Name("broadside "+opt.Name),
		nats.MaxReconnects(-1),
		nats.ReconnectWait(250*time.Millisecond),
		nats.ReconnectJitter(250*time.Millisecond, time.Second),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil {
				opt.Log.Warn("queue: connection lost, reconnecting", "error", err)
			}
		}),
		nats.ReconnectHandler(func(nc *nats.Conn) {
			q.connected.Store(time.Now().UnixNano())
			opt.Log.Info("queue: connected again", "server", nc.ConnectedServerName())
		}))
	if err != nil {
		return fmt.Errorf("queue: no NATS server at %s (start one with JetStream, or leave --nats out to use the embedded one): %w", opt.URL, err)
	}
	return nil
}

// Reach returns when the server has got all that was said to it so far, or an error when
// it is away until ctx ends, ten seconds at most.
func (q *Queue) Reach(ctx context.Context) error {
	ctx, stop := context.WithTimeout(ctx, 10*time.Second)
	defer stop()
	return q.nc.FlushWithContext(ctx)
}

// JetStream is the connection, for the limits and the learned values that the processes
// share beside the queue.
func (q *Queue) JetStream() jetstream.JetStream { return q.js }

func (q *Queue) declare(ctx context.Context) error {
	r := q.opt.Replicas
	streams := []struct {
		dst *jetstream.Stream
		cfg jetstream.StreamConfig
	}{
		{&q.jobs, jetstream.StreamConfig{
			Name: jobsStream, Subjects: []string{"job.>", "cur.>"}, Replicas: r,
			Retention: jetstream.WorkQueuePolicy, Discard: jetstream.DiscardNew, MaxBytes: q.opt.MaxBytes,
			AllowAtomicPublish: true, AllowRollup: true, Duplicates: 2 * time.Minute,
		}},
		// A stream of schedules refuses Discard New: it has no limits instead.
		{&q.retry, jetstream.StreamConfig{
			Name: retryStream, Subjects: []string{"rat.>", "rdue.>"}, Replicas: r,
			Retention: jetstream.WorkQueuePolicy, AllowMsgSchedules: true, AllowMsgTTL: true, AllowRollup: true,
		}},
		{&q.events, jetstream.StreamConfig{
			Name: eventsStream, Subjects: []string{"ev.>"}, Replicas: r,
			Retention: jetstream.LimitsPolicy, MaxAge: 7 * 24 * time.Hour, Duplicates: 2 * time.Minute,
		}},
		{&q.hits, jetstream.StreamConfig{
			Name: hitsStream, Subjects: []string{"hit.>"}, Replicas: r,
			Retention: jetstream.LimitsPolicy, MaxAge: 7 * 24 * time.Hour, Duplicates: 2 * time.Minute,
		}},
	}
	for _, s := range streams {
		stream, err := q.js.CreateOrUpdateStream(ctx, s.cfg)
		if err != nil {
			return fmt.Errorf("queue: stream %s: %w", s.cfg.Name, explain(err))
		}
		*s.dst = stream
	}
	var err error
	if q.runs, err = q.js.CreateOrUpdateKeyValue(ctx, jetstream.KeyValueConfig{Bucket: runsBucket, Replicas: r}); err != nil {
		return fmt.Errorf("queue: bucket %s: %w", runsBucket, explain(err))
	}
	q.leases, err = q.js.CreateOrUpdateKeyValue(ctx, jetstream.KeyValueConfig{
		Bucket: leasesBucket, Replicas: r, LimitMarkerTTL: 5 * time.Second,
	})
	if err != nil {
		return fmt.Errorf("queue: bucket %s: %w", leasesBucket, explain(err))
	}
	return nil
}

// explain adds what to do to the errors that an operator meets.
func explain(err error) error {
	switch {
	case errors.Is(err, jetstream.ErrJetStreamNotEnabled):
		return fmt.Errorf("the NATS server runs without JetStream; start it with -js: %w", err)
	case errors.Is(err, nats.ErrNoResponders):
		return fmt.Errorf("nobody answers for JetStream on this NATS server; start it with -js, version 2.15.2 or newer: %w", err)
	}
	return err
}

// Close drains what is buffered and closes the connection.
func (q *Queue) Close() {
	flushCtx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	if err := q.nc.FlushWithContext(flushCtx); err != nil && !errors.Is(err, nats.ErrConnectionClosed) {
		q.opt.Log.Warn("queue: the last acknowledgements may not have arrived; their jobs are looked up again", "error", err)
	}
	q.nc.Close()
}

// Lanes are all lanes that jobs may be in: the named ones and this deployment's tail.
func (q *Queue) Lanes() []campaign.Lane {
	lanes := campaign.NamedLanes()
	for i := range q.opt.TailLanes {
		lanes = append(lanes, campaign.TailLane+campaign.Lane(i))
	}
	return lanes
}

// AckWait is how long a job stays with a sender that no longer renews it.
func (q *Queue) AckWait() time.Duration { return q.opt.AckWait }
