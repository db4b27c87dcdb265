package delivery

import (
	"broadside/campaign"
	"broadside/delivery/reply"
	"broadside/delivery/smtp"
)

// verdict is what a result means.
type verdict struct {
	state  campaign.State // Accepted, Deferred or Bounced
	reason campaign.Reason
	// hosts: the result is about the host or the connection, not about the message;
	// it is nobody's outcome, and the message is tried again (RFC 5321 §4.2.5).
	hosts bool
	// throttle: the site wants less.
	throttle bool
}

// classify says what a result at a provider, "" for one that is not known, means. The reply code alone decides whether a refusal
// is temporary; the enhanced code and the text, which providers use as they please,
// only give the reason (S23).
func classify(provider string, r smtp.Result) verdict {
	switch {
	case r.OK():
		return verdict{state: campaign.Accepted}
	case r.MaybeAccepted():
		return verdict{state: campaign.Deferred, reason: campaign.PossiblyAccepted}
	case r.Failure != smtp.None:
		return classifyFailure(r)
	}
	said := reply.Read(provider, r.Reply.Code, r.Reply.Enhanced, r.Reply.Text)
	v := verdict{state: campaign.Deferred, reason: said.Reason, throttle: said.Reason == campaign.RateLimited}
	aboutHost := r.Stage < smtp.Mail || r.Stage == smtp.Idle || r.Reply.Code == 421
	switch {
	case aboutHost:
		// Also a 5yz greeting: the host may let us in another day (RFC 7504 §3 is the
		// exception, and the MX look-up's business).
		v.hosts = true
		switch {
		case v.reason == campaign.Refused && r.Stage == smtp.Auth:
			v.reason = campaign.AuthRejected
		case v.reason == campaign.Refused:
			v.reason = campaign.Blocked
		}
	case r.Reply.Code/100 == 5 && !tooManyRecipients(r, said.Reason):
		v.state = campaign.Bounced
	case v.reason == campaign.Refused:
		v.reason = campaign.ServerBusy
	}
	// "Too fast for this mailbox" is about the recipient.
	if r.Stage == smtp.Rcpt && r.Reply.Code != 421 {
		v.throttle = false
	}
	return v
}

// tooManyRecipients: 452, and by older servers 552, mean "in this transaction"
// (RFC 5321 §4.5.3.1.10), unless the words say something else of the recipient.
func tooManyRecipients(r smtp.Result, reason campaign.Reason) bool {
	return r.Stage == smtp.Rcpt && r.Reply.Code == 552 && reason == campaign.Refused
}

var failureReasons = map[smtp.Failure]campaign.Reason{
	smtp.Refused:         campaign.HostUnreachable,
	smtp.Unreachable:     campaign.HostUnreachable,
	smtp.TimedOut:        campaign.TimedOut,
	smtp.Closed:          campaign.ConnectionLost,
	smtp.Malformed:       campaign.ProtocolError,
	smtp.TLSFailed:       campaign.TLSFailed,
	smtp.TLSUnavailable:  campaign.TLSFailed,
	smtp.AuthUnavailable: campaign.AuthRejected,
	smtp.Forbidden:       campaign.HostUnreachable,
	smtp.TooLarge:        campaign.TooLarge,
	smtp.NeedsUTF8:       campaign.AddressUnsupported,
	smtp.Needs8Bit:       campaign.InternalFailure,
	smtp.Invalid:         campaign.InternalFailure,
	smtp.Cancelled:       campaign.ConnectionLost,
}

func classifyFailure(r smtp.Result) verdict {
	v := verdict{state: campaign.Deferred, reason: failureReasons[r.Failure]}
	switch r.Failure {
	case smtp.TooLarge, smtp.NeedsUTF8, smtp.Needs8Bit, smtp.Invalid, smtp.Forbidden:
		v.state = campaign.Bounced
	case smtp.TimedOut, smtp.Malformed:
		// In a transaction it may be this message that the server chokes on.
		v.hosts = r.Stage < smtp.Mail || r.Stage == smtp.Idle
	default:
		v.hosts = true
	}
	return v
}
