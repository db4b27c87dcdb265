package ratelimit

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// world is the bucket, and the processes that share limits, in a test's own time.
type world struct {
	mu       sync.Mutex
	values   map[string][]byte
	revision map[string]uint64
	last     uint64
	slow     time.Duration // a request's longest way
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

// S26: what holds for one site holds for all senders together.
func TestSharedRatesHoldForAllProcessesTogether(t *testing.T) {
	for _, rate := range []float64{1. / 60, 10. / 60, 0.2, 1.5, 10, 100, 1000} {
		for _, n := range []int{1, 4} {
			t.Run(fmt.Sprintf("%.3g by %d", rate, n), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := newWorld()
					l := Limits{Rate: rate, Connections: 1000}
					start := time.Now()
					var all []*process
					for i := range n {
						all = append(all, w.process(t, fmt.Sprint("p", i), l, 40, 30*time.Millisecond, time.Duration(i*50-100)*time.Millisecond))
					}
					long := max(2*time.Minute, time.Duration(20/rate*float64(time.Second)))
					settled := start.Add(3 * time.Second)
					time.Sleep(long)
					end := time.Now()
					for _, p := range all {
						p.stop()
					}
					w.sent.neverAbove(t, rate, start, end)
					possible := min(rate, float64(40*n)/0.03)
					sent := float64(w.sent.between(settled, end))
					t.Logf("%.1f %% used, %d requests for %.0f messages in %v", 100*sent/(possible*end.Sub(settled).Seconds()), w.requests, sent, long)
					if sent < 0.95*possible*end.Sub(settled).Seconds()-2 {
						t.Errorf("%v messages in %v at %v/s: too few", sent, long, rate)
					}
					for i, p := range all {
						if got := float64(p.sent.between(settled, end)); got < 0.5*sent/float64(n)-2 || got > 1.6*sent/float64(n)+2 {
							t.Errorf("process %d of %d sent %v of %v", i, n, got, sent)
						}
					}
				})
			})
		}
	}
}

// Processes come, die without a word, are stopped in order and come again, and rates
// change; no window ever holds more than its rate.
func TestSharedRatesHoldWhileProcessesComeAndDie(t *testing.T) {
	for _, rate := range []float64{0.5, 20, 300} {
		t.Run(fmt.Sprint(rate), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				low := Limits{Rate: rate, Connections: 20}
				high := Limits{Rate: 3 * rate, Connections: 40}
				now := low
				var alive []*process
				next := 0
				come := func() {
					skewed := time.Duration(rand.IntN(201)-100) * time.Millisecond
					alive = append(alive, w.process(t, fmt.Sprint("p", next), now, 20, 20*time.Millisecond, skewed))
					next++
				}
				come()
				var changes []time.Time // from low to high, and back, by turns
				for round := range 80 {
					switch pick := rand.IntN(4); {
					case len(alive) < 5 && pick < 2 || len(alive) == 0:
						come()
					case pick == 2:
						alive[0].die()
						alive = alive[1:]
					case pick == 3:
						alive[0].stop()
						alive = alive[1:]
					}
					if round%40 == 20 {
						if now == low {
							now = high
						} else {
							now = low
						}
						changes = append(changes, time.Now())
						for _, p := range alive {
							p.gate.SetLimits(now)
						}
					}
					time.Sleep(rand.N(6 * time.Second))
				}
				end := time.Now()
				for _, p := range alive {
					p.stop()
				}
				w.sent.neverAbove(t, high.Rate, time.Time{}, end)
				w.sent.neverAbove(t, low.Rate, time.Time{}, changes[0])
				w.sent.neverAbove(t, low.Rate, changes[1], end)
				if w.open.Load() != 0 {
					t.Errorf("%d connections are still open", w.open.Load())
				}
				w.neverMore(t, 40)
			})
		})
	}
}

// S26: connections are within the limit at any instant, are shared by who wants them,
// and go to the others when a process is gone.
func TestSharedConnections(t *testing.T) {
	for _, limit := range []int{10, 4, 3} {
		t.Run(fmt.Sprint(limit), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				l := Limits{Rate: 100, Connections: limit}
				a := w.process(t, "a", l, limit, 50*time.Millisecond, -100*time.Millisecond)
				soon(t, "alone, a has all", func() bool { return a.has(limit) })
				b := w.process(t, "b", l, limit, 50*time.Millisecond, 100*time.Millisecond)
				soon(t, "a and b have halves", func() bool { return a.has(limit-limit/2) && b.has(limit/2) })
				c := w.process(t, "c", l, 1, 50*time.Millisecond, 0)
				soon(t, "c has the one that it wants", func() bool { return c.has(1) })
				a.stop()
				soon(t, "b has what a gave back", func() bool { return b.has(limit - 1) })
				b.die()
				time.Sleep(lease - 2*time.Second)
				d := w.process(t, "d", l, limit, 50*time.Millisecond, 0)
				time.Sleep(margin + time.Second)
				soon(t, "d has what b left behind", func() bool { return d.has(limit - 1) })
				for _, p := range []*process{c, d} {
					p.gate.SetLimits(Limits{Rate: 100, Connections: 2})
				}
				soon(t, "c and d share what is left of the limit", func() bool { return c.has(1) && d.has(1) })
				c.stop()
				d.stop()
				w.neverMore(t, limit)
			})
		})
	}
}

