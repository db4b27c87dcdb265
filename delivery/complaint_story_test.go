package delivery_test

import (
	"bytes"
	"net/mail"
	"slices"
	"strings"
	"testing"

	"broadside/campaign"
	"broadside/campaign/token"
	"broadside/delivery"
	"broadside/delivery/smtptest"
	"broadside/dkim"
)

// M10, M12: every message says where complaints about it go, and Gmail what to count it
// under, both signed; the address alone names the recipient. An address that the
// signature doesn't speak for is not given.
func TestComplaintAddresses(t *testing.T) {
	tests := map[string]struct {
		domain, mailbox, want string
	}{
		"the sender's domain": {"", "", "c-TOKEN@example.org;"},
		"one below":           {"news.example.org", "", "c-TOKEN@news.example.org;"},
		"a mailbox":           {"example.org", "bounces", "bounces+c-TOKEN@example.org;"},
		"another's":           {"esp.example", "", ""},
		"a longer name":       {"notexample.org", "", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, setting{tune: func(c *delivery.Config) {
				c.Identity.ReturnPathDomain, c.Identity.ReturnPathMailbox = tt.domain, tt.mailbox
			}}, shop("shop", smtptest.Behaviour{}))
			key, err := dkim.Generate("example.org", "s1", dkim.Ed25519)
			w.ok(err)
			w.ok(w.config.Keys.Add(key))
			_, record := key.Record()
			w.people(1, "shop.example")
			run := w.launch(nil)
			w.engine()
			expect(t, w.finish(run), campaign.Counts{Planned: 1, Accepted: 1})
			sent := w.sim.Ledger().Messages()[0]
			m, err := mail.ReadMessage(bytes.NewReader(sent.Data))
			w.ok(err)
			want := strings.Replace(tt.want, "TOKEN", string(w.tokens.Append(nil, token.Complaint, int64(run.ID), 1)), 1)
			if want != "" {
				want += " report=arf"
			}
			if got := m.Header.Get("CFBL-Address"); got != want {
				t.Errorf("CFBL-Address %q, want %q", got, want)
			}
			if !strings.HasPrefix(sent.From, tt.mailbox) || m.Header.Get("Feedback-ID") == "" {
				t.Errorf("from %s, Feedback-ID %q", sent.From, m.Header.Get("Feedback-ID"))
			}
			found, err := dkim.Verify(sent.Data, func(string) ([]string, error) { return []string{record}, nil })
			if err != nil || len(found) != 1 || found[0].Err != nil {
				t.Fatalf("signature %+v, %v", found, err)
			}
			for _, field := range []string{"CFBL-Address", "Feedback-ID"} {
				if m.Header.Get(field) != "" && !slices.ContainsFunc(found[0].Headers, func(h string) bool { return strings.EqualFold(h, field) }) {
					t.Errorf("%s is not signed: %q", field, found[0].Headers)
				}
			}
		})
	}
}
