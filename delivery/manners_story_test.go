package delivery_test

import (
	"log/slog"
	"testing"
	"time"

	"broadside/campaign"
	"broadside/delivery"
	"broadside/delivery/shaping"
	"broadside/delivery/smtptest"
)

// S26: a permanent refusal is never tried again, whatever the stage; a recipient is
// never asked about without a message; connections stay within their limit, which is
// nowhere near Microsoft's 500.
func TestAPermanentRefusalIsNotTriedAgain(t *testing.T) {
	outlook := smtptest.Provider{
		Name: "microsoft", Domains: []string{"outlook.com"}, MX: []string{"outlook-com.olc.protection.outlook.com"},
		Behaviour: smtptest.Behaviour{Latency: 5 * time.Millisecond, UnknownUser: 0.5, UnknownReply: "550 5.5.0 Requested action not taken: mailbox unavailable"},
	}
	s := setting{}
	s.limits.Connections = 8
	w := newWorld(t, s, outlook,
		shop("strict", smtptest.Behaviour{Replies: []smtptest.Reply{{Stage: smtptest.AtMail, Code: 550, Text: "5.1.8 bad sender"}}}),
		shop("picky", smtptest.Behaviour{Replies: []smtptest.Reply{{Stage: smtptest.AtBody, Code: 554, Text: "5.6.0 bad message"}}}),
		shop("lockstep", smtptest.Behaviour{NoPipelining: true, NoChunking: true, UnknownUser: 1}))
	w.people(400, "outlook.com")
	for _, domain := range []string{"strict.example", "picky.example", "lockstep.example"} {
		w.people(20, domain)
	}
	run := w.launch(nil)
	w.engine()
	c := w.finish(run)
	if c.Bounced < 200 || c.Accepted+c.Bounced != 460 {
		t.Errorf("the balance is %+v", c)
	}
	for _, row := range w.rows(run, campaign.Bounced) {
		if row.Attempts != 1 || row.Code/100 != 5 {
			t.Errorf("%s was tried %d times, code %d", row.Email, row.Attempts, row.Code)
		}
	}
	for provider, people := range map[string]int64{"microsoft": 400, "strict": 20, "picky": 20, "lockstep": 20} {
		if n := w.saw(provider).Transactions; n != people {
			t.Errorf("%s saw %d transactions for %d people", provider, n, people)
		}
	}
	if saw := w.saw("microsoft"); saw.PeakConnections > 8 {
		t.Errorf("%d connections at once, 8 are allowed", saw.PeakConnections)
	}
	if n := shaping.Builtin().Rules("microsoft", "").Connections; n > 500 {
		t.Errorf("%d connections to Microsoft are built in", n)
	}
}

// S27: a FIN after every fifth message, as Yahoo's servers send it, costs a connection
// and nothing else: the next one is opened at once, no pace is slowed, nobody is charged.
func TestAFINAfterSomeMessagesCostsNothing(t *testing.T) {
	yahoo := smtptest.Provider{
		Name: "yahoo", Domains: []string{"yahoo.com"}, MX: []string{"mta5.am0.yahoodns.net"},
		Behaviour: smtptest.Behaviour{MessagesPerConnection: 5, SilentClose: true},
	}
	var said lines
	s := setting{tune: func(c *delivery.Config) { c.Log = slog.New(&said) }}
	s.limits.Connections = 1
	w := newWorld(t, s, yahoo)
	w.people(300, "yahoo.com")
	run := w.launch(nil)
	w.engine()
	// On a busy machine the FIN may come while the next message is being written: then
	// nobody can know that it did not arrive.
	c := w.finish(run)
	if c.Accepted != 300 || c.Resent > 10 {
		t.Errorf("the balance is %+v", c)
	}
	if n := said.of("site left alone"); n > 0 {
		t.Errorf("the site was left alone %d times", n)
	}
	saw := w.saw("yahoo")
	if saw.Connections < 60 || saw.Connections > 62 || saw.Transactions != 300 || saw.Duplicates != 0 {
		t.Errorf("%d connections, %d transactions, %d copies too many; want 60, 300, 0", saw.Connections, saw.Transactions, saw.Duplicates)
	}
	for _, row := range w.rows(run, campaign.Accepted) {
		if (row.Attempts != 1) != row.Resent {
			t.Fatalf("%s: %d attempts, resent %v", row.Email, row.Attempts, row.Resent)
		}
	}
}

// S16: 10,000 jobs for a dead host cost a few dials, and their people wait for the next
// attempt or are given up in time.
func TestTenThousandJobsForADeadHost(t *testing.T) {
	w := newWorld(t, setting{retry: delivery.RetryPolicy{First: 2 * time.Minute, Most: 2 * time.Minute}},
		shop("dead", smtptest.Behaviour{Down: true}), shop("alive", smtptest.Behaviour{}))
	w.people(9_999, "dead.example")
	w.people(50, "alive.example")
	run := w.launch(func(s *campaign.Spec) { s.GiveUp = campaign.Duration(time.Minute) })
	w.engine()
	w.eventually("the others have their mail", func() bool { return w.saw("alive").Accepted == 50 })
	c := w.finish(run)
	expect(t, c, campaign.Counts{Planned: 10_049, Accepted: 50, Bounced: 9_999})
	if n := w.dials.Load(); n > 100 {
		t.Errorf("%d dials, most of them to a dead host", n)
	}
}
