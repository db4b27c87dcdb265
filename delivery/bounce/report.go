package bounce

import (
	"broadside/campaign"
	"broadside/delivery/reply"
)

// Kind is what a message to a return path is.
type Kind uint8

// The kinds.
const (
	Unrecognised Kind = iota // none of the others: a person's answer, junk
	AutoReply                // a machine answered for a person (RFC 3834)
	Delivered                // delivered, or passed on to where no reports come from
	Delayed                  // not delivered yet, and still being tried
	Failed                   // not delivered, and not tried any more
	Complained               // the recipient called it spam (RFC 5965)
)

var kindNames = [...]string{"unrecognised", "auto-reply", "delivered", "delayed", "failed", "complaint"}

func (k Kind) String() string { return kindNames[k] }

// Report is what a message says about the delivery of another. Only Kind, Reason,
// Code and Status are acted on, and only for the recipient that the return path
// names: the rest is what the reporter claims.
type Report struct {
	Kind   Kind
	Reason campaign.Reason // of Delayed and Failed
	Code   int             // SMTP code that the report quotes, 0 for none
	Status string          // RFC 3463 code; 5.0.0 for a failure without one
	// Diagnostic is what the refusing server said, printable and on one line, at most
	// 512 bytes.
	Diagnostic string
	Complaint  string // of Complained: the report's Feedback-Type
	Recipient  string // whom the reporter failed to reach: perhaps a forwarding address
	Reporter   string // the reporting MTA
}

// Hard reports whether the recipient's mailbox or domain is gone.
func (r Report) Hard() bool { return r.Kind == Failed && reply.Gone(r.Reason, r.Code, r.Status) }

// Feedback is what the report says about the recipient; false when it is nothing that
// anything follows from. Delayed is not failed.
func (r Report) Feedback() (campaign.FeedbackKind, bool) {
	switch r.Kind {
	case Failed:
		return reply.Verdict(r.Reason, r.Code, r.Status), true
	case Complained:
		return campaign.Complaint, true
	}
	return 0, false
}

// mild orders reports by what they would do to the recipient.
func (r Report) mild() int {
	if r.Hard() {
		return int(Failed) + 1
	}
	return int(r.Kind)
}
