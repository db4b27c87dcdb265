package bounce

import (
	"os"
	"strings"
	"testing"

	"broadside/campaign"
)

const (
	unknown = campaign.UserUnknown
	none    = campaign.NoReason
)

// What each sample says, and whether it is the end of the address.
var samples = map[string]struct { // B1, B4, B5
	kind   Kind
	reason campaign.Reason
	code   int
	status string
	about  string
	hard   bool
}{
	"rfc3464-failed":       {Failed, unknown, 550, "5.1.1", "ann@example.net", true},
	"rfc6533-utf8":         {Failed, unknown, 550, "5.1.1", "jürgen@bücher.example", true},
	"rfc6533-xtext-base64": {Failed, unknown, 550, "5.2.1", `j\x{FC}rgen@example.net`, true},

	"postfix-user-unknown":  {Failed, unknown, 550, "5.1.1", "ann@example.net", true},
	"postfix-domain-gone":   {Failed, campaign.DomainUnknown, 0, "5.4.4", "ann@gone.example", true},
	"postfix-expired":       {Failed, campaign.TimedOut, 0, "4.4.1", "ann@example.net", false},
	"postfix-delayed":       {Delayed, campaign.ServerBusy, 450, "4.1.1", "ann@example.net", false},
	"postfix-plain-unknown": {Failed, unknown, 550, "", "ann@example.net", true},
	"postfix-plain-delayed": {Delayed, campaign.HostUnreachable, 0, "", "ann@example.net", false},

	"exim-plain-unknown":     {Failed, unknown, 550, "5.1.1", "ann@example.net", true},
	"exim-plain-unrouteable": {Failed, unknown, 0, "5.0.0", "ann@example.net", true},
	"exim-plain-warning":     {Delayed, campaign.Greylisted, 451, "4.7.1", "ann@example.net", false},
	"exim-dsn-full":          {Failed, campaign.MailboxFull, 552, "5.2.2", "ann@example.net", false},
	"sendmail-user-unknown":  {Failed, unknown, 550, "5.1.1", "ann@example.net", true},
	"sendmail-old-unknown":   {Failed, unknown, 550, "", "ann@example.net", true},
	"sendmail-warning":       {Delayed, campaign.ServerBusy, 0, "4.4.1", "ann@example.net", false},
	"qmail-unknown":          {Failed, unknown, 0, "5.1.1", "ann@example.net", true},
	"qmail-no-host":          {Failed, campaign.DomainUnknown, 0, "5.1.2", "ann@gone.example", true},
	"qmail-remote-full":      {Failed, campaign.MailboxFull, 552, "5.2.2", "ann@example.net", false},
	"courier-unknown":        {Failed, unknown, 550, "5.0.0", "ann@example.net", true},
	"courier-plain":          {Failed, unknown, 550, "", "ann@example.net", true},
	"domino-unknown":         {Failed, unknown, 0, "5.1.1", "ann@domino.example.com", true},
	"exchange55-unknown":     {Failed, unknown, 0, "5.0.0", "ann@corp.example.com", true},
	"exchange2003-unknown":   {Failed, unknown, 0, "5.1.1", "ann@corp.example.com", true},

	"microsoft-unknown":         {Failed, unknown, 550, "5.1.10", "ann@corp.example.com", true},
	"microsoft-edge-unknown":    {Failed, unknown, 550, "5.4.1", "ann@corp.example.com", true},
	"microsoft-text-only":       {Failed, unknown, 0, "5.1.1", "ann@corp.example.com", true},
	"microsoft-blocked":         {Failed, campaign.Blocked, 550, "5.7.1", "ann@outlook.example", false},
	"microsoft-unauthenticated": {Failed, campaign.AuthRejected, 550, "5.7.515", "ann@outlook.example", false},
	"gmail-unknown":             {Failed, unknown, 550, "5.1.1", "ann@gmail.example", true},
	"gmail-over-quota":          {Failed, campaign.MailboxFull, 552, "5.2.2", "ann@gmail.example", false},
	"gmail-rate":                {Failed, campaign.RateLimited, 550, "5.2.1", "ann@gmail.example", false},
	"gmail-old-plain":           {Failed, unknown, 550, "5.1.1", "ann@example.net", true},
	"gmail-delayed":             {Delayed, campaign.TimedOut, 0, "4.4.1", "ann@example.net", false},
	"yahoo-plain-unknown":       {Failed, unknown, 554, "", "ann@yahoo.example", true},
	"yahoo-dsn-disabled":        {Failed, unknown, 554, "5.0.0", "ann@yahoo.example", true},
	"ses-unknown":               {Failed, unknown, 550, "5.1.1", "ann@example.net", true},
	"mimecast-policy":           {Failed, campaign.PolicyRejected, 554, "5.0.0", "ann@example.net", false},
	"gateway-wrong-status":      {Failed, campaign.Blocked, 550, "5.1.1", "ann@example.net", false},
	"ironport-sender-rejected":  {Failed, campaign.AuthRejected, 553, "5.1.8", "ann@example.net", false},
	"orange-blocked":            {Failed, campaign.PolicyRejected, 550, "5.2.0", "ann@orange.example", false},

	"odd-no-blank-lines":       {Failed, unknown, 0, "5.1.1", "ann@example.net", true},
	"odd-alias-half-alive":     {Delivered, none, 0, "2.1.5", "ann.new@example.net", false},
	"odd-status-as-text":       {Failed, unknown, 550, "5.1.1", "ann@example.net", true},
	"odd-nested":               {Failed, unknown, 550, "5.1.1", "ann@example.net", true},
	"odd-cut-off":              {Failed, unknown, 550, "5.1.1", "ann@example.net", true},
	"odd-daemon-with-code":     {Failed, unknown, 550, "5.1.1", "ann@example.net", true},
	"success":                  {Delivered, none, 0, "2.0.0", "ann@example.net", false},
	"vacation-rfc3834":         {kind: AutoReply},
	"vacation-exchange":        {kind: AutoReply},
	"vacation-unix":            {kind: AutoReply},
	"autoreply-x-header":       {kind: AutoReply},
	"autoreply-ticket":         {kind: AutoReply},
	"receipt-deleted":          {kind: AutoReply},
	"vacation-subject-german":  {kind: AutoReply},
	"vacation-subject-chinese": {kind: AutoReply},

	"odd-daemon-without-code": {},
	"complaint-arf":           {kind: Complained},
	"person":                  {},
	"spam":                    {},
}

// B1, B4, B5: samples by hand, with all that is read out of each.
func TestSamples(t *testing.T) {
	files, err := os.ReadDir("testdata/samples")
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != len(samples) {
		t.Errorf("%d files, %d expectations", len(files), len(samples))
	}
	for _, f := range files {
		name := strings.TrimSuffix(f.Name(), ".eml")
		want, ok := samples[name]
		if !ok {
			t.Errorf("nobody says what is in %s", f.Name())
			continue
		}
		t.Run(name, func(t *testing.T) {
			got := Parse(sample(t, f.Name()))
			if got.Kind != want.kind || got.Reason != want.reason || got.Code != want.code || got.Status != want.status {
				t.Errorf("%s, %s, %d %q; want %s, %s, %d %q\n%s", got.Kind, got.Reason, got.Code, got.Status, want.kind, want.reason, want.code, want.status, got.Diagnostic)
			}
			if got.Recipient != want.about {
				t.Errorf("about %q, want %q", got.Recipient, want.about)
			}
			if got.Hard() != want.hard {
				t.Errorf("hard: %v", got.Hard())
			}
		})
	}
}
