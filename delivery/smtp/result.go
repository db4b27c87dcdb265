package smtp

import "fmt"

// Stage is the point of a session that a Result belongs to. It gives a reply its
// scope: RCPT speaks of the recipient, MAIL, DATA and the body of the message, all
// earlier ones of the host (RFC 5321 §4.2.5).
type Stage uint8

// The stages, in the order of a session.
const (
	Connect  Stage = iota // dialling
	Greeting              // waiting for 220
	Hello                 // EHLO or HELO
	StartTLS              // STARTTLS and the handshake, also of implicit TLS
	Auth
	Mail
	Rcpt
	Data // waiting for 354
	Body // the message by BDAT or after DATA, and the reply to it
	Idle // between transactions
)

var stageNames = [...]string{
	"connect", "greeting", "EHLO", "STARTTLS", "AUTH", "MAIL", "RCPT", "DATA", "body", "idle",
}

func (s Stage) String() string {
	if int(s) < len(stageNames) {
		return stageNames[s]
	}
	return fmt.Sprintf("stage(%d)", uint8(s))
}

// Failure says why there is no reply to go by.
type Failure uint8

// The failures. Those from TooLarge on are found before anything of the message is
// sent, and leave the session as it was; Cancelled doesn't.
const (
	None            Failure = iota
	Refused                 // the host refused the connection
	Unreachable             // no route, or no source address, to the host
	TimedOut                // a timer of Timeouts ran out
	Closed                  // the peer hung up, or the session was over already
	Malformed               // what came is not SMTP, or answers nothing we asked
	TLSFailed               // the handshake failed; another connection may do without, if Result.TLS is TLSNegotiation
	TLSUnavailable          // TLS is required and not offered, or refused just now
	AuthUnavailable         // no mechanism that may be used, or it failed at our end
	Forbidden               // the address guard refused to connect
	Cancelled               // the context was cancelled
	TooLarge                // larger than the server's SIZE (5.3.4)
	NeedsUTF8               // an address needs SMTPUTF8 (5.6.7)
	Needs8Bit               // the message needs 8BITMIME (5.6.3)
	Invalid                 // the message or an address is not fit for the wire: our own mistake
)

var failureNames = [...]string{
	"", "connection refused", "unreachable", "timed out", "connection closed",
	"protocol error", "TLS failed", "TLS unavailable", "authentication unavailable",
	"address forbidden", "cancelled", "message too large", "SMTPUTF8 not offered",
	"8BITMIME not offered", "invalid input",
}

func (f Failure) String() string {
	if int(f) < len(failureNames) {
		return failureNames[f]
	}
	return fmt.Sprintf("failure(%d)", uint8(f))
}

// Result is what became of an attempt: the server's reply at a stage, or the
// failure that took its place. Both are set where a reply led to the failure.
type Result struct {
	Stage   Stage
	Reply   Reply
	Failure Failure
	// Detail explains a Failure in one line that is safe to log; at most 512 bytes.
	Detail string
	// TLS says what TLSFailed or TLSUnavailable was about.
	TLS TLSFault
	// Handed tells that the last octet of the message had been given to the kernel.
	Handed bool
}

// OK reports a positive reply, or for the Idle stage that nothing has happened.
func (r Result) OK() bool {
	if r.Failure != None {
		return false
	}
	if r.Stage == Idle {
		return r.Reply.Code == 0
	}
	return r.Reply.Code/100 == 2
}

// MaybeAccepted reports that nobody can know whether the server took the message:
// all of it was sent, and the session ended before a reply that decides
// (RFC 5321 §4.5.4.1 leaves it to the client whether to send it again).
func (r Result) MaybeAccepted() bool { return r.Handed && r.Failure != None }

// String is the result in one line, safe to log.
func (r Result) String() string {
	s := r.Stage.String()
	if r.Failure != None {
		s += ": " + r.Failure.String()
		if r.Detail != "" {
			s += ": " + r.Detail
		}
	}
	if r.Reply.Code != 0 {
		s += ": " + r.Reply.String()
	}
	if r.MaybeAccepted() {
		s += " (the message may have been accepted)"
	}
	return s
}
