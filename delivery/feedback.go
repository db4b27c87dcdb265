package delivery

import (
	"broadside/campaign"
	"broadside/delivery/reply"
)

// FeedbackOf returns what the event that bounced a recipient says about the person:
// the ledger keeps it in the transaction of the event itself, so that it counts exactly
// once. What was given up is judged by its last reply.
func FeedbackOf(e *campaign.Event) campaign.Feedback {
	reason := e.Reason
	if reason == campaign.GivenUp && e.Code != 0 {
		reason = reply.Reason(int(e.Code), e.Enhanced, e.Reply)
	}
	return campaign.Feedback{
		Recipient: e.Recipient,
		Kind:      reply.Verdict(reason, int(e.Code), e.Enhanced),
		Detail:    e.Reply,
		At:        e.At,
	}
}
