package ratelimit

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

const (
	ratesBucket = "broadside_rates"
	// forgetAfter is when an idle key vanishes from the bucket. Slots that are further
	// apart than half of it lie at round times, which need no memory.
	forgetAfter = 10 * time.Minute
	// requestTime bounds one request to NATS.
	requestTime = time.Second
	// atOnce is how many keys are renewed at the same time.
	atOnce = 32
)

// SharedOptions say how to share limits.
type SharedOptions struct {
	// Name tells this process from all others that share the limits. One that is started
	// again under its name takes over what it had.
	Name string
	// Replicas of the bucket: 1, 3 or 5.
	Replicas int
	Log      *slog.Logger
	// Now is time.Now outside of tests.
	Now func() time.Time
}

// Shared keeps limits for all processes that use the same NATS bucket. Without NATS,
// nothing passes its gates: messages wait, and connections have to close when the
// process could not say for some seconds that it still has them.
type Shared struct {
	opt    SharedOptions
	bucket bucket
	clock  *clock
	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	room   chan struct{}  // limits the renewals under way
	work   sync.WaitGroup // renewals and the clock

	highest atomic.Uint64 // revision seen
	lost    atomic.Int64  // when the bucket was seen to have lost its memory
	away    atomic.Bool   // NATS doesn't answer
	trial   sync.Mutex    // held by the renewal that tries, while it is away

	mu     sync.Mutex
	gates  map[string]*sharedGate
	closed bool
}

// OpenShared opens the bucket, making it if need be, and learns the server's time. The
// caller closes the limiter after its gates, and the connection after the limiter.
func OpenShared(ctx context.Context, js jetstream.JetStream, opt SharedOptions) (*Shared, error) {
	b, err := openBucket(ctx, js, ratesBucket, forgetAfter, opt.Replicas)
	if err != nil {
		return nil, err
	}
	return newShared(ctx, b, opt)
}

func newShared(ctx context.Context, b bucket, opt SharedOptions) (*Shared, error) {
	s := &Shared{
		opt: opt, bucket: b, clock: newClock(opt.Now),
		room: make(chan struct{}, atOnce), gates: map[string]*sharedGate{},
	}
	if err := s.clock.probe(ctx, b.time, opt.Log); err != nil {
		return nil, fmt.Errorf("limits: the server's time is unknown: %w", err)
	}
	s.ctx, s.cancel = context.WithCancel(context.WithoutCancel(ctx))
	s.work.Go(s.keepTime)
	return s, nil
}

// keepTime follows the server's clock.
func (s *Shared) keepTime() {
	tick := time.NewTicker(probeEvery)
	defer tick.Stop()
	for {
		select {
		case <-s.ctx.Done():
			return
		case <-tick.C:
		}
		ctx, cancel := context.WithTimeout(s.ctx, requestTime)
		s.reached(s.clock.probe(ctx, s.bucket.time, s.opt.Log))
		cancel()
	}
}

// reached takes note of whether NATS answered, and says so when that changes.
func (s *Shared) reached(err error) {
	switch {
	case err == nil || errors.Is(err, errConflict):
		if s.away.Load() && s.away.CompareAndSwap(true, false) {
			s.opt.Log.Info("limits: NATS answers again, messages leave")
		}
	case s.ctx.Err() == nil && s.away.CompareAndSwap(false, true):
		s.opt.Log.Warn("limits: NATS does not answer; messages wait until it does", "error", err)
	}
}

// Open implements Limiter.
func (s *Shared) Open(key string, l Limits, wake func()) Gate {
	s.mu.Lock()
	g := s.gates[key]
	if g == nil {
		g = newSharedGate(s, key)
		s.gates[key] = g
	}
	g.mu.Lock()
	g.wake = wake
	g.opened++
	g.mu.Unlock()
	s.mu.Unlock()
	g.SetLimits(l)
	return g
}

// forget drops a gate that is closed still.
func (s *Shared) forget(g *sharedGate) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.opened == 0 {
		g.stop()
		delete(s.gates, g.key)
	}
}

// begin admits a renewal; false when the limiter is closed.
func (s *Shared) begin() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.work.Add(1)
	return true
}

// Close gives back what this process has, as far as NATS can be reached within a
// second, and waits for all work. Gates still open let nothing pass afterwards.
func (s *Shared) Close() {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return
	}
	s.closed = true
	gates := s.gates
	s.gates = map[string]*sharedGate{}
	s.mu.Unlock()
	s.cancel()
	s.work.Wait()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(s.ctx), requestTime)
	defer cancel()
	for _, g := range gates {
		g.mu.Lock()
		g.opened, g.held, g.asked = 0, 0, 0
		g.stop()
		g.mu.Unlock()
		if !s.away.Load() && ctx.Err() == nil {
			g.renew(ctx)
		}
		g.mu.Lock()
		g.may, g.blocks = 0, nil
		g.mu.Unlock()
	}
}
