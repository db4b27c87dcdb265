package ratelimit

import (
	"slices"
	"sync"
	"testing"
	"time"
)

// departures are when messages of one key left, by one true clock.
type departures struct {
	mu    sync.Mutex
	times []time.Time
}

func (d *departures) add() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.times = append(d.times, time.Now())
}

func (d *departures) count() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.times)
}

// neverAbove fails if any sliding window of 1, 10 or 60 seconds that begins between
// from and to holds more than rate·window + 1 messages.
func (d *departures) neverAbove(t testing.TB, rate float64, from, to time.Time) {
	t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	slices.SortFunc(d.times, time.Time.Compare)
	for _, window := range []time.Duration{time.Second, 10 * time.Second, time.Minute} {
		most := rate*window.Seconds() + 1
		first := 0
		for i, at := range d.times {
			for at.Sub(d.times[first]) >= window || d.times[first].Before(from) && first < i {
				first++
			}
			if n := i - first + 1; !at.After(to) && !at.Before(from) && float64(n) > most+1e-9 {
				t.Errorf("%d messages within %v before %v, at most %v are allowed at %v/s", n, window, at, most, rate)
				break
			}
		}
	}
}

// between counts the messages that left in a time.
func (d *departures) between(from, to time.Time) (n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, at := range d.times {
		if !at.Before(from) && at.Before(to) {
			n++
		}
	}
	return n
}
