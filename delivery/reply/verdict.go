package reply

import (
	"slices"

	"broadside/campaign"
)

// passing are the reasons that are the mailbox's, or its server's, and may pass.
var passing = []campaign.Reason{
	campaign.MailboxFull, campaign.UserUnknown, campaign.DomainUnknown, campaign.HostUnreachable,
	campaign.TimedOut, campaign.ConnectionLost, campaign.ServerBusy, campaign.DNSFailed, campaign.GivenUp,
}

// Verdict says what a message that was not delivered means for its recipient: B5. It
// is the person's end only when Gone says so; what is not clearly the mailbox's
// trouble, and whatever has a code of the policy class (X.7.y), is ours.
func Verdict(reason campaign.Reason, code int, enhanced string) campaign.FeedbackKind {
	switch {
	case Gone(reason, code, enhanced):
		return campaign.HardBounce
	case len(enhanced) > 3 && enhanced[1:4] == ".7.":
		return campaign.Refusal
	case slices.Contains(passing, reason):
		return campaign.SoftBounce
	}
	return campaign.Refusal
}
