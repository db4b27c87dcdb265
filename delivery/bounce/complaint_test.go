package bounce

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"broadside/campaign/token"
)

// sealed is a token of ours for the run 7 and a contact.
func sealed(p token.Purpose, contact int64) string {
	return string(tokens.Append(nil, p, 7, contact))
}

// abuseReport is a feedback report (RFC 5965) about a message with a header.
func abuseReport(from, kind, reportFields, original string) []byte {
	return fmt.Appendf(nil, `From: <%s>
Subject: FW: The spring letter
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary="arf"

--arf
Content-Type: text/plain

This is an email abuse report.

--arf
Content-Type: message/feedback-report

Feedback-Type: %s
User-Agent: SomeGenerator/1.0
Version: 1
%s
--arf
Content-Type: message/rfc822

%s
Subject: The spring letter

user unknown
--arf--
`, from, kind, reportFields, original)
}

// B2: a complaint that is authentic suppresses at once, whichever trace of ours it has.
func TestComplaintSuppresses(t *testing.T) {
	own := "c-" + sealed(token.Complaint, 1) + "@news.example.org"
	tests := map[string]struct {
		to, fields, original string
	}{
		"to the CFBL-Address":           {own, "", "From: news@example.org"},
		"to a mailbox before it":        {"feedback+" + own, "", "From: news@example.org"},
		"to the return path":            {returnPath(7, 1), "", "From: news@example.org"},
		"by the return path":            {"fbl@news.example.org", "Original-Mail-From: <" + returnPath(7, 1) + ">", "To: redacted@example.com"},
		"by the Message-ID":             {"abuse@news.example.org", "", "Message-ID: <" + sealed(token.MessageID, 1) + "@example.org>"},
		"by the unsubscribe link":       {"fbl@news.example.org", "", "List-Unsubscribe: <https://example.org/u/" + sealed(token.Unsubscribe, 1) + ">"},
		"by the CFBL-Address, reported": {"postmaster@news.example.org", "", "CFBL-Address: " + own + "; report=arf"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := serve(t, DefaultLimits)
			s.hello(t).send(tt.to, abuseReport("feedback@isp.example", "abuse", tt.fields, tt.original), "250")
			if got := s.store.addresses(); got != "ann.1@example.com" {
				t.Fatalf("suppressed %q\n%s", got, s.log)
			}
			if e := s.store.suppressed[0]; e.Reason != "complained" || e.Detail != "abuse (reported by <feedback@isp.example>)" {
				t.Errorf("entry %+v", e)
			}
		})
	}
}

// B2: what is not authentic, not a complaint or not about us is logged alone.
func TestOtherReportsSuppressNobody(t *testing.T) {
	own := "c-" + sealed(token.Complaint, 1) + "@news.example.org"
	foreign := string(token.NewMaker(make([]byte, 32)).Append(nil, token.MessageID, 7, 1))
	tests := map[string]struct {
		to     string
		report []byte
		logged string
	}{
		"not signed":           {own, abuseReport("feedback@unsigned.example", "abuse", "", ""), "its sender did not sign it"},
		"signed by another":    {own, abuseReport("feedback@other.example", "abuse", "", ""), "its sender did not sign it"},
		"signed by a TLD":      {own, abuseReport("feedback@tld.example", "abuse", "", ""), "its sender did not sign it"},
		"without a sender":     {own, abuseReport("", "abuse", "", ""), "it has no sender"},
		"too long":             {own, append(abuseReport("feedback@isp.example", "abuse", "", ""), strings.Repeat("x\n", 300_000)...), "too long to be verified"},
		"no spam after all":    {own, abuseReport("feedback@isp.example", "not-spam", "", ""), "unrecognised"},
		"a DMARC failure":      {own, abuseReport("feedback@isp.example", "auth-failure", "", ""), "unrecognised"},
		"about no mail of us":  {"fbl@news.example.org", abuseReport("feedback@isp.example", "abuse", "Original-Mail-From: <x@example.net>", "Message-ID: <1@example.net>"), "mail for fbl"},
		"by a token not ours":  {"fbl@news.example.org", abuseReport("feedback@isp.example", "abuse", "", "Message-ID: <"+foreign+"@example.org>"), "mail for fbl"},
		"about another's run":  {"c-" + string(tokens.Append(nil, token.Complaint, 8, 1)) + "@news.example.org", abuseReport("feedback@isp.example", "abuse", "", ""), "there is no such recipient"},
		"a person's complaint": {"abuse@news.example.org", sample(t, "person.eml"), "mail for abuse"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := serve(t, DefaultLimits)
			s.hello(t).send(tt.to, tt.report, "250")
			if got := s.store.addresses(); got != "" {
				t.Errorf("suppressed %q", got)
			}
			if !strings.Contains(s.log.String(), tt.logged) {
				t.Errorf("not in the log: %q\n%s", tt.logged, s.log)
			}
		})
	}
}