// Where there are fewer connections than processes, all have their turns.
func TestSharedConnectionsTakeTurns(t *testing.T) {
	for _, limit := range []int{1, 2} {
		t.Run(fmt.Sprint(limit), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				var all []*process
				for i := range 3 {
					all = append(all, w.process(t, fmt.Sprint("p", i), Limits{Rate: 10, Connections: limit}, 2, 10*time.Millisecond, time.Duration(i-1)*100*time.Millisecond))
				}
				start := time.Now()
				time.Sleep(2 * time.Minute)
				end := time.Now()
				for i, p := range all {
					p.stop()
					if n := p.sent.between(start, end); n < 250 {
						t.Errorf("process %d sent %d in two minutes, a third is 400", i, n)
					}
				}
				if n := w.sent.between(start, end); n < 900 {
					t.Errorf("all sent %d in two minutes at 10/s", n)
				}
				w.neverMore(t, limit)
			})
		})
	}
}

// Without NATS nobody exceeds anything, and everything goes on when it is back.
func TestSharedWithoutNATS(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		l := Limits{Rate: 50, Connections: 6}
		a := w.process(t, "a", l, 6, 10*time.Millisecond, -100*time.Millisecond)
		b := w.process(t, "b", l, 6, 10*time.Millisecond, 100*time.Millisecond)
		start := time.Now()
		time.Sleep(10 * time.Second)
		w.set(func() { w.away = true })
		gone := time.Now()
		time.Sleep(time.Minute)
		if n := w.sent.between(gone.Add(horizon+late), time.Now()); n > 0 {
			t.Errorf("%d messages left while NATS was away", n)
		}
		if n := w.open.Load(); n != 0 {
			t.Errorf("%d connections are open although nobody could renew them", n)
		}
		w.set(func() { w.away = false })
		back := time.Now()
		time.Sleep(13 * time.Second)
		if n := w.sent.between(back.Add(3*time.Second), time.Now()); n < 450 {
			t.Errorf("%d messages left in the ten seconds after NATS was back", n)
		}
		w.sent.neverAbove(t, l.Rate, start, time.Now())
		w.neverMore(t, 6)
		a.stop()
		b.stop()
	})
}

// A bucket that loses its memory lets nobody send too much: slots and connections that
// were given before are waited for.
func TestSharedAfterTheBucketIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		l := Limits{Rate: 50, Connections: 6}
		a := w.process(t, "a", l, 6, 10*time.Millisecond, -100*time.Millisecond)
		b := w.process(t, "b", l, 6, 10*time.Millisecond, 100*time.Millisecond)
		start := time.Now()
		time.Sleep(10 * time.Second)
		w.set(func() {
			w.values, w.revision, w.last = map[string][]byte{}, map[string]uint64{}, 0
		})
		time.Sleep(10 * time.Second)
		w.set(func() { w.values["site"] = []byte("{") })
		time.Sleep(20 * time.Second)
		end := time.Now()
		w.sent.neverAbove(t, l.Rate, start, end)
		if n := w.sent.between(end.Add(-5*time.Second), end); n < 237 {
			t.Errorf("%d messages in 5 s at 50/s", n)
		}
		w.neverMore(t, 6)
		a.stop()
		b.stop()
	})
}

// A closed key is forgotten by the process, and its connections are free for others.
func TestSharedForgetsClosedKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		l := Limits{Rate: 1000, Connections: 1}
		a := w.process(t, "a", l, 1, time.Millisecond, 0)
		time.Sleep(time.Second)
		a.kill()
		a.done.Wait()
		a.gate.Close()
		synctest.Wait()
		time.Sleep(5 * time.Second)
		a.shared.mu.Lock()
		n := len(a.shared.gates)
		a.shared.mu.Unlock()
		if n != 0 {
			t.Errorf("%d gates are remembered", n)
		}
		b := w.process(t, "b", l, 1, time.Millisecond, 0)
		time.Sleep(time.Second)
		if b.open.Load() != 1 {
			t.Error("b has not got the connection that a gave back")
		}
		b.stop()
		a.shared.Close()
	})
}

func (p *process) has(connections int) bool { return p.open.Load() == int64(connections) }

// soon fails when something doesn't happen within three seconds, of which a lost request may cost one.
func soon(t *testing.T, what string, happens func() bool) {
	t.Helper()
	start := time.Now()
	for !happens() {
		if time.Since(start) > 3*time.Second {
			t.Errorf("not within three seconds: %s", what)
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func (w *world) set(change func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change()
}

func (w *world) neverMore(t *testing.T, limit int) {
	t.Helper()
	if most := w.most.Load(); most > int64(limit) {
		t.Errorf("%d connections were open at one time, %d are allowed", most, limit)
	}
}

// A rate that creeps up, as it does after a site's complaint, is used on its way.
func TestSharedRatesThatRecover(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		var all []*process
		for i := range 3 {
			all = append(all, w.process(t, fmt.Sprint("p", i), Limits{Rate: 20, Connections: 90}, 30, 10*time.Millisecond, 0))
		}
		time.Sleep(5 * time.Second)
		start, allowed := time.Now(), 0.
		for rate := 20.; rate < 100; rate += 0.4 {
			for _, p := range all {
				p.gate.SetLimits(Limits{Rate: rate, Connections: 90})
				time.Sleep(50 * time.Millisecond)
			}
			allowed += rate * 0.15
		}
		sent := float64(w.sent.between(start, time.Now()))
		if sent < 0.8*allowed || sent > allowed {
			t.Errorf("%v messages of %v that the rising rate allowed", sent, allowed)
		}
		for _, p := range all {
			p.stop()
		}
	})
}
