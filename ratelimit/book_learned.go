package ratelimit

import (
	"math/rand/v2"
	"time"
)

// Learned is what was learned of one key. It is a value that names the key, and is
// made for each message or kept, as is convenient.
//
// The limits that its methods take are what the operator allows now for all senders
// together. They may differ from call to call: they are the ceiling.
type Learned struct {
	book *Book
	key  Key
}

// Key is what the learned is about.
func (l Learned) Key() Key { return l.key }

// Record is what is known; the zero Record if nothing is.
func (l Learned) Record() Record {
	if p := l.book.find(l.key); p != nil {
		return p.now()
	}
	return Record{}
}

// Allowed is what may be done now: the limits if nothing is known of the key.
func (l Learned) Allowed(now time.Time, limits Limits) Allowance {
	p := l.book.find(l.key)
	if p == nil {
		return Allowance{Rate: limits.Rate, Connections: limits.Connections}
	}
	r := p.record.Load()
	if r == nil {
		return Allowance{Rate: limits.Rate, Connections: limits.Connections}
	}
	return r.Allowed(now, limits)
}

// Throttled takes note of a reply that asked for less: the rate goes down, once for all
// replies of an epoch, or the probe has failed.
func (l Learned) Throttled(now time.Time, limits Limits, reply Reply) {
	now, reply.Began = plain(now), plain(reply.Began)
	p := l.book.page(l.key)
	seen := p.tally.add(p.now().Pace.At, reply.Began, false)
	l.book.change(l.key, func(r Record) (Record, bool) { return r.throttled(now, limits, reply, seen) })
}

// React counts a reply that a reaction knows, and acts when it is time to; a reply that
// also asks for less goes to Throttled first. Replies that all senders got count
// together.
func (l Learned) React(now time.Time, limits Limits, re Reaction, reply Reply) {
	now, reply.Began = plain(now), plain(reply.Began)
	id := rand.Uint64()
	l.book.change(l.key, func(r Record) (Record, bool) { return r.react(now, limits, re, reply, id) })
}

// Sent takes note of a message that was accepted, of an attempt that began at a time:
// a probe goes on, and the next decrease goes no further than need be. It costs a look
// when nothing is known of the key.
func (l Learned) Sent(now time.Time, limits Limits, began time.Time) {
	p := l.book.find(l.key)
	if p == nil {
		return
	}
	r := p.record.Load()
	if r == nil {
		return
	}
	now, began = plain(now), plain(began)
	if !r.Pace.At.IsZero() {
		p.tally.add(r.Pace.At, began, true)
	}
	if !r.Stop.probing(now) && r.Pace.Closed == 0 {
		return
	}
	l.book.change(l.key, func(r Record) (Record, bool) { return r.sent(now, limits, began) })
}

// Pause keeps mail away until a time, or until Resume if that is zero.
func (l Learned) Pause(p Pause) {
	p.Since, p.Until = plain(p.Since), plain(p.Until)
	l.book.change(l.key, func(r Record) (Record, bool) {
		if r.Pause == p {
			return r, false
		}
		r.Pause = p
		return r, true
	})
}

// Resume ends a pause.
func (l Learned) Resume() {
	l.book.change(l.key, func(r Record) (Record, bool) {
		if r.Pause == (Pause{}) {
			return r, false
		}
		r.Pause = Pause{}
		return r, true
	})
}

// Forget forgets what was learned; a pause stays, being a person's.
func (l Learned) Forget() {
	l.book.change(l.key, func(r Record) (Record, bool) {
		left := Record{Pause: r.Pause}
		return left, !r.same(left)
	})
}

// plain is a time as it comes back from the bucket: without the reading of a clock
// that other processes don't share.
func plain(t time.Time) time.Time { return t.UTC().Round(0) }
