package ratelimit

import (
	"context"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Feedback, after TCP's congestion control: a throttling reply halves the rate, at
// most once in calm (replies to what was under way say nothing new), and each second
// without one adds a twentieth of the ceiling, down to floor and up to the ceiling.
const (
	decrease = 0.5
	recovery = 0.05 // of the ceiling, per second
	floor    = 0.2  // messages per second
	calm     = 2 * time.Second
)

// Site paces one site in this process. It is safe for concurrent use.
type Site struct {
	now     func() time.Time
	limiter *rate.Limiter

	mu      sync.Mutex
	ceiling float64 // messages per second
	slowed  time.Time
	raised  time.Time
}

// NewSite paces at up to perSecond messages; a tenth of a second's worth may go at
// once. now is time.Now outside of tests.
func NewSite(perSecond float64, now func() time.Time) *Site {
	return &Site{
		now:     now,
		ceiling: perSecond,
		limiter: rate.NewLimiter(rate.Limit(perSecond), max(int(perSecond/10), 1)),
		raised:  now(),
	}
}

// Wait blocks until a message may be sent, or ctx is done, and returns ctx's error
// then.
func (s *Site) Wait(ctx context.Context) error {
	s.recover()
	return s.limiter.Wait(ctx)
}

// Throttled takes note of a reply that asked for less, sent for a message of an
// attempt that began at a time.
func (s *Site) Throttled(began time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	if !began.After(s.slowed) || now.Sub(s.slowed) < calm {
		return
	}
	s.slowed, s.raised = now, now
	s.limiter.SetLimitAt(now, rate.Limit(max(float64(s.limiter.Limit())*decrease, floor)))
}

// Rate is the present rate in messages per second.
func (s *Site) Rate() float64 {
	s.recover()
	return float64(s.limiter.Limit())
}

func (s *Site) recover() {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	limit := float64(s.limiter.Limit())
	elapsed := now.Sub(s.raised)
	// Small steps are put together: the limiter needs no update for each message.
	if limit >= s.ceiling || elapsed < 100*time.Millisecond {
		return
	}
	s.raised = now
	s.limiter.SetLimitAt(now, rate.Limit(min(limit+recovery*s.ceiling*elapsed.Seconds(), s.ceiling)))
}
