package ratelimit

import (
	"context"
	"time"
)

// Limits are what one key, usually a site, allows all senders together.
type Limits struct {
	// Rate is in messages per second. At 0 or less nothing leaves; +Inf is no limit.
	Rate float64
	// Connections are how many may be open at a time; at 0 or less none may.
	Connections int
}

// Limiter opens gates. It is safe for concurrent use. Local and Shared are limiters.
type Limiter interface {
	// Open returns the gate of a key, any string. wake is called when more connections
	// may be had, and when some are to be given up: it must return at once, and may call
	// the gate. While the key is open in this process, opening it again returns the same
	// gate, with the limits and the wake given last; it closes with the last Close.
	Open(key string, l Limits, wake func()) Gate
}

// Gate is what messages and connections of one key pass. It is safe for concurrent use.
type Gate interface {
	// SetLimits changes the limits. What waits is judged by the new ones at once.
	SetLimits(l Limits)
	// Wait blocks until one message may leave, which it has to do now: what is allowed
	// is lost after some milliseconds. Callers are let through in the order in which they
	// came. It returns ctx's error when ctx is done first, and no other.
	Wait(ctx context.Context) error
	// TryAcquire reports whether one more connection may be opened, and counts it. After
	// false, wake is called when it is worth trying again.
	TryAcquire() bool
	// Rest tells that one of the connections has nothing to carry, until Resume: if others
	// want it, Over asks for it.
	Rest()
	Resume()
	// Release gives back a connection that is closed, or was not opened after all.
	Release()
	// Over reports whether one connection must be closed, because fewer are allowed than
	// are open. It says so once for each connection too many: the caller closes one,
	// idle or after the message in hand, and calls Release.
	Over() bool
	// Close ends the use of the gate; its connections have been released before.
	Close()
}

// late is how long a slot may be used after its time: timers are late by a millisecond,
// and a busy machine by more. skew is how much the clocks of two senders may differ
// after their correction. Both make a window's messages fall into a longer one of the
// grid of slots, so the grid is wider by as much (see spacing).
const (
	late = 20 * time.Millisecond
	skew = 10 * time.Millisecond
)

// never is the spacing of slots when nothing may leave.
const never = time.Duration(1<<63 - 1)

// spacing is the time between the slots of two messages.
//
// A window of length w holds messages whose slots lie in a window of w+late+skew. With
// slots 1/rate apart that is more than rate·w+1. With (late+skew)·min(1, 1/rate) more
// between slots it isn't, for any w of a second or more, and for any w at all where the
// rate is below one per second; the price is at most 3 % of the rate.
func spacing(rate float64) time.Duration {
	const slack = float64(late + skew)
	switch {
	case !(rate > 0):
		return never
	case rate >= 1e9:
		return 0
	}
	d := float64(time.Second)/rate + slack*min(1, 1/rate)
	if d >= float64(never) {
		return never
	}
	return max(time.Duration(d), 1)
}
