package ratelimit

import "time"

// Fallback is how a site has to be spoken to since its encryption failed: the steps
// down that were taken, the first being 1. What they are the caller knows.
type Fallback struct {
	Steps int       `json:"steps"`
	Until time.Time `json:"until"` // then everything is tried again
}

// Fallback is how many steps down a site's encryption is at a time; 0 for none.
func (l Learned) Fallback(now time.Time) int {
	if p := l.book.find(l.key); p != nil {
		if r := p.record.Load(); r != nil && now.Before(r.Fallback.Until) {
			return r.Fallback.Steps
		}
	}
	return 0
}

// FallBack remembers, for all senders and for a time, that a site is to be spoken to so
// many steps down. It never takes a step back.
func (l Learned) FallBack(now time.Time, steps int, kept time.Duration) {
	now = plain(now)
	l.book.change(l.key, func(r Record) (Record, bool) {
		if now.Before(r.Fallback.Until) && r.Fallback.Steps >= steps {
			return r, false
		}
		r.Fallback = Fallback{steps, now.Add(kept)}
		return r, true
	})
}
