package delivery

import (
	"math/rand/v2"
	"time"

	"broadside/campaign"
)

// RetryPolicy says when a deferred recipient is tried again: First after the first
// attempt, twice as long after each further one, at most Most, ±10 % so that a
// crowd deferred at once doesn't come back at once (RFC 5321 §4.5.4.1).
type RetryPolicy struct {
	First time.Duration // default 1 min
	Most  time.Duration // default 2 h
}

func (p RetryPolicy) withDefaults() RetryPolicy {
	if p.First == 0 {
		p.First = time.Minute
	}
	if p.Most == 0 {
		p.Most = 2 * time.Hour
	}
	return p
}

// delay is how long after an attempt (from 1) the next one is due.
func (p RetryPolicy) delay(attempt uint16) time.Duration {
	d := p.First
	for n := uint16(1); n < attempt && d < p.Most; n++ {
		d *= 2
	}
	d = min(d, p.Most)
	return d - d/10 + rand.N(d/5+1)
}

// jitter is some time between nothing and most, so that a crowd does not come at once.
func jitter(most time.Duration) time.Duration { return rand.N(most) }

// deferUntil records a deferral that is due after the policy's delay, or after the
// given one when it is longer.
func (s *Sender) deferUntil(it *item, e campaign.Event, atLeast time.Duration) {
	s.deferTo(it, e, e.At.Add(max(s.Retry.withDefaults().delay(it.Job.Attempt), atLeast)))
}

// deferTo records a deferral that is due at a time; or, when that would be beyond the
// campaign's give-up age, a bounce, and for who may have a copy already, that nobody
// knows.
func (s *Sender) deferTo(it *item, e campaign.Event, due time.Time) {
	if due.Sub(it.firstTried()) > s.contents.giveUp(contentOf(&it.Job)) {
		e.State, e.Reason = campaign.Bounced, campaign.GivenUp
		if e.Resent {
			// There was one attempt in doubt at least, and there will be no other.
			e.State, e.Reason, e.Resent = campaign.Unknown, campaign.PossiblyAccepted, it.resent
		}
		s.outcomes.add(it, e)
		return
	}
	e.State, e.Due = campaign.Deferred, due
	s.outcomes.add(it, e)
}
