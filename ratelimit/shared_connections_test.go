package ratelimit

import (
	"fmt"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"
)

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

// A connection that goes from one process to the next, after the last one closed its
// own, loses little of what it could carry: the time to open another, and a moment.
func TestSharedConnectionIsHandedOver(t *testing.T) {
	for _, c := range []struct {
		processes    int
		rate         float64
		takes, dials time.Duration
	}{
		{3, 20, 10 * time.Millisecond, 50 * time.Millisecond},
		{3, 1000, 100 * time.Millisecond, 500 * time.Millisecond},
		{8, 1000, 30 * time.Millisecond, 150 * time.Millisecond},
	} {
		t.Run(fmt.Sprintf("%d at %v/s, %v each", c.processes, c.rate, c.takes), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				w.dials = c.dials
				var all []*process
				for i := range c.processes {
					all = append(all, w.process(t, fmt.Sprint("p", i), Limits{Rate: c.rate, Connections: 1}, 2, c.takes, time.Duration(i-1)*50*time.Millisecond))
				}
				start := time.Now()
				time.Sleep(4 * time.Minute)
				end := time.Now()
				for _, p := range all {
					p.stop()
				}
				possible := min(c.rate, 1/c.takes.Seconds())
				used := float64(w.sent.between(start, end)) / end.Sub(start).Seconds() / possible
				t.Logf("%.1f %% used", 100*used)
				if used < 0.9 {
					t.Errorf("%.1f %% of what one connection can carry was used, want 90 %%", 100*used)
				}
				w.sent.neverAbove(t, c.rate, start, end)
				w.neverMore(t, 1)
			})
		})
	}
}

// A connection with nothing to carry is kept while nobody wants it, and given up when
// somebody does.
func TestSharedConnectionsThatRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		l := Limits{Rate: 100, Connections: 2}
		woken := make(chan struct{}, 10)
		shared, err := newShared(t.Context(), w, SharedOptions{Name: "a", Log: slog.New(slog.DiscardHandler), Now: time.Now})
		if err != nil {
			t.Fatal(err)
		}
		idle := shared.Open("site", l, func() { woken <- struct{}{} })
		for held := 0; held < 2; {
			if idle.TryAcquire() {
				held++
				w.open.Add(1)
				continue
			}
			<-woken
		}
		idle.Rest()
		time.Sleep(20 * time.Second)
		if idle.Over() {
			t.Error("a connection is to be closed that nobody else wants")
		}
		b := w.process(t, "b", l, 1, 10*time.Millisecond, 0)
		<-woken
		if !idle.Over() || idle.Over() {
			t.Error("the one that rests is to be closed, and no other")
		}
		w.open.Add(-1)
		idle.Resume()
		idle.Release()
		soon(t, "b has the connection that rested", func() bool { return b.has(1) })
		w.neverMore(t, 2)
		b.stop()
		idle.Release()
		idle.Close()
		shared.Close()
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

func (w *world) neverMore(t *testing.T, limit int) {
	t.Helper()
	if most := w.most.Load(); most > int64(limit) {
		t.Errorf("%d connections were open at one time, %d are allowed", most, limit)
	}
}
