package campaign

import (
	"fmt"
	"time"
)

// FeedbackKind is what came of a message after it was sent, or of one that was refused,
// as far as it says something about the recipient. The numbers are stored: never
// renumber them.
type FeedbackKind uint8

// The kinds.
const (
	// SoftBounce: not delivered for a reason that is the mailbox's and may pass, such as
	// its being full.
	SoftBounce FeedbackKind = 1
	// HardBounce: the mailbox or its domain is gone.
	HardBounce FeedbackKind = 2
	// Refusal: not delivered for what we sent or who we are; it says nothing about the
	// person.
	Refusal FeedbackKind = 3
	// Complaint: the recipient called the message spam.
	Complaint FeedbackKind = 4
	// NoDomain: DNS knew no such domain when the message was to be sent. That may be a
	// slip of the domain's owner: only a second look, a day later, tells that it is gone.
	NoDomain FeedbackKind = 5
	// Unsubscription: the recipient left lists by the link of the message. It is theirs to
	// do, and says nothing bad about anybody.
	Unsubscription FeedbackKind = 6
)

var feedbackNames = [...]string{"", "soft bounce", "hard bounce", "refusal", "complaint", "no such domain", "unsubscription"}

func (k FeedbackKind) String() string {
	if int(k) < len(feedbackNames) {
		return feedbackNames[k]
	}
	return fmt.Sprintf("feedback(%d)", uint8(k))
}

// Feedback is what one message's recipient, or their mail system, told us. It counts
// once for each run, contact and kind, however often it is told.
type Feedback struct {
	Recipient
	Kind   FeedbackKind
	Detail string // for people: the words of the server, or who reported
	At     time.Time
}

// Suppresses returns the reason that a piece of feedback puts the address on the
// suppression list by itself, "" when it does not.
func (k FeedbackKind) Suppresses() string {
	switch k {
	case HardBounce:
		return "bounced"
	case Complaint:
		return "complained"
	}
	return ""
}

// A domain that was not found is gone when it is not found again after GoneAfter; what
// was longer ago than GoneWithin was another trouble.
const (
	GoneAfter  = 24 * time.Hour
	GoneWithin = 90 * 24 * time.Hour
)

// SoftRule says when soft bounces add up to the end of an address: so many runs that
// bounced within a time. Zero Bounces: never.
type SoftRule struct {
	Bounces int
	Within  time.Duration
}

// DefaultSoftRule leaves a weekly newsletter a month and more until it gives a full
// mailbox up.
var DefaultSoftRule = SoftRule{Bounces: 5, Within: 60 * 24 * time.Hour}

// FeedbackCount is how much feedback of a kind came after the messages of a run's lane
// had been accepted.
type FeedbackCount struct {
	Lane Lane
	Kind FeedbackKind
	N    int64
}

// Gmail's lines for complaints, as shares of delivered mail: bulk senders should stay
// below the first and must never reach the second (support.google.com/a/answer/81126).
const (
	ComplaintsWatch = 0.001
	ComplaintsLimit = 0.003
)
