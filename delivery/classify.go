package delivery

import (
	"strings"

	"broadside/campaign"
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

// classify says what a result means. The reply code alone decides whether a refusal
// is temporary; the enhanced code and the text, which providers use as they please,
// only give the reason (S23).
func classify(r smtp.Result) verdict {
	switch {
	case r.OK():
		return verdict{state: campaign.Accepted}
	case r.MaybeAccepted():
		return verdict{state: campaign.Deferred, reason: campaign.PossiblyAccepted}
	case r.Failure != smtp.None:
		return classifyFailure(r)
	}
	reason := reasonOf(r.Reply)
	v := verdict{state: campaign.Deferred, reason: reason, throttle: reason == campaign.RateLimited}
	aboutHost := r.Stage < smtp.Mail || r.Stage == smtp.Idle || r.Reply.Code == 421
	switch {
	case aboutHost:
		// Also a 5yz greeting: the host may let us in another day (RFC 7504 §3 is the
		// exception, and the MX look-up's business).
		v.hosts = true
		if v.reason == campaign.Refused {
			v.reason = campaign.Blocked
		}
	case r.Reply.Code/100 == 5 && !tooManyRecipients(r):
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
// (RFC 5321 §4.5.3.1.10).
func tooManyRecipients(r smtp.Result) bool {
	return r.Stage == smtp.Rcpt && r.Reply.Code == 552 && reasonOf(r.Reply) != campaign.MailboxFull
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
		v.hosts = r.Stage < smtp.Mail
	default:
		v.hosts = true
	}
	return v
}

// clue is a word in a reply that gives its reason away; lower case.
type clue struct {
	reason campaign.Reason
	words  []string
}

// clues are looked for in this order: the first that a reply contains gives the
// reason. Each stands for wording that mailbox providers and MTAs document or send.
var clues = []clue{
	{campaign.Greylisted, []string{"greylist", "graylist", "grey-list", "gray-list"}},
	{campaign.RateLimited, []string{"unusual rate", "rate limit", "at a rate that", "too fast", "too many connections",
		"too many concurrent", "too many messages", "trop de connexions", "throttl", "4.7.28", "[ts0", "[tss", "[ipts",
		"rp-001", "rp-002", "rp-003", "4.7.650", "4.7.651", "hcm1", "temporarily deferred"}},
	{campaign.MailboxFull, []string{"mailbox full", "mailbox is full", "inbox is full", "over quota", "overquota",
		"quota exceeded", "exceeded storage", "out of storage", "insufficient storage", "4.2.2", "5.2.2"}},
	{campaign.DomainUnknown, []string{"5.1.2", "domain not found", "relay access denied", "relaying denied", "not a local domain"}},
	{campaign.UserUnknown, []string{"user unknown", "unknown user", "no such user", "does not exist", "doesn't exist",
		"doesn't have a", "user not found", "no such recipient", "unknown recipient", "recipient unknown",
		"invalid recipient", "no mailbox", "mailbox unavailable", "mailbox not found", "unknown mailbox",
		"no longer available", "account is disabled", "account has been disabled", "account disabled", "inactive",
		"5.1.1", "5.1.6", "5.2.1"}},
	{campaign.AuthRejected, []string{"spf", "dkim", "dmarc", "unauthenticated", "authentication", "ptr record", "reverse dns",
		"5.7.515", "5.7.23", "5.7.25", "5.7.26", "5.7.27", "5.7.30", "5.7.9"}},
	{campaign.Blocked, []string{"blocked", "block list", "blocklist", "blacklist", "black list", "spamhaus", "dnsbl",
		"s3140", "s3150", "banned", "reputation", "[bl2", "access denied"}},
	{campaign.TooLarge, []string{"5.3.4", "5.2.3", "message too large", "size limit", "exceeds size", "message size exceeds"}},
	{campaign.PolicyRejected, []string{"spam", "policy", "content", "unsolicited", "5.7.", "4.7.", "prohibited", "virus", "phish"}},
}

// reasonOf reads the reason of a refusal.
func reasonOf(reply smtp.Reply) campaign.Reason {
	text := strings.ToLower(reply.Enhanced + " " + reply.Text)
	for _, c := range clues {
		for _, w := range c.words {
			if strings.Contains(text, w) {
				return c.reason
			}
		}
	}
	if reply.Code/100 == 4 {
		return campaign.ServerBusy
	}
	return campaign.Refused
}
