package smtptest

import (
	"math/rand/v2"
	"testing"
)

// busiest is the most events in any window, by trying every one.
func busiest(events []int64, length int64) int {
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
		pauses := []int64{0, 1, 3, 50, 999, 1000, 1001, 9999, 10_000, 10_001, 25_000}[:1+rng.IntN(11)]
		var w window
		var events []int64
		ms := rng.Int64N(20_000)
		for range 400 {
			ms += pauses[rng.IntN(len(pauses))]
			events = append(events, ms)
			w.add(ms)
		}
		if got, want := w.peak1s, busiest(events, 1000); got != want {
			t.Errorf("seed %d: %d in a second, want %d", seed, got, want)
		}
		if got, want := w.peak10, busiest(events, 10_000); got != want {
			t.Errorf("seed %d: %d in ten seconds, want %d", seed, got, want)
		}
	}
}

func TestWindowTakesTimeThatGoesBackAsNow(t *testing.T) {
	var w window
	for _, ms := range []int64{5000, 4000, 5000} {
		w.add(ms)
	}
	if w.peak1s != 3 {
		t.Errorf("%d in a second, want 3", w.peak1s)
	}
}
