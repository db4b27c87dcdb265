package ratelimit

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func noWake() {}

// send lets workers pass the gate until ctx is done, each taking pause for a message.
func send(ctx context.Context, g Gate, d *departures, workers int, pause time.Duration) (wait func()) {
	var all sync.WaitGroup
	for range workers {
		all.Go(func() {
			for g.Wait(ctx) == nil {
				d.add()
				time.Sleep(pause)
			}
		})
	}
	return all.Wait
}

func TestLocalKeepsAnyRateInAnyWindow(t *testing.T) {
	for _, rate := range []float64{1. / 60, 10. / 60, 0.2, 0.99, 1, 1.5, 7, 33.3, 100, 1000} {
		t.Run(fmt.Sprint(rate), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := NewLocal(time.Now).Open("site", Limits{Rate: rate}, noWake)
				defer g.Close()
				long := max(2*time.Minute, time.Duration(20/rate*float64(time.Second)))
				ctx, stop := context.WithTimeout(t.Context(), long)
				defer stop()
				var d departures
				start := time.Now()
				send(ctx, g, &d, 5, 7*time.Millisecond)()
				d.neverAbove(t, rate, start, start.Add(long))
				possible := min(rate, 5/0.007) // of five workers
				if n := float64(d.count()); n < 0.95*possible*long.Seconds()-1 {
					t.Errorf("%v messages in %v at %v/s: too few", n, long, rate)
				}
			})
		})
	}
}

// Timers that are late by milliseconds cost nothing, and what is later is lost.
func TestLocalCatchesUpWhatTimersAreLateBy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := NewLocal(time.Now).Open("site", Limits{Rate: 1000}, noWake)
		defer g.Close()
		var d departures
		start := time.Now()
		for time.Since(start) < 10*time.Second {
			time.Sleep(15 * time.Millisecond)
			for at := time.Now(); time.Now().Equal(at); { // whoever is due goes at once
				if g.Wait(t.Context()) != nil {
					t.Fatal("unreachable")
				}
				d.add()
			}
		}
		d.neverAbove(t, 1000, start, start.Add(10*time.Second))
		if n := d.count(); n < 9500 {
			t.Errorf("%d messages in 10 s at 1000/s", n)
		}
		time.Sleep(time.Minute)
		idle := time.Now()
		for range 100 {
			_ = g.Wait(t.Context())
		}
		if took := time.Since(idle); took < 75*time.Millisecond {
			t.Errorf("after a minute of rest 100 messages left in %v: time was saved up", took)
		}
	})
}

func TestLocalFollowsItsLimitsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := NewLocal(time.Now).Open("site", Limits{Rate: 1. / 60}, noWake)
		defer g.Close()
		ctx, stop := context.WithCancel(t.Context())
		var d departures
		wait := send(ctx, g, &d, 3, 0)
		time.Sleep(10 * time.Second)
		if n := d.count(); n != 1 {
			t.Errorf("%d messages in 10 s at 1/min, want 1", n)
		}
		g.SetLimits(Limits{Rate: 10})
		time.Sleep(10 * time.Second)
		if n := d.count(); n < 96 || n > 101 {
			t.Errorf("%d messages after 10 s at 10/s", n)
		}
		g.SetLimits(Limits{})
		n := d.count()
		time.Sleep(time.Hour)
		if d.count() != n {
			t.Errorf("%d messages left at rate 0", d.count()-n)
		}
		g.SetLimits(Limits{Rate: math.Inf(1)})
		if err := g.Wait(t.Context()); err != nil {
			t.Error(err)
		}
		g.SetLimits(Limits{})
		stop()
		wait()
		if err := g.Wait(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("Wait under a context that is over returned %v", err)
		}
	})
}

// A site that is closed and opened again between two slow messages gains nothing.
func TestLocalRemembersClosedGates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := NewLocal(time.Now)
		start := time.Now()
		var d departures
		for range 5 {
			g := l.Open("slow", Limits{Rate: 0.1}, noWake)
			if err := g.Wait(t.Context()); err != nil {
				t.Fatal(err)
			}
			d.add()
			g.Close()
			for i := range 10 * leastSweep {
				g := l.Open(fmt.Sprint("other ", i), Limits{Rate: 1000}, noWake)
				_ = g.Wait(t.Context())
				g.Close()
			}
			time.Sleep(time.Second)
		}
		d.neverAbove(t, 0.1, start, time.Now())
		if len(l.gates) > 3*leastSweep {
			t.Errorf("%d gates are remembered", len(l.gates))
		}
	})
}

func TestLocalCountsConnections(t *testing.T) {
	woken := 0
	l := NewLocal(time.Now)
	g := l.Open("site", Limits{Rate: 1, Connections: 2}, func() { woken++ })
	acquire := func(want bool) {
		t.Helper()
		if got := g.TryAcquire(); got != want {
			t.Errorf("TryAcquire returned %v", got)
		}
	}
	over := func(want bool) {
		t.Helper()
		if got := g.Over(); got != want {
			t.Errorf("Over returned %v", got)
		}
	}
	wakes := func(want int) {
		t.Helper()
		if woken != want {
			t.Errorf("woken %d times, want %d", woken, want)
		}
	}
	acquire(true)
	g.Release()
	wakes(0) // nobody was refused
	acquire(true)
	acquire(true)
	acquire(false)
	g.Release()
	wakes(1)
	acquire(true)
	acquire(false)
	g.SetLimits(Limits{Rate: 1, Connections: 4})
	wakes(2)
	acquire(true)
	acquire(true)
	over(false)
	g.SetLimits(Limits{Rate: 1, Connections: 1})
	wakes(3)
	for range 3 {
		over(true)
	}
	over(false) // three were told
	for range 3 {
		g.Release()
	}
	over(false)
	acquire(false)
	g.SetLimits(Limits{Rate: 1})
	over(true)
	g.Release()
	g.Close()
}

func BenchmarkLocalWait(b *testing.B) {
	g := NewLocal(time.Now).Open("site", Limits{Rate: math.Inf(1)}, noWake)
	b.ReportAllocs()
	for b.Loop() {
		_ = g.Wait(b.Context())
	}
}
