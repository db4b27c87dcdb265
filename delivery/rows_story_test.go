package delivery_test

import (
	"strings"
	"testing"
	"time"

	"broadside/campaign"
	"broadside/campaign/message"
	"broadside/delivery/smtptest"
	"broadside/dkim"
)

// S15: 452, and 552 where no mailbox is meant, are about the transaction's recipients,
// and temporary.
func TestTooManyRecipientsIsTemporary(t *testing.T) {
	w := newWorld(t, setting{},
		shop("new", smtptest.Behaviour{Replies: []smtptest.Reply{{Stage: smtptest.AtRcpt, Code: 452, Text: "4.5.3 too many recipients", Times: 3}}}),
		shop("old", smtptest.Behaviour{Replies: []smtptest.Reply{{Stage: smtptest.AtRcpt, Code: 552, Text: "too many recipients", Times: 3}}}))
	w.people(10, "new.example")
	w.people(10, "old.example")
	run := w.launch(nil)
	w.engine()
	expect(t, w.finish(run), campaign.Counts{Planned: 20, Accepted: 20})
	for _, provider := range []string{"new", "old"} {
		if n := w.saw(provider).Transactions; n != 13 {
			t.Errorf("%s saw %d transactions, want 13: three were tried again", provider, n)
		}
	}
}

// S21: what is written in any language is 7-bit on the wire, so that its signature
// holds at a server that takes no more as well as at one that does.
func TestSignaturesHoldAtSevenBitServers(t *testing.T) {
	w := newWorld(t, setting{},
		shop("old", smtptest.Behaviour{No8BITMIME: true, NoSMTPUTF8: true, NoChunking: true}), shop("new", smtptest.Behaviour{}))
	key, err := dkim.Generate("example.org", "s1", dkim.RSA2048)
	w.ok(err)
	w.ok(w.config.Keys.Add(key))
	_, record := key.Record()
	w.people(5, "old.example")
	w.people(5, "new.example")
	run := w.launch(func(s *campaign.Spec) {
		s.Source = message.Source{
			From: "Büro <news@example.org>", Subject: "Grüße, 漢字", HTML: "<p>Schöne Grüße 🚀</p>", PostalAddress: "Straße 1, Köln",
		}
	})
	w.engine()
	expect(t, w.finish(run), campaign.Counts{Planned: 10, Accepted: 10})
	for _, m := range w.sim.Ledger().Messages() {
		if strings.ContainsFunc(string(m.Data), func(r rune) bool { return r > '~' }) || strings.Contains(m.Parameters, "8BITMIME") {
			t.Errorf("%s got more than 7 bits, MAIL with %q", m.Provider, m.Parameters)
		}
		found, err := dkim.Verify(m.Data, func(string) ([]string, error) { return []string{record}, nil })
		if err != nil || len(found) != 1 || found[0].Err != nil {
			t.Errorf("at %s the signature is %+v, %v", m.Provider, found, err)
		}
	}
}

// S25: a server that takes three messages in a session, and says so, is never asked for
// a fourth; values that are none are passed over.
func TestMailMaxEndsASession(t *testing.T) {
	s := setting{}
	s.limits.Connections = 1
	w := newWorld(t, s,
		shop("three", smtptest.Behaviour{Extensions: []string{"LIMITS MAILMAX=3"}, MessagesPerConnection: 3, MessagesReply: "451 4.5.3 not a fourth"}),
		shop("odd", smtptest.Behaviour{Extensions: []string{"LIMITS MAILMAX=0 RCPTMAX=x"}}))
	w.people(12, "three.example")
	w.people(12, "odd.example")
	run := w.launch(nil)
	w.engine()
	expect(t, w.finish(run), campaign.Counts{Planned: 24, Accepted: 24})
	saw := w.saw("three")
	if saw.Connections != 4 || saw.Transactions != 12 || len(saw.Rejected) != 0 {
		t.Errorf("12 messages in %d connections and %d transactions, refused %v; want 4, 12, none", saw.Connections, saw.Transactions, saw.Rejected)
	}
	if n := w.saw("odd").Connections; n > 2 {
		t.Errorf("%d connections to a server that limits nothing", n)
	}
}

// S12: 521 says that a host takes no mail, 556 that a domain does not: no message is
// begun with the one, and the other is permanent.
func TestHostsThatTakeNoMail(t *testing.T) {
	w := newWorld(t, setting{},
		shop("never", smtptest.Behaviour{Replies: []smtptest.Reply{{Stage: smtptest.AtConnect, Code: 521, Text: "5.3.2 no mail here"}}}),
		shop("gone", smtptest.Behaviour{Replies: []smtptest.Reply{{Stage: smtptest.AtRcpt, Code: 556, Text: "5.1.10 the domain takes no mail"}}}))
	w.people(1, "never.example")
	w.people(3, "gone.example")
	run := w.launch(func(s *campaign.Spec) { s.GiveUp = campaign.Duration(time.Minute) })
	w.engine()
	w.eventually("the refused are bounced", func() bool { return w.counts(run).Bounced >= 3 })
	for _, row := range w.rows(run, campaign.Bounced) {
		if strings.HasSuffix(row.Email, "gone.example") && (row.Code != 556 || row.Attempts != 1) {
			t.Errorf("%s: code %d after %d attempts", row.Email, row.Code, row.Attempts)
		}
	}
	if saw := w.saw("never"); saw.Transactions != 0 || saw.Connections == 0 {
		t.Errorf("%d connections, %d transactions with a host that takes no mail", saw.Connections, saw.Transactions)
	}
	w.agree(run)
}
