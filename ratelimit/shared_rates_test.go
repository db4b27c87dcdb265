package ratelimit

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"
)

// S26: what holds for one site holds for all senders together.
func TestSharedRatesHoldForAllProcessesTogether(t *testing.T) {
	for _, rate := range []float64{1. / 60, 10. / 60, 0.2, 1.5, 10, 100, 1000} {
		for _, n := range []int{1, 4, 12} {
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

// Three processes use 95 % of a rate over a time in which one of them dies without a
// word, and another one comes.
func TestSharedRatesAreUsedWhileAProcessDies(t *testing.T) {
	const rate, rounds = 60, 10
	for _, c := range []struct {
		connections int
		takes       time.Duration
	}{
		{5, 12 * time.Millisecond},
		{30, 30 * time.Millisecond},
	} {
		t.Run(fmt.Sprintf("%d of %v", c.connections, c.takes), func(t *testing.T) {
			used := 0.
			for range rounds {
				synctest.Test(t, func(t *testing.T) {
					w := newWorld()
					l := Limits{Rate: rate, Connections: c.connections}
					var all []*process
					for i := range 3 {
						all = append(all, w.process(t, fmt.Sprint("p", i), l, 20, c.takes, time.Duration(i-1)*100*time.Millisecond))
					}
					time.Sleep(3*time.Second + rand.N(time.Second))
					start := time.Now()
					time.Sleep(4 * time.Second)
					all[0].die()
					time.Sleep(6 * time.Second)
					all[0] = w.process(t, "another", l, 20, c.takes, 0)
					time.Sleep(8 * time.Second)
					end := time.Now()
					used += float64(w.sent.between(start, end)) / end.Sub(start).Seconds() / rate / rounds
					for _, p := range all {
						p.stop()
					}
					w.sent.neverAbove(t, rate, time.Time{}, end)
					w.neverMore(t, c.connections)
				})
			}
			t.Logf("%.1f %% of the rate used", 100*used)
			if used < 0.95 {
				t.Errorf("%.1f %% of the rate was used, want 95 %%", 100*used)
			}
		})
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
