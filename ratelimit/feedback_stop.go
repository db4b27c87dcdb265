package ratelimit

import "time"

// A stop with a probe is what Gmail's sender guidelines ask for after 4.7.28: no mail
// for ten minutes or more, then one connection; failure: ten minutes more; success: one
// connection more at a time.
const (
	// probeStep is the least time between two connections more: some dozens of messages
	// have then been taken on those that there are.
	probeStep = 10 * time.Second
	// probeKept is how long a probe without mail to try it waits.
	probeKept = 24 * time.Hour
	// stopMoves is how far a stop's end must move to be worth writing.
	stopMoves = time.Second
)

// Stop is a time without mail, and what comes after it.
type Stop struct {
	From  time.Time     `json:"from"`
	Until time.Time     `json:"until"`
	For   time.Duration `json:"for"`
	// Connections may be open after it; 0: all, the stop has no probe.
	Connections int `json:"connections,omitempty"`
	// Stepped is when they became so many.
	Stepped time.Time `json:"stepped,omitzero"`
}

// probing reports whether the stop has a probe that is not over. It goes on from the
// stop's beginning until there are as many connections as the limits allow.
func (s Stop) probing(now time.Time) bool {
	return s.Connections > 0 && now.Before(s.Until.Add(probeKept))
}

func (s Stop) over(now time.Time) bool { return !now.Before(s.Until) && !s.probing(now) }

// stopped is a stop from now on.
func stopped(now time.Time, d time.Duration, probe bool) Stop {
	s := Stop{From: now, Until: now.Add(d), For: d}
	if probe {
		s.Connections, s.Stepped = 1, s.Until
	}
	return s
}

// longer is the stop with its time counted from now: mail that was under way when it
// began has only now come to its end.
func (s Stop) longer(now time.Time) (Stop, bool) {
	until := now.Add(s.For)
	if until.Sub(s.Until) < stopMoves {
		return s, false
	}
	s.Until = until
	if s.Connections > 0 {
		s.Stepped = until
	}
	return s, true
}

// failed is the record after a failure while a stop with a probe holds: of mail that
// was under way, or of the probe itself.
func (r Record) failed(now time.Time, l Limits, reply Reply) (Record, bool) {
	if reply.Began.Before(r.Stop.Until) {
		var ok bool
		r.Stop, ok = r.Stop.longer(now)
		return r, ok
	}
	r.Stop = stopped(now, r.Stop.For, true)
	if r.Pace.Peak > 0 {
		r.Pace = Pace{Peak: r.Pace.Peak, At: r.Stop.Until}
	}
	r.Acted = now
	return r.took(now, l, reply.Text), true
}

// sent is the record after a success: of a site that accepted nothing before, of mail
// that was under way when a probe's stop began, or of the probe.
func (r Record) sent(now time.Time, l Limits, began time.Time) (Record, bool) {
	pace, opened := r.Pace.opened(now, began)
	r.Pace = pace
	if !r.Stop.probing(now) {
		return r, opened
	}
	if now.Before(r.Stop.Until) {
		var longer bool
		r.Stop, longer = r.Stop.longer(now)
		return r, longer || opened
	}
	if began.Before(r.Stop.Stepped) || now.Sub(r.Stop.Stepped) < probeStep && r.Stop.Connections > 1 {
		return r, opened
	}
	r.Stop.Connections++
	r.Stop.Stepped = now
	if r.Stop.Connections >= l.Connections {
		r.Stop = Stop{}
	}
	return r, true
}
