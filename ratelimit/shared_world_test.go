package ratelimit

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// world is the bucket, and the processes that share limits, in a test's own time.
type world struct {
	mu       sync.Mutex
	values   map[string][]byte
	revision map[string]uint64
	last     uint64
	slow     time.Duration // a request's longest way
	dials    time.Duration // what opening a connection takes
	away     bool
	requests int

	open atomic.Int64 // connections, of all processes
	most atomic.Int64 // at any instant
	sent departures
}

func newWorld() *world {
	return &world{values: map[string][]byte{}, revision: map[string]uint64{}, slow: 4 * time.Millisecond}
}

var errAway = errors.New("no answer")

// travel is a request's way to the server, or back: now and then one is lost.
func (w *world) travel(ctx context.Context) error {
	w.mu.Lock()
	slow, away := w.slow, w.away
	w.mu.Unlock()
	if away || rand.IntN(2000) == 0 {
		<-ctx.Done()
		return errAway
	}
	time.Sleep(rand.N(slow/2 + 1))
	return ctx.Err()
}

func (w *world) get(ctx context.Context, key string) (value []byte, revision uint64, err error) {
	if err := w.travel(ctx); err != nil {
		return nil, 0, err
	}
	w.mu.Lock()
	w.requests++
	value, revision = w.values[key], w.revision[key]
	w.mu.Unlock()
	return value, revision, w.travel(ctx)
}

func (w *world) put(ctx context.Context, key string, value []byte, revision uint64) (uint64, error) {
	if err := w.travel(ctx); err != nil {
		return 0, err
	}
	w.mu.Lock()
	w.requests++
	var err error
	if w.revision[key] != revision {
		err = errConflict
	} else {
		w.last++
		revision = w.last
		w.values[key], w.revision[key] = value, revision
	}
	w.mu.Unlock()
	return revision, errors.Join(err, w.travel(ctx))
}

func (w *world) time(ctx context.Context) (time.Time, error) {
	time.Sleep(rand.N(w.slow/2 + 1))
	now := time.Now()
	time.Sleep(rand.N(w.slow/2 + 1))
	return now, nil
}

// process is one sender with some connections at one key. Each connection takes a while
// for a message.
type process struct {
	w      *world
	shared *Shared
	gate   Gate
	kill   context.CancelFunc
	woken  chan struct{}
	sent   departures
	conns  sync.WaitGroup
	open   atomic.Int64
	most   atomic.Int64
	done   sync.WaitGroup
	takes  time.Duration
}

func (w *world) process(t *testing.T, name string, l Limits, conns int, takes, skewed time.Duration) *process {
	t.Helper()
	shared, err := newShared(t.Context(), w, SharedOptions{
		Name: name, Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return time.Now().Add(skewed) },
	})
	if err != nil {
		t.Fatal(err)
	}
	return w.run(t, shared, l, conns, takes)
}

func (w *world) run(t *testing.T, shared *Shared, l Limits, conns int, takes time.Duration) *process {
	p := &process{w: w, shared: shared, woken: make(chan struct{}, 1), takes: takes}
	ctx, kill := context.WithCancel(t.Context())
	p.kill = kill
	p.gate = shared.Open("site", l, p.wake)
	p.done.Go(func() { p.connect(ctx, conns) })
	return p
}

func (p *process) wake() {
	select {
	case p.woken <- struct{}{}:
	default:
	}
}

// connect keeps as many connections open as it may have.
func (p *process) connect(ctx context.Context, conns int) {
	for ctx.Err() == nil {
		for p.open.Load() < int64(conns) && p.gate.TryAcquire() {
			p.most.Store(max(p.most.Load(), p.open.Add(1)))
			p.w.most.Store(max(p.w.most.Load(), p.w.open.Add(1)))
			p.conns.Go(func() { p.connection(ctx) })
		}
		select {
		case <-p.woken:
		case <-ctx.Done():
		}
	}
	p.conns.Wait()
}

func (p *process) connection(ctx context.Context) {
	defer func() {
		p.w.open.Add(-1)
		p.open.Add(-1)
		p.gate.Release()
		p.wake()
	}()
	time.Sleep(p.w.dials)
	for !p.gate.Over() {
		// A connection that waits for a slot looks up now and then.
		slotCtx, cancel := context.WithTimeout(ctx, 400*time.Millisecond)
		err := p.gate.Wait(slotCtx)
		cancel()
		if ctx.Err() != nil {
			return
		}
		if err == nil {
			p.sent.add()
			p.w.sent.add()
			time.Sleep(p.takes)
		}
	}
}

// stop ends a process in order; die ends it without a word.
func (p *process) stop() {
	p.kill()
	p.done.Wait()
	p.gate.Close()
	p.shared.Close()
}

func (p *process) die() {
	p.shared.mu.Lock()
	p.shared.closed = true
	p.shared.mu.Unlock()
	p.shared.cancel()
	p.shared.work.Wait()
	p.kill()
	p.done.Wait()
}

func (w *world) set(change func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change()
}
