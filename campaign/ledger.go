package campaign

import (
	"fmt"
	"time"
)

// State is where a recipient of a run stands. Every recipient is in exactly one
// state at every moment, so that
//
//	planned = accepted + bounced + deferred + skipped + cancelled + unknown + waiting
//
// holds at every moment. The numbers are stored: never renumber them.
type State uint8

// The states of a recipient.
const (
	// Waiting: not tried yet; not planned, in the queue, or in a sender's hands.
	Waiting State = 0
	// Accepted: the receiving server answered 2yz to the final dot.
	Accepted State = 1
	// Deferred: tried without success, and a retry is scheduled.
	Deferred State = 2
	// Bounced: refused for good, or given up after too long.
	Bounced State = 3
	// Unknown: the connection broke between the final dot and its reply, and the
	// campaign's policy is to hold rather than to send again (RFC 5321 §4.5.4.1
	// leaves the sender no way to tell).
	Unknown State = 4
	// Skipped: never tried, for a Reason (suppressed, merge failed, …).
	Skipped State = 5
	// Cancelled: the run was cancelled before the recipient was reached.
	Cancelled State = 6
)

var stateNames = [...]string{"waiting", "accepted", "deferred", "bounced", "unknown", "skipped", "cancelled"}

func (s State) String() string {
	if int(s) < len(stateNames) {
		return stateNames[s]
	}
	return fmt.Sprintf("state(%d)", uint8(s))
}

// Final reports whether nothing more will be tried for the recipient.
func (s State) Final() bool { return s != Waiting && s != Deferred }

// Reason says why a recipient is in its state, in a word that a person can act on.
// The numbers are stored: append, never renumber.
type Reason uint8

// The reasons.
const (
	NoReason           Reason = 0
	UserUnknown        Reason = 1  // the mailbox does not exist
	DomainUnknown      Reason = 2  // the domain does not exist or takes no mail (null MX)
	MailboxFull        Reason = 3  // over quota
	Greylisted         Reason = 4  // "try again later" to a first contact
	RateLimited        Reason = 5  // the site wants less or slower
	Blocked            Reason = 6  // our address or domain is on a block list
	PolicyRejected     Reason = 7  // content or policy refused
	AuthRejected       Reason = 8  // SPF, DKIM, DMARC, PTR or TLS demanded
	HostUnreachable    Reason = 9  // no server answered
	TimedOut           Reason = 10 // a server stopped answering
	ConnectionLost     Reason = 11 // closed by the peer before a reply
	TLSFailed          Reason = 12 // required encryption could not be had
	TooLarge           Reason = 13 // over the server's SIZE
	ServerBusy         Reason = 14 // 4yz without a better reason
	Refused            Reason = 15 // 5yz without a better reason
	ProtocolError      Reason = 16 // the server does not speak SMTP
	GivenUp            Reason = 17 // deferred for longer than the give-up age
	Suppressed         Reason = 18 // on the suppression list
	Unsubscribed       Reason = 19 // left every list the campaign is sent to
	MergeFailed        Reason = 20 // a merge field has no value and no default
	Erased             Reason = 21 // the contact was erased after the snapshot
	AddressUnsupported Reason = 22 // needs SMTPUTF8, the server has none
	InternalFailure    Reason = 23 // our own machinery failed
	DNSFailed          Reason = 24 // the resolver could not answer
	PossiblyAccepted   Reason = 25 // lost after the final dot: may have arrived
	AwaitingTurn       Reason = 26 // the site is full of other mail of ours: no attempt was made
	SourceWarming      Reason = 27 // the day's allowance of a new source is used up: no attempt was made
	ConsentLapsed      Reason = 28 // the consent was given for a time that is over
	NoSource           Reason = 29 // no sender has a source of the campaign's pool: no attempt was made
)

var reasonNames = [...]string{
	"", "user unknown", "domain unknown", "mailbox full", "greylisted", "rate limited",
	"blocked", "policy", "authentication", "host unreachable", "timed out",
	"connection lost", "TLS failed", "too large", "server busy", "refused",
	"protocol error", "given up", "suppressed", "unsubscribed", "merge failed",
	"erased", "address unsupported", "internal failure", "DNS failed", "possibly accepted", "awaiting its turn", "source warming up", "consent lapsed", "no source of its pool",
}

