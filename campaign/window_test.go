package campaign

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

func TestWindowFollowsRate(t *testing.T) {
	start := time.Date(2026, 5, 4, 3, 0, 0, 0, time.UTC)
	steps := []struct {
		name    string
		after   time.Duration // since the start
		backlog int64
		feed    int64 // after observing
		free    int64 // before feeding
	}{
		{"nothing known: the smallest window", 0, 0, 1980, 1980},
		{"a burst of acknowledgements is not a rate", 5 * time.Millisecond, 1480, 0, 500},
		{"still measuring: refilled", 500 * time.Millisecond, 980, 1000, 1000},
		{"1,480 jobs in a second: 15 s of it", time.Second, 1500, 20000, 20000 - 1500},
		{"fuller than it may be: no room", 2 * time.Second, 21500, 0, 0},
		{"nobody takes anything any more", 3 * time.Second, 21500, 0, 0},
		{"the rate falls slowly", 18 * time.Second, 0, 0, 20000},
		{"an idle lane forgets", 40 * time.Second, 0, 0, 1980},
	}
	var w window
	for _, s := range steps {
		w.observe(s.backlog, start.Add(s.after))
		if got := w.free(); got != s.free {
			t.Errorf("%s: %d free, want %d (rate %.0f)", s.name, got, s.free, w.rate)
		}
		w.fed(s.feed)
	}
}

func TestWindowLow(t *testing.T) {
	for backlog, want := range map[int64]bool{0: true, 1485: true, 1486: false, 1980: false, 5000: false} {
		w := window{backlog: backlog}
		if w.low() != want {
			t.Errorf("low with %d of 1980: %t", backlog, !want)
		}
	}
}

// A steady rate, however its acknowledgements are grouped, is measured within the size
// of a group.
func TestWindowMeasuresGroups(t *testing.T) {
	for _, group := range []int64{1, 64, 512} {
		var w window
		at := time.Unix(0, 0)
		w.observe(0, at)
		w.fed(10_000)
		const perSecond = 512
		taken := int64(0)
		for ms := range int64(5000) {
			at = at.Add(time.Millisecond)
			due := perSecond * (ms + 1) / 1000
			taken = due / group * group
			w.observe(10_000-taken, at)
		}
		if w.rate < perSecond-1 || w.rate > perSecond+float64(group) {
			t.Errorf("groups of %d: %.0f/s, want %d/s", group, w.rate, perSecond)
		}
	}
}

func TestShares(t *testing.T) {
	for _, c := range []struct {
		n       int64
		weights []int
		want    []int64
	}{
		{0, []int{1}, []int64{0}},
		{7, []int{10}, []int64{7}},
		{100, []int{3, 1}, []int64{75, 25}},
		{1000, []int{10, 10, 20}, []int64{250, 250, 500}},
		{1, []int{3, 1}, []int64{0, 0}}, // the next one goes to the first
	} {
		got := shares(c.n, c.weights, make([]float64, len(c.weights)))
		for i := range got {
			if got[i] != c.want[i] {
				t.Errorf("%d among %v: %v, want %v", c.n, c.weights, got, c.want)
			}
		}
	}
}

// Over any sequence of free slots, in any number of runs of any weights, each run is
// within one job of its ideal share at every moment, and no more is given than is free.
func TestSharesAreFair(t *testing.T) {
	for seed := range uint64(200) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		weights := []int{3, 1}
		if seed > 0 {
			weights = make([]int, 1+rnd.IntN(6))
			for i := range weights {
				weights[i] = 1 + rnd.IntN(100)
			}
		}
		total := 0
		for _, w := range weights {
			total += w
		}
		deficit := make([]float64, len(weights))
		got := make([]int64, len(weights))
		slots, given := int64(0), int64(0)
		for range 500 {
			n := rnd.Int64N([]int64{2, 20, 20000}[rnd.IntN(3)])
			slots += n
			for i, g := range shares(n, weights, deficit) {
				got[i] += g
				given += g
			}
			if given > slots {
				t.Fatalf("seed %d: %d given of %d", seed, given, slots)
			}
			for i, w := range weights {
				ideal := float64(slots) * float64(w) / float64(total)
				if math.Abs(float64(got[i])-ideal) > 1+1e-6 {
					t.Fatalf("seed %d: after %d slots run %d of weights %v has %d jobs, ideal %.2f", seed, slots, i, weights, got[i], ideal)
				}
			}
		}
	}
}