// A complaint whose signature cannot be verified now comes again.
func TestComplaintWithoutDNSIsTemporary(t *testing.T) {
	s := serve(t, DefaultLimits)
	s.hello(t).send("c-"+sealed(token.Complaint, 1)+"@news.example.org", abuseReport("feedback@broken.example", "abuse", "", ""), "451 4.3.0")
	if got := s.store.addresses(); got != "" {
		t.Errorf("suppressed %q", got)
	}
}

// A network that is known needs no signature; complaints of long ago still count.
func TestComplaintOfKnownReporter(t *testing.T) {
	trust.Reporters = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	defer func() { trust.Reporters = nil }()
	s := serve(t, DefaultLimits)
	s.hello(t).send("c-"+sealed(token.Complaint, 3)+"@news.example.org", abuseReport("feedback@unsigned.example", "abuse", "", ""), "250")
	if got := s.store.addresses(); got != "ann.3@example.com" {
		t.Errorf("suppressed %q\n%s", got, s.log)
	}
}

// trust stands for DKIM: each sender's domain says who signed.
var trust = Trust{Signers: func(msg []byte) ([]string, error) {
	header, _ := cutFields(msg)
	switch header.get("from") {
	case "<feedback@isp.example>":
		return []string{"list.example", "isp.example"}, nil
	case "<feedback@other.example>":
		return []string{"isp.example", "er.example"}, nil
	case "<feedback@tld.example>":
		return []string{"example"}, nil
	case "<feedback@broken.example>":
		return nil, errors.New("no DNS")
	}
	return nil, nil
}}

// Whatever a report has in it, it names nobody but by a token of ours.
func FuzzComplaint(f *testing.F) {
	f.Add(abuseReport("feedback@isp.example", "abuse", "Original-Mail-From: <"+returnPath(7, 1)+">", "Message-ID: <"+sealed(token.MessageID, 1)+"@example.org>"))
	f.Add([]byte("Content-Type: message/feedback-report\n\nFeedback-Type: abuse\n"))
	f.Add([]byte("Content-Type: message/rfc822\n\nX-HmXmrOriginalRecipient: ann@example.com\n"))
	f.Fuzz(func(t *testing.T, msg []byte) {
		c := readContent(msg)
		who, ok := c.named(tokens)
		if ok {
			known := false
			for _, p := range []token.Purpose{token.Bounce, token.Complaint, token.MessageID, token.Unsubscribe} {
				known = known || bytes.Contains(bytes.ToLower(msg), tokens.Append(nil, p, int64(who.run), int64(who.contact)))
			}
			if !known && !bytes.Contains(bytes.ToLower(msg), []byte("base64")) && !bytes.Contains(msg, []byte("=")) {
				t.Errorf("named %+v", who)
			}
		}
		if r := c.read(); r.Kind == Complained && (r.Complaint == "" || len(r.Reporter) > 255) {
			t.Errorf("%+v", r)
		}
	})
}

// M15: a local part names a recipient only when it is one that we made.
func FuzzVERP(f *testing.F) {
	f.Add("b-" + sealed(token.Bounce, 1))
	f.Add("bounces+c-" + sealed(token.Complaint, 1))
	f.Add("b-")
	r := &Receiver{Tokens: tokens}
	f.Fuzz(func(t *testing.T, local string) {
		who, ok := r.target(local)
		if !ok {
			return
		}
		for prefix, p := range prefixes {
			if strings.HasSuffix(strings.ToLower(local), prefix+string(tokens.Append(nil, p, int64(who.run), int64(who.contact)))) {
				return
			}
		}
		t.Errorf("%q names %+v", local, who)
	})
}