func (r Reason) String() string {
	if int(r) < len(reasonNames) {
		return reasonNames[r]
	}
	return fmt.Sprintf("reason(%d)", uint8(r))
}

// Recipient names a ledger row: a contact in a run's audience snapshot.
type Recipient struct {
	Run     RunID
	Lane    Lane
	Contact ContactID
}

// Event is what became of one attempt (or of the decision not to make one).
//
// The recorder applies events in stream order. An event changes its row only if
// Attempt is greater than the attempts the row has recorded, and the row is
// Waiting or Deferred, or Cancelled while the event is a final outcome (the
// message was in flight when the run was cancelled) or PossiblyAccepted, which then is
// Unknown; and what is Unknown may still be Accepted. All other events are repetitions
// and change nothing.
type Event struct {
	Recipient
	Attempt  uint16 // 1 for the first try; a number in sequence, not a charge
	State    State
	Reason   Reason
	Code     uint16    // SMTP reply code, 0 when there was no reply
	Enhanced string    // RFC 3463 code as sent, "" when none
	Reply    string    // the server's text, escaped and capped at 512 bytes
	Host     string    // MX host and address that answered, "" when none
	At       time.Time // when the outcome was known
	Due      time.Time // Deferred only: when the retry is scheduled
	// Resent: the job was delivered to a sender before and nobody knows whether
	// that sender got as far as the final dot; a second copy may have been sent.
	Resent bool
}

// Row is a recipient's line in the ledger.
type Row struct {
	Recipient
	State    State
	Reason   Reason
	Attempts uint16 // attempts recorded so far
	Code     uint16
	Enhanced string
	Reply    string
	At       time.Time // of the last event; zero while nothing happened
	Due      time.Time // Deferred only
	Resent   bool
	// Variant is what the recipient gets in an A/B test; NoVariant in a run without one,
	// and for those who get its winner.
	Variant Variant
}

// Attempt is one line of a recipient's history (kept for every attempt that was
// not simply accepted).
type Attempt struct {
	Number   uint16
	State    State
	Reason   Reason
	Code     uint16
	Enhanced string
	Reply    string
	Host     string
	At       time.Time
}

// Counts is the balance of a run, or of a part of it.
type Counts struct {
	Planned   int64 `json:"planned"`
	Accepted  int64 `json:"accepted"`
	Bounced   int64 `json:"bounced"`
	Deferred  int64 `json:"deferred"`
	Skipped   int64 `json:"skipped"`
	Cancelled int64 `json:"cancelled"`
	Unknown   int64 `json:"unknown"`
	Waiting   int64 `json:"waiting"`
	// Resent counts recipients who may have received two copies because a sender
	// died with their job in hand; it is not a term of the balance.
	Resent int64 `json:"resent"`
}

// Add adds n recipients in state s, to the balance's term and to Planned.
func (c *Counts) Add(s State, n int64) {
	c.Planned += n
	switch s {
	case Waiting:
		c.Waiting += n
	case Accepted:
		c.Accepted += n
	case Deferred:
		c.Deferred += n
	case Bounced:
		c.Bounced += n
	case Unknown:
		c.Unknown += n
	case Skipped:
		c.Skipped += n
	case Cancelled:
		c.Cancelled += n
	}
}

// Open is how many recipients may still change: a run is finished when it is 0.
func (c Counts) Open() int64 { return c.Waiting + c.Deferred }

// Balanced reports whether the ledger equation holds.
func (c Counts) Balanced() bool {
	return c.Planned == c.Accepted+c.Bounced+c.Deferred+c.Skipped+c.Cancelled+c.Unknown+c.Waiting
}

// LaneCount is how many recipients of a run's lane are in a state for a reason.
type LaneCount struct {
	Lane   Lane
	State  State
	Reason Reason
	N      int64
}
