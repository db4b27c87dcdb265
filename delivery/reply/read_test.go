package reply

import (
	"testing"

	"broadside/campaign"
)

// B5: the reason that a reply gives, and whether it is the end of the address.
func TestReason(t *testing.T) {
	tests := []struct {
		code     int
		enhanced string
		text     string
		want     campaign.Reason
		gone     bool
	}{
		{550, "5.1.1", "The email account that you tried to reach does not exist.", campaign.UserUnknown, true},
		{550, "5.1.1", "<x@example.com>: Recipient address rejected: User unknown in virtual mailbox table", campaign.UserUnknown, true},
		{550, "5.5.0", "Requested action not taken: mailbox unavailable", campaign.UserUnknown, true},
		{550, "5.4.1", "Recipient address rejected: Access denied.", campaign.UserUnknown, true},
		{550, "5.1.10", "RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup", campaign.UserUnknown, true},
		{554, "", "delivery error: dd This user doesn't have a yahoo.com account", campaign.UserUnknown, true},
		{550, "", "No such user here", campaign.UserUnknown, true},
		{0, "5.1.1", "", campaign.UserUnknown, true},
		{0, "5.1.10", "", campaign.DomainUnknown, true},
		{0, "5.4.4", "Host or domain name not found. Name service error for name=x.example type=MX: Host not found", campaign.DomainUnknown, true},

		// Temporary by one of the codes: not the end (S23).
		{450, "4.1.1", "User unknown in local recipient table", campaign.UserUnknown, false},
		{550, "4.1.1", "User unknown", campaign.UserUnknown, false},
		{0, "", "User unknown", campaign.UserUnknown, false},
		// What is said about the sender, though something is not found.
		{553, "5.1.8", "<b-x@news.example>... Domain of sender address b-x@news.example does not exist", campaign.AuthRejected, false},
		{550, "5.1.8", "<b-x@news.example>: Sender address rejected: Domain not found", campaign.AuthRejected, false},
		{550, "5.7.1", "Client host rejected: cannot find your hostname, [192.0.2.1]", campaign.AuthRejected, false},
		{550, "", "Sender verify failed", campaign.AuthRejected, false},
		{550, "", "The SPF record of news.example does not exist", campaign.AuthRejected, false},
		{550, "", "Blocked: see https://check.spamhaus.org; mailbox unavailable", campaign.Blocked, false},
		// Words before codes: gateways put 5.1.1 on whatever they refuse.
		{550, "5.1.1", "Service unavailable; client [185.1.1.20] blocked using zen.spamhaus.org", campaign.Blocked, false},
		{550, "5.7.1", "Message refused by 185.1.1.20", campaign.PolicyRejected, false},
		{550, "5.7.1", "User unknown", campaign.UserUnknown, false},
		// Policy, authentication and reputation.
		{550, "5.7.26", "This mail has been blocked because the sender is unauthenticated.", campaign.AuthRejected, false},
		{550, "5.7.515", "Access denied, sending domain news.example doesn't meet the required authentication level.", campaign.AuthRejected, false},
		{550, "5.7.1", "Unfortunately, messages from [192.0.2.1] weren't sent. part of their network is on our block list (S3150).", campaign.Blocked, false},
		{554, "5.7.9", "Message not accepted for policy reasons.", campaign.PolicyRejected, false},
		{421, "4.7.0", "[TSS04] Messages from 192.0.2.1 temporarily deferred due to user complaints", campaign.RateLimited, false},
		{421, "4.7.28", "Gmail has detected an unusual rate of unsolicited mail", campaign.RateLimited, false},
		{550, "5.2.1", "The user you are trying to contact is receiving mail at a rate that prevents additional messages", campaign.RateLimited, false},
		{554, "", "<x@example.com>: Relay access denied", campaign.PolicyRejected, false},
		{550, "5.2.0", "Mail rejete. Mail rejected. OFR_506 [506]", campaign.PolicyRejected, false},
		// The mailbox exists.
		{552, "5.2.2", "The email account that you tried to reach is over quota", campaign.MailboxFull, false},
		{552, "5.3.4", "Message size exceeds fixed limit", campaign.TooLarge, false},
		{450, "4.2.0", "Greylisted, see http://postgrey.example", campaign.Greylisted, false},
		{0, "4.4.1", "connect to mx.example[192.0.2.9]:25: Connection refused", campaign.HostUnreachable, false},
		{0, "4.4.1", "connect to mx.example[192.0.2.9]:25: Connection timed out", campaign.TimedOut, false},
		{0, "4.4.7", "", campaign.GivenUp, false},
		// No clue.
		{451, "", "", campaign.ServerBusy, false},
		{0, "4.3.0", "", campaign.ServerBusy, false},
		{554, "5.0.0", "Go away", campaign.Refused, false},
		{550, "", "xspfx b-qspf@news.example nospamcop", campaign.Refused, false},
	}
	for _, tt := range tests {
		got := Reason(tt.code, tt.enhanced, tt.text)
		if got != tt.want {
			t.Errorf("Reason(%d %s %s) = %s, want %s", tt.code, tt.enhanced, tt.text, got, tt.want)
		}
		if gone := Gone(got, tt.code, tt.enhanced); gone != tt.gone {
			t.Errorf("Gone(%d %s %s) = %v", tt.code, tt.enhanced, tt.text, gone)
		}
	}
}
