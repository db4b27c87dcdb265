package ratelimit

import "time"

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
// three quarters of what a site takes; a cubic path back from 0.7 uses 92 % of it
// (§5.1). CUBIC's time to come back depends on the rate; ours is a minute, because
// sites count messages in minutes and a refusal costs a retry: one round of refusals a
// minute is few among hundreds of messages. From the
// floor to 80 messages per second it takes 12 minutes.
const (
	keep   = 0.7
	regain = time.Minute
	// epoch is the least time between two decreases: what was allowed before must have
	// left, and the other senders have heard (RFC 9438 §4.6: one decrease for each round
	// trip). A shared rate is reserved about a second ahead.
	epoch = 2 * time.Second
	// floorRate in messages per second is what refusals leave at least (or the limit, if
	// that is less): enough to notice that a site accepts mail again.
	floorRate = 0.2
	// forgotten is when a refusal says nothing any more: any rate has grown 400-fold.
	forgotten = 12 * regain
	// unlimited stands for a limit of more when a rate comes down from it.
	unlimited = 1000.0
)

// Pace is a rate that was taken down by a refusal.
type Pace struct {
	Peak float64   `json:"peak"` // the rate that was refused, in messages per second
	At   time.Time `json:"at"`
}

// rate is what may be sent per second at a time, from the floor up to the ceiling.
func (p Pace) rate(now time.Time, ceiling float64) float64 {
	if p.over(now) {
		return ceiling
	}
	t := max(float64(now.Sub(p.At))/float64(regain), 0) - 1
	return clampRate(p.Peak*(1+(1-keep)*t*t*t), ceiling)
}

// over reports whether the refusal no longer matters.
func (p Pace) over(now time.Time) bool { return p.At.IsZero() || now.Sub(p.At) >= forgotten }

// refused is the pace after a reply that asked for less. Replies to attempts that
// began before the last decrease change nothing, and neither do those within an epoch.
func (p Pace) refused(now time.Time, ceiling float64, began time.Time) (Pace, bool) {
	if ceiling <= 0 || !p.At.IsZero() && (now.Sub(p.At) < epoch || !began.After(p.At)) {
		return p, false
	}
	return Pace{Peak: min(p.rate(now, ceiling), unlimited), At: now}, true
}

// clampRate keeps a rate between the floor and the ceiling; a ceiling below the floor
// is the operator's will.
func clampRate(rate, ceiling float64) float64 { return min(max(rate, floorRate), ceiling) }
