package shaping

import (
	"cmp"
	"time"
)

// on is l with what it leaves out taken from below.
func (l limits) on(below limits) limits {
	return limits{
		Connections: cmp.Or(l.Connections, below.Connections),
		Messages:    cmp.Or(l.Messages, below.Messages),
		Rate:        cmp.Or(l.Rate, below.Rate),
		Idle:        cmp.Or(l.Idle, below.Idle),
		MaxAge:      cmp.Or(l.MaxAge, below.MaxAge),
		TLS:         cmp.Or(l.TLS, below.TLS),
	}
}

// over is what holds where l leaves out what r says.
func (l limits) over(r Rules) Rules {
	if l.Connections != nil {
		r.Connections = *l.Connections
	}
	if l.Messages != nil {
		r.MessagesPerConnection = *l.Messages
	}
	if l.Rate != nil {
		r.Rate = l.Rate.perSecond
	}
	if l.Idle != nil {
		r.Idle = l.Idle.Duration
	}
	if l.MaxAge != nil {
		r.MaxAge = l.MaxAge.Duration
	}
	if l.TLS != nil {
		r.TLS = l.TLS.demand
	}
	return r
}

// check finds values that are out of range; a rate has been checked when it was read.
func (l limits) check(f *file, at ...string) error {
	switch {
	case !count(l.Connections, 1000):
		return f.problem(append(at, "connections"), "%d: from 1 to 1000", *l.Connections)
	case !count(l.Messages, 100_000):
		return f.problem(append(at, "messages"), "%d: from 1 to 100000", *l.Messages)
	case !lasts(l.Idle, time.Second, 10*time.Minute):
		return f.problem(append(at, "idle"), "%s: from 1s to 10m", spanText(l.Idle.Duration))
	case !lasts(l.MaxAge, 10*time.Second, 24*time.Hour):
		return f.problem(append(at, "max_age"), "%s: from 10s to 24h", spanText(l.MaxAge.Duration))
	}
	return nil
}

// count: a number, if there is one, is from 1 to most.
func count(n *int, most int) bool { return n == nil || 1 <= *n && *n <= most }

// lasts: a time, if there is one, is in range.
func lasts(s *span, least, most time.Duration) bool {
	return s == nil || least <= s.Duration && s.Duration <= most
}
