package ratelimit

import (
	"slices"
	"strings"
	"time"
)

// Record is all that is known of a key. It is a value: a change makes a new one, and
// what changes with time alone is computed when it is asked for.
type Record struct {
	// Pause is what a person has ordered. It leaves the rest as it is.
	Pause Pause `json:"pause,omitzero"`
	// Stop, Slow and Few are what reactions have ordered, each until its time.
	Stop Stop    `json:"stop,omitzero"`
	Slow RateCap `json:"slow,omitzero"`
	Few  ConnCap `json:"few,omitzero"`
	// Pace is what refusals have left of the rate.
	Pace Pace `json:"pace,omitzero"`
	// Fallback is what is left of a site's encryption.
	Fallback Fallback `json:"fallback,omitzero"`
	// Hits are replies that may yet make a reaction act, oldest first. They lie in one
	// list that is never changed in place.
	Hits []Hit `json:"hits,omitempty"`
	// Acted is when a reaction acted last: replies to attempts from before don't count.
	Acted time.Time `json:"acted,omitzero"`

	// Since is when the last change took something away, Why the reply that did it, and
	// Limits what was allowed then without it: for people.
	Since  time.Time `json:"since,omitzero"`
	Why    string    `json:"why,omitempty"`
	Limits Limits    `json:"limits,omitzero"`

	// Write tells one writing of the record from another.
	Write uint64 `json:"write,omitempty"`
}

// Pause keeps a site from getting mail.
type Pause struct {
	Since time.Time `json:"since"`
	Until time.Time `json:"until,omitzero"` // zero: until it is resumed
	Why   string    `json:"why,omitempty"`
}

func (p Pause) active(now time.Time) bool {
	return !p.Since.IsZero() && (p.Until.IsZero() || now.Before(p.Until))
}

// RateCap bounds the rate for a time.
type RateCap struct {
	Rate  float64   `json:"rate"` // messages per second
	Until time.Time `json:"until"`
}

// ConnCap bounds the connections for a time.
type ConnCap struct {
	Connections int       `json:"connections"`
	Until       time.Time `json:"until"`
}

// Hit is a reply that a reaction waits for.
type Hit struct {
	// ID tells the reply from others: one is counted once, also when the answer to its
	// first writing was lost and it is written again.
	ID       uint64    `json:"id,omitempty"`
	Reaction string    `json:"reaction"`
	At       time.Time `json:"at"`
	Until    time.Time `json:"until"` // when it no longer counts
}

// whyKept bounds the text of a reply, in bytes.
const whyKept = 300

// endless is when a pause without an end ends.
var endless = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)

// Paused reports whether a person's pause holds.
func (r Record) Paused(now time.Time) bool { return r.Pause.active(now) }

// Allowed is what a record leaves of the limits.
func (r Record) Allowed(now time.Time, l Limits) Allowance {
	a := Allowance{Until: r.Stop.Until, Rate: r.Pace.rate(now, l.Rate), Connections: l.Connections}
	if now.Before(r.Slow.Until) {
		a.Rate = min(a.Rate, r.Slow.Rate)
	}
	if now.Before(r.Few.Until) {
		a.Connections = min(a.Connections, r.Few.Connections)
	}
	if r.Stop.probing(now) {
		a.Connections = min(a.Connections, r.Stop.Connections)
	}
	if !now.Before(a.Until) {
		a.Until = time.Time{}
	}
	if !a.Until.IsZero() || a.Rate < l.Rate || a.Connections < l.Connections {
		a.Why = r.Why
	}
	if !r.Pause.active(now) {
		return a
	}
	a.Why = "paused by a person"
	if r.Pause.Why != "" {
		a.Why += ": " + r.Pause.Why
	}
	if end := r.Pause.Until; end.IsZero() {
		a.Until = endless
	} else if end.After(a.Until) {
		a.Until = end
	}
	return a
}

// spent reports whether nothing that the record says matters any more, and never will.
func (r Record) spent(now time.Time) bool {
	return !r.Pause.active(now) && r.Stop.over(now) && r.Pace.over(now) &&
		!now.Before(r.Slow.Until) && !now.Before(r.Few.Until) && !now.Before(r.Fallback.Until) &&
		!slices.ContainsFunc(r.Hits, func(h Hit) bool { return now.Before(h.Until) })
}

// empty reports whether the record says nothing at all.
func (r Record) empty() bool {
	return r.Pause.Since.IsZero() && r.Stop.From.IsZero() && r.Pace.At.IsZero() &&
		r.Slow.Until.IsZero() && r.Few.Until.IsZero() && r.Fallback.Until.IsZero() && len(r.Hits) == 0
}

// same reports whether two records allow the same.
func (r Record) same(o Record) bool {
	return r.Pause == o.Pause && r.Stop == o.Stop && r.Slow == o.Slow && r.Few == o.Few && r.Pace == o.Pace && r.Fallback == o.Fallback
}

// took notes what took something away.
func (r Record) took(now time.Time, l Limits, why string) Record {
	l.Rate = finite(l.Rate)
	r.Since, r.Limits, r.Why = now, l, strings.ToValidUTF8(why[:min(len(why), whyKept)], "")
	return r
}

// throttled is the record after a reply that asked for less, and no reaction knows.
func (r Record) throttled(now time.Time, l Limits, reply Reply, seen replies) (Record, bool) {
	if r.Stop.probing(now) {
		return r.failed(now, l, reply)
	}
	pace, ok := r.Pace.refused(now, l.Rate, reply.Began, seen)
	if !ok {
		return r, false
	}
	r.Pace = pace
	return r.took(now, l, reply.Text), true
}
