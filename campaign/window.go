package campaign

import "time"

// A lane's window is how many jobs of one class the planner keeps queued in it:
// windowTime of work at the rate at which senders take it, so that a pause, a
// cancellation or an urgent campaign waits for seconds of work, never for hours.
const (
	windowTime = 15 * time.Second
	minWindow  = 2 * feedBatch
	maxWindow  = 20000
	// measureTime is over how long a rate is measured at least: senders acknowledge
	// hundreds of jobs at once, which over milliseconds looks like any rate at all.
	measureTime = time.Second
)

// window measures a lane's rate and gives its size. Its zero value is ready.
type window struct {
	rate    float64 // jobs taken per second, smoothed
	backlog int64   // at the last observation, plus what was fed since
	taken   int64   // since the measurement began
	began   time.Time
}

// observe takes note of the lane's backlog.
func (w *window) observe(backlog int64, now time.Time) {
	if w.began.IsZero() {
		w.began = now
	} else {
		w.taken += max(w.backlog-backlog, 0)
	}
	w.backlog = backlog
	dt := now.Sub(w.began)
	if dt < measureTime {
		return
	}
	rate := float64(w.taken) / dt.Seconds()
	w.taken, w.began = 0, now
	// Rising is believed at once, falling slowly: a window too large costs a little
	// order, one too small idles the senders.
	if rate > w.rate {
		w.rate = rate
		return
	}
	w.rate += (rate - w.rate) * min(dt.Seconds()/windowTime.Seconds(), 1)
}

// fed takes note of jobs put into the lane since.
func (w *window) fed(n int64) { w.backlog += n }

// size is how many jobs the lane should hold.
func (w *window) size() int64 {
	return min(max(int64(w.rate*windowTime.Seconds()), minWindow), maxWindow)
}

// free is how many jobs the lane has room for.
func (w *window) free() int64 { return max(w.size()-w.backlog, 0) }

// low reports whether a quarter of the window is free: to replace each job as it is
// taken would make many small batches, each with its cost.
func (w *window) low() bool { return w.free() >= w.size()/4 }

// shares splits n jobs among runs by weight: deficit round robin (Shreedhar and
// Varghese, 1995). What a run is entitled to and doesn't get stays its deficit for
// the next round; a run without work in the lane has none. Weights are positive.
func shares(n int64, weights []int, deficit []float64) []int64 {
	total := 0
	for _, w := range weights {
		total += w
	}
	give := make([]int64, len(weights))
	for i, w := range weights {
		deficit[i] += float64(n) * float64(w) / float64(total)
		give[i] = int64(deficit[i])
		deficit[i] -= float64(give[i])
	}
	return give
}
