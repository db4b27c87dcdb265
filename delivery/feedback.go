package delivery

import (
	"broadside/campaign"
	"broadside/delivery/mx"
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
	kind := reply.Verdict(reason, int(e.Code), e.Enhanced)
	if e.Code == 0 && e.Enhanced == mx.NoDomain.Enhanced() {
		kind = campaign.NoDomain // no server said so: it is what our resolver found
	}
	return campaign.Feedback{
		Recipient: e.Recipient,
		Kind:      kind,
		Detail:    e.Reply,
		At:        e.At,
	}
}
