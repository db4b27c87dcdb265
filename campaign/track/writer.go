package track

import (
	"context"
	"crypto/rand"
	"log/slog"
	"sync"
	"time"

	"broadside/campaign"
)

const (
	// groupMost hits travel in one message of the queue, whose payload is a megabyte at
	// most.
	groupMost = 10_000
	// heldMost bounds the hits that wait for a queue that is away: some 5 MB.
	heldMost = 100_000
)

// Writer makes hits durable, in groups: while one is being written the next one gathers,
// so that under load groups grow by themselves and a hit that comes alone waits for
// nobody. Run must be running.
type Writer struct {
	publish func(ctx context.Context, id string, hits []campaign.Hit) error
	log     *slog.Logger
	wake    chan struct{} // holds one when there is a group

	mu      sync.Mutex
	groups  []*group // in order; the last one gathers
	held    int      // hits in groups
	failing bool     // the last attempt failed
	lost    int64    // hits that there was no room for, since it did
}

type group struct {
	hits    []campaign.Hit
	durable chan struct{} // closed when they are
}

// NewWriter makes a writer on a queue, which takes hits that come with an id it has seen
// for a repetition.
func NewWriter(publish func(ctx context.Context, id string, hits []campaign.Hit) error, log *slog.Logger) *Writer {
	return &Writer{publish: publish, log: log, wake: make(chan struct{}, 1)}
}

// Add hands a hit over. The channel is closed when it is durable; wait is false when
// that may take long, because the queue is away.
func (w *Writer) Add(h campaign.Hit) (durable <-chan struct{}, wait bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.held >= heldMost {
		w.lost++
		return nil, false
	}
	if n := len(w.groups); n == 0 || len(w.groups[n-1].hits) == groupMost {
		w.groups = append(w.groups, &group{durable: make(chan struct{})})
		select {
		case w.wake <- struct{}{}:
		default:
		}
	}
	g := w.groups[len(w.groups)-1]
	g.hits = append(g.hits, h)
	w.held++
	return g.durable, !w.failing
}

const (
	publishTime = 5 * time.Second
	retryPause  = 250 * time.Millisecond
	// endTime is how long a writer that stops goes on with what it holds.
	endTime = 5 * time.Second
)

// Run writes until ctx is done and what was added by then is durable, or cannot be made
// so within endTime.
func (w *Writer) Run(ctx context.Context) {
	work, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(endTime, cancel) })
	defer stop()
	for {
		for g := w.next(); g != nil; g = w.next() {
			if !w.insist(work, g) {
				w.log.Error("track: hits are lost: the queue cannot be reached, and this process ends", "hits", w.holding(len(g.hits)))
				return
			}
		}
		select {
		case <-w.wake:
		case <-ctx.Done():
			if w.holding(0) == 0 {
				return
			}
		}
	}
}

// next takes the oldest group, nil when there is none.
func (w *Writer) next() *group {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.groups) == 0 {
		return nil
	}
	g := w.groups[0]
	w.groups = w.groups[1:]
	return g
}

// holding is how many hits are not durable; with those of a group that was taken.
func (w *Writer) holding(taken int) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := taken
	for _, g := range w.groups {
		n += len(g.hits)
	}
	return n
}

// insist repeats a write until it succeeds; false if ctx ended first.
func (w *Writer) insist(ctx context.Context, g *group) bool {
	id := rand.Text()
	for {
		attempt, cancel := context.WithTimeout(ctx, publishTime)
		err := w.publish(attempt, id, g.hits)
		cancel()
		if err == nil {
			close(g.durable)
			w.wrote(len(g.hits))
			return true
		}
		if ctx.Err() != nil {
			return false
		}
		w.failed(err)
		select {
		case <-ctx.Done():
			return false
		case <-time.After(retryPause):
		}
	}
}

// failed notes that the queue is away, and says so once.
func (w *Writer) failed(err error) {
	w.mu.Lock()
	first, held := !w.failing, w.held
	w.failing = true
	w.mu.Unlock()
	if first {
		w.log.Error("track: openings and clicks are not durable; readers are led on all the same, and the hits are held in memory", "held", held, "room", heldMost, "error", err)
	}
}

// wrote notes that hits are durable.
func (w *Writer) wrote(n int) {
	w.mu.Lock()
	w.held -= n
	again, lost := w.failing, w.lost
	w.failing, w.lost = false, 0
	w.mu.Unlock()
	if again {
		w.log.Warn("track: openings and clicks are durable again", "written", n, "lost", lost)
	}
}
