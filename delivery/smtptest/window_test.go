package smtptest

import (
	"math/rand/v2"
	"testing"
	"time"
)

// busiest is the most events in any window, by trying every one.
func busiest(events []time.Duration, length time.Duration) int {
	most := 0
	for i, first := range events {
		n := 0
		for _, e := range events[i:] {
			if e < first+length {
				n++
			}
		}
		most = max(most, n)
	}
	return most
}

func TestWindowAgainstBruteForce(t *testing.T) {
	for seed := range uint64(60) {
		rng := rand.New(rand.NewPCG(seed, 1))
		pauses := []time.Duration{0, 1, 3 * time.Millisecond, 50 * time.Millisecond, time.Second - 1, time.Second, time.Second + 1,
			10*time.Second - 1, 10 * time.Second, 10*time.Second + 1, 25 * time.Second}[:1+rng.IntN(11)]
		var w window
		var events []time.Duration
		at := time.Duration(rng.Int64N(20e9))
		for range 400 {
			at += pauses[rng.IntN(len(pauses))]
			events = append(events, at)
			w.add(at)
		}
		if got, want := w.peak1s, busiest(events, time.Second); got != want {
			t.Errorf("seed %d: %d in a second, want %d", seed, got, want)
		}
		if got, want := w.peak10, busiest(events, 10*time.Second); got != want {
			t.Errorf("seed %d: %d in ten seconds, want %d", seed, got, want)
		}
	}
}

func TestWindowTakesTimeThatGoesBackAsNow(t *testing.T) {
	var w window
	for _, at := range []time.Duration{5 * time.Second, 4 * time.Second, 5 * time.Second} {
		w.add(at)
	}
	if w.peak1s != 3 {
		t.Errorf("%d in a second, want 3", w.peak1s)
	}
}
