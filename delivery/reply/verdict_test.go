package reply

import (
	"testing"

	"broadside/campaign"
)

// B5: what is said of us never counts against a person, and what may pass never ends
// one by itself.
func TestVerdict(t *testing.T) {
	for _, tt := range []struct {
		reason   campaign.Reason
		code     int
		enhanced string
		want     campaign.FeedbackKind
	}{
		{campaign.UserUnknown, 550, "5.1.1", campaign.HardBounce},
		{campaign.DomainUnknown, 0, "5.1.2", campaign.HardBounce},
		{campaign.UserUnknown, 450, "4.1.1", campaign.SoftBounce},
		{campaign.UserUnknown, 550, "5.7.1", campaign.Refusal},
		{campaign.ServerBusy, 421, "4.7.0", campaign.Refusal},
		{campaign.MailboxFull, 552, "5.2.2", campaign.SoftBounce},
		{campaign.HostUnreachable, 0, "4.4.1", campaign.SoftBounce},
		{campaign.ServerBusy, 451, "4.3.2", campaign.SoftBounce},
		{campaign.Blocked, 550, "5.7.1", campaign.Refusal},
		{campaign.PolicyRejected, 554, "5.7.1", campaign.Refusal},
		{campaign.AuthRejected, 550, "5.7.26", campaign.Refusal},
		{campaign.RateLimited, 450, "4.7.28", campaign.Refusal},
		{campaign.Greylisted, 451, "4.7.1", campaign.Refusal},
		{campaign.TooLarge, 552, "5.3.4", campaign.Refusal},
		{campaign.Refused, 550, "5.0.0", campaign.Refusal},
		{campaign.TLSFailed, 0, "", campaign.Refusal},
		{campaign.InternalFailure, 0, "", campaign.Refusal},
	} {
		if got := Verdict(tt.reason, tt.code, tt.enhanced); got != tt.want {
			t.Errorf("%s after %d %s: %s, want %s", tt.reason, tt.code, tt.enhanced, got, tt.want)
		}
	}
}
