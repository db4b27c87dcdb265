package store

import "broadside/campaign"

// line is what applying an event needs of a ledger row, and what it makes of it.
type line struct {
	state    campaign.State
	reason   campaign.Reason
	attempts uint16
	first    int64 // when the first event was, 0 before
	resent   bool

	last *campaign.Event // the last event that changed the row; nil when none did
}

// apply changes the line by an event, and reports false for a repetition: see
// campaign.Event.
func (l *line) apply(e *campaign.Event) bool {
	if e.Attempt <= l.attempts {
		return false
	}
	state := e.State
	if l.state == campaign.Cancelled && e.Reason == campaign.PossiblyAccepted {
		state = campaign.Unknown // there will be no retry to settle it
	}
	inFlight := l.state == campaign.Cancelled && state.Final() || l.state == campaign.Unknown && state == campaign.Accepted
	if l.state.Final() && !inFlight {
		return false
	}
	l.state, l.reason, l.attempts = state, e.Reason, e.Attempt
	l.resent = l.resent || e.Resent
	if l.first == 0 {
		l.first = millis(e.At)
	}
	l.last = e
	return true
}

// plain reports that nothing about an event is worth a line of history.
func plain(e *campaign.Event) bool {
	return e.State == campaign.Accepted && e.Reason == campaign.NoReason && !e.Resent
}

// written is a changed row as it is stored.
type written struct {
	campaign.Recipient
	state, reason   int16
	attempts        int32
	code            int16
	enhanced, reply int32
	at, due, first  int64
	resent          bool
}

// row is the line as it is stored. An accepted recipient's reply is not kept: every
// one is different.
func (l *line) row(replies *replyIDs) written {
	e := l.last
	w := written{
		Recipient: e.Recipient,
		state:     int16(l.state),
		reason:    int16(l.reason),
		attempts:  int32(l.attempts),
		code:      int16(e.Code),
		enhanced:  packEnhanced(e.Enhanced),
		at:        millis(e.At),
		first:     l.first,
		resent:    l.resent,
	}
	if l.state == campaign.Deferred {
		w.due = millis(e.Due)
	}
	if e.State != campaign.Accepted {
		w.reply = replies.id(e.Reply)
	}
	return w
}
