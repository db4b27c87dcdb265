package tlsrpt

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"
)

const (
	// flushEvery is what a killed process may lose of its counts.
	flushEvery = 5 * time.Second
	// maxHeld bounds the counts in memory. When a store is away for so long that there
	// are more, further sessions are not counted: reports are worth less than sending.
	maxHeld = 50_000
	// KeepDays is for how long counts are kept.
	KeepDays = 30
	// maxReason is the longest reason that is kept, in bytes.
	maxReason = 200
)

// Store keeps counts.
type Store interface {
	// AddTLSResults adds counts to what is there, all or none.
	AddTLSResults(ctx context.Context, counts []Count) error
	// ForgetTLSResults removes all counts of days before one.
	ForgetTLSResults(ctx context.Context, before int) error
}

// Recorder counts. Add is safe for concurrent use; Run once.
type Recorder struct {
	store Store
	now   func() time.Time
	log   *slog.Logger

	mu     sync.Mutex
	counts map[likeness]int64
	lost   int64 // not counted for want of room
}

// likeness is what makes sessions alike. Policies are told apart by where they are;
// the Store puts the counts of equal ones together.
type likeness struct {
	day     int
	policy  *Policy
	session Session
}

// NewRecorder returns a Recorder for a store; now nil is time.Now.
func NewRecorder(store Store, now func() time.Time, log *slog.Logger) *Recorder {
	if now == nil {
		now = time.Now
	}
	return &Recorder{store: store, now: now, log: log, counts: map[likeness]int64{}}
}

// Add counts a session. The policy must not change any more.
func (r *Recorder) Add(p *Policy, s Session) {
	if s.Result == Success {
		s = Session{}
	}
	s.Reason = short(s.Reason)
	key := likeness{DayOf(r.now()), p, s}
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, known := r.counts[key]; !known && len(r.counts) >= maxHeld {
		r.lost++
		return
	}
	r.counts[key]++
}

// short makes of a reason what every database takes.
func short(reason string) string {
	if len(reason) > maxReason {
		reason = reason[:maxReason]
	}
	return strings.ReplaceAll(strings.ToValidUTF8(reason, ""), "\x00", "")
}

// Run adds what was counted to the store every few seconds, until ctx is done, and
// then once more.
func (r *Recorder) Run(ctx context.Context) {
	tick := time.NewTicker(flushEvery)
	defer tick.Stop()
	forgotten := 0
	for {
		select {
		case <-tick.C:
			r.flush(ctx)
			if day := DayOf(r.now()); day != forgotten {
				forgotten = day
				if err := r.store.ForgetTLSResults(ctx, day-KeepDays); err != nil {
					r.log.Warn("tls report: old results stay", "error", err)
				}
			}
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushEvery)
			defer cancel()
			r.flush(last)
			return
		}
	}
}

// flush moves the counts into the store; if it won't have them they stay.
func (r *Recorder) flush(ctx context.Context) {
	r.mu.Lock()
	held, lost := r.counts, r.lost
	r.counts, r.lost = map[likeness]int64{}, 0
	r.mu.Unlock()
	if lost > 0 {
		r.log.Warn("tls report: sessions were not counted: the store has been away for long", "sessions", lost)
	}
	if len(held) == 0 {
		return
	}
	counts := make([]Count, 0, len(held))
	for key, n := range held {
		counts = append(counts, Count{Day: key.day, Policy: *key.policy, Session: key.session, Sessions: n})
	}
	err := r.store.AddTLSResults(ctx, counts)
	if err == nil {
		return
	}
	r.log.Warn("tls report: results wait for the store", "counts", len(counts), "error", err)
	r.mu.Lock()
	defer r.mu.Unlock()
	for key, n := range held {
		r.counts[key] += n
	}
}

// DayOf is the UTC day of a time, in days since 1970-01-01.
func DayOf(t time.Time) int { return int(t.Unix() / (24 * 60 * 60)) }
