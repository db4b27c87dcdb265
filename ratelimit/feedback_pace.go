package ratelimit

import (
	"math"
	"sync"
	"time"
)

// The closed loop of a rate, after CUBIC, TCP's usual congestion control (RFC 9438):
// a reply that asks for less takes the rate down by a part, and time alone brings it
// back. It comes back fast at first, hardly moves near the rate that was refused, and
// goes beyond it ever faster when nobody objects:
//
//	rate(t) = peak · (1 + (1-keep) · (t/regain - 1)³)
//
// That is a function of time: a sender that learns of a refusal late, or starts again,
// comes to the same rate, and nothing is written while it grows.
//
// The constants: keep is RFC 9438's β (§4.6). Halving, as in classic TCP, would use
// three quarters of what a site takes; on the cubic path from keep·peak to the peak the
// mean is peak·(3+keep)/4, that is 92 %. CUBIC's time to come back depends on the rate;
// ours is a minute, because sites count messages in minutes and a refusal costs a
// retry: one round of refusals a minute is few among hundreds of messages. From the
// floor to 80 messages per second it takes 12 minutes.
const (
	keep   = 0.7
	regain = time.Minute
	// epoch is the least time between two decreases: what was allowed before must have
	// left, and the other senders have heard (RFC 9438 §4.6: one decrease for each round
	// trip). A shared rate is reserved about half a second ahead.
	epoch = 2 * time.Second
	// While a site refuses everything its window is full, and no rate is low enough until
	// the next one begins. Then the rate is halved after an epoch, two, four and so on, up
	// to epoch<<patience, until one message is taken; from there it starts as after any
	// decrease, with the peak lowered by fade for each halving.
	patience = 4
	fade     = 0.9
	// deepest is how far one decrease may go, and evidence how many replies it takes for
	// more than the usual part: a site that took a tenth of the messages will not take
	// seven tenths. (TCP Westwood sets its window by what was delivered, likewise.)
	deepest, evidence = 0.1, 10
	// floorRate in messages per second is what refusals leave at least (or the limit, if
	// that is less): enough to notice that a site accepts mail again.
	floorRate = 0.2
	// forgotten is when a refusal says nothing any more: any rate has grown 400-fold.
	forgotten = 12 * regain
	// unlimited stands for a rate without limit when it comes down.
	unlimited = 1000.0
)

// Pace is a rate that was taken down by a refusal.
type Pace struct {
	Peak float64   `json:"peak"` // the rate that was refused, in messages per second
	At   time.Time `json:"at"`
	// Closed is how often it was halved since, because nothing at all was accepted.
	Closed int `json:"closed,omitempty"`
}

// rate is what may be sent per second at a time, from the floor up to the ceiling.
func (p Pace) rate(now time.Time, ceiling float64) float64 {
	if p.over(now) {
		return ceiling
	}
	if p.Closed > 0 {
		return clampRate(math.Ldexp(p.Peak*keep, -p.Closed), ceiling)
	}
	t := max(float64(now.Sub(p.At))/float64(regain), 0) - 1
	return clampRate(p.Peak*(1+(1-keep)*t*t*t), ceiling)
}

// over reports whether the refusal no longer matters.
func (p Pace) over(now time.Time) bool { return p.At.IsZero() || now.Sub(p.At) >= forgotten }

// refused is the pace after a reply that asked for less; seen is what came of the
// attempts since the last decrease. Replies to attempts that began before that change
// nothing, and neither do those within an epoch.
func (p Pace) refused(now time.Time, ceiling float64, began time.Time, seen replies) (Pace, bool) {
	if ceiling <= 0 {
		return p, false
	}
	if p.At.IsZero() {
		return Pace{Peak: finite(p.rate(now, ceiling)), At: now}, true
	}
	if !began.After(p.At) || now.Sub(p.At) < epoch<<min(p.Closed, patience) {
		return p, false
	}
	if seen.since.Equal(p.At) && seen.accepted == 0 {
		return Pace{Peak: p.Peak * fade, At: now, Closed: p.Closed + 1}, true
	}
	peak := finite(p.rate(now, ceiling))
	if all := seen.accepted + seen.refused; seen.since.Equal(p.At) && all >= evidence {
		peak *= max(float64(seen.accepted)/float64(all), deepest)
	}
	return Pace{Peak: peak, At: now}, true
}

// opened is the pace after a message was accepted of a site that accepted none.
func (p Pace) opened(now, began time.Time) (Pace, bool) {
	if p.Closed == 0 || !began.After(p.At) {
		return p, false
	}
	return Pace{Peak: p.Peak, At: now}, true
}

// clampRate keeps a rate between the floor and the ceiling; a ceiling below the floor
// is the operator's will.
func clampRate(rate, ceiling float64) float64 { return min(max(rate, floorRate), ceiling) }

// finite is a rate to be divided, and written: JSON has no infinity.
func finite(rate float64) float64 {
	if math.IsInf(rate, 1) {
		return unlimited
	}
	return rate
}

// replies counts what came of attempts that began after a decrease.
type replies struct {
	since             time.Time // the decrease
	accepted, refused int
}

// tally counts the replies that this process got for a key. Each sender's sample is as
// good as another's, so they are not put together.
type tally struct {
	mu sync.Mutex
	replies
}

// add counts a reply, from a new beginning if there was a decrease meanwhile.
func (t *tally) add(decrease, began time.Time, accepted bool) replies {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.since.Equal(decrease) {
		t.replies = replies{since: decrease}
	}
	switch {
	case !began.After(decrease):
	case accepted:
		t.accepted++
	default:
		t.refused++
	}
	return t.replies
}
