package delivery

import (
	"context"
	"sync"
	"time"
)

// handTime is how much work a sender takes into its hand from a lane that it shares: a
// job that one holds, another cannot send, and at the end of a run all should end
// together.
const handTime = 2 * time.Second

// room is how many items of a class a lane may hold: what it gets done in handTime, but
// no fewer than least and no more than most.
type room struct {
	least, most int
	freed       chan struct{} // holds one token after anything was released

	mu      sync.Mutex
	held    int // in hand
	asked   int // asked of the queue, and not come yet
	size    int
	began   time.Time // of the measurement of what gets done
	through int       // since then
}

func newRoom(least, most int) *room {
	return &room{least: least, most: most, size: least, freed: make(chan struct{}, 1)}
}

// acquire waits for room for at least so many items and takes up to limit; 0 when
// ctx ended. One goroutine acquires.
func (r *room) acquire(ctx context.Context, least, limit int) int {
	for {
		r.mu.Lock()
		if n := r.size - r.held - r.asked; n >= least {
			n = min(n, limit)
			r.asked += n
			r.mu.Unlock()
			return n
		}
		r.mu.Unlock()
		select {
		case <-ctx.Done():
			return 0
		case <-r.freed:
		}
	}
}

// take takes note that an item has come that was asked for.
func (r *room) take() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asked--
	r.held++
}

// release gives back what was asked for and did not come.
func (r *room) release(n int) {
	r.mu.Lock()
	r.asked -= n
	r.mu.Unlock()
	r.tell()
}

// done takes note that an item is in hand no more.
func (r *room) done(now time.Time) {
	r.mu.Lock()
	r.held--
	r.through++
	switch age := now.Sub(r.began); {
	case age > handTime:
		r.began, r.through = now, 0
	case age > handTime/4:
		pace := float64(r.through) / age.Seconds()
		r.size = min(max(int(pace*handTime.Seconds()), r.least), r.most)
		r.began, r.through = now, 0
	}
	r.mu.Unlock()
	r.tell()
}

func (r *room) tell() {
	select {
	case r.freed <- struct{}{}:
	default:
	}
}

// free is how many more items could be held, besides those that were asked for.
func (r *room) free() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.size - r.held
}
