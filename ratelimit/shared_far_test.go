package ratelimit

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

// Where a site allows more than the connections carry, a message does not wait for its
// process's turn: connections far away lose nothing, however many processes there are.
func TestSharedSlotsAreThereWhenRatesAllowThem(t *testing.T) {
	const connections, takes = 5, 100 * time.Millisecond
	for _, rate := range []float64{mostRate, 4000, 800} {
		for _, n := range []int{1, 2, 4, 8} {
			t.Run(fmt.Sprintf("%.0f by %d", rate, n), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := newWorld()
					l := Limits{Rate: rate, Connections: connections * n}
					var all []*process
					for i := range n {
						all = append(all, w.process(t, fmt.Sprint("p", i), l, connections, takes, time.Duration(i*20-70)*time.Millisecond))
					}
					time.Sleep(3 * time.Second)
					start := time.Now()
					time.Sleep(20 * time.Second)
					end := time.Now()
					sent := float64(w.sent.between(start, end))
					for _, p := range all {
						p.stop()
					}
					w.sent.neverAbove(t, rate, time.Time{}, end)
					possible := float64(connections*n) / takes.Seconds() * end.Sub(start).Seconds()
					t.Logf("%.1f %% of what the connections carry", 100*sent/possible)
					if sent < 0.95*possible {
						t.Errorf("%.1f %% of what the connections can carry was sent, want 95 %%", 100*sent/possible)
					}
				})
			})
		}
	}
}
