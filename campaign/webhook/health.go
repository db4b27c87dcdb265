package webhook

import (
	"context"
	"sync"
	"time"
)

// health is whether an endpoint answers as it should. While it does not, it gets one
// request at a time, and pauses between them: what is down is not hammered, and few
// events collect long delays before it is back.
type health struct {
	mu     sync.Mutex
	streak int           // failures since the last success
	since  time.Time     // of the first of them; zero when it is well
	back   chan struct{} // closed, and replaced, when it is well again
}

const (
	// illAfter failures in a row it is the endpoint that is ill, not an event.
	illAfter = 5
	// mostRest is the longest pause between two requests to one that is ill.
	mostRest = time.Minute
)

func newHealth(since time.Time) *health {
	h := &health{since: since, back: make(chan struct{})}
	if !since.IsZero() {
		h.streak = illAfter
	}
	return h
}

// rest waits until the endpoint may have another request.
func (h *health) rest(ctx context.Context, first bool) {
	h.mu.Lock()
	streak, back := h.streak, h.back
	h.mu.Unlock()
	if streak < illAfter {
		return
	}
	pause := mostRest
	if doubled := streak - illAfter; doubled < 6 {
		pause = min(time.Second<<doubled, mostRest)
	}
	var over <-chan time.Time
	if first {
		t := time.NewTimer(pause)
		defer t.Stop()
		over = t.C
	}
	select {
	case <-ctx.Done():
	case <-back:
	case <-over:
	}
}

// ill notes a failure; fresh when it is the first since the endpoint was well.
func (h *health) ill(now time.Time) (since time.Time, fresh bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.streak++
	fresh = h.since.IsZero()
	if fresh {
		h.since = now
	}
	return h.since, fresh
}

// well notes a success, and tells whether there were failures before it.
func (h *health) well() (again bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	again = !h.since.IsZero()
	if h.streak >= illAfter {
		close(h.back)
		h.back = make(chan struct{})
	}
	h.streak, h.since = 0, time.Time{}
	return again
}
