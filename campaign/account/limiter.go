package account

import (
	"sync"
	"time"
)

// limiter counts failures by key: after burst of them, one more is let through in each
// interval. It is in memory: a restart forgives.
type limiter struct {
	burst    int
	interval time.Duration

	mu sync.Mutex
	// full is when a key's failures are all forgiven.
	full map[string]time.Time
}

// keysKept bounds the memory that strangers can make us use.
const keysKept = 50_000

// take counts a try that may fail; false when there were too many.
func (l *limiter) take(key string, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	at := later(l.full[key], now)
	if at.Sub(now) > time.Duration(l.burst-1)*l.interval {
		return false
	}
	if l.full == nil || len(l.full) >= keysKept {
		l.forget(now)
	}
	l.full[key] = at.Add(l.interval)
	return true
}

// forgive takes back what take counted: the try succeeded.
func (l *limiter) forgive(key string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.full, key)
}

// forget drops who is forgiven, or everybody when that leaves too many.
func (l *limiter) forget(now time.Time) {
	kept := make(map[string]time.Time)
	for key, at := range l.full {
		if at.After(now) && len(l.full) < 2*keysKept {
			kept[key] = at
		}
	}
	if len(kept) >= keysKept {
		clear(kept)
	}
	l.full = kept
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
