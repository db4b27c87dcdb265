package delivery_test

import (
	"bytes"
	"net/mail"
	"testing"
	"time"

	"broadside/campaign"
	"broadside/delivery"
	"broadside/delivery/shaping"
	"broadside/delivery/smtptest"
)

// S13: 421 at any stage closes the connection and is nobody's outcome: the message goes
// out over the next connection, as the first attempt.
func Test421IsChargedToNobody(t *testing.T) {
	for _, stage := range []smtptest.Stage{
		smtptest.AtConnect, smtptest.AtEHLO, smtptest.AtMail, smtptest.AtRcpt, smtptest.AtData, smtptest.AtBody,
	} {
		t.Run(string(stage), func(t *testing.T) {
			w := newWorld(t, setting{limits: shaping.Rules{Connections: 1}}, shop("tired", smtptest.Behaviour{
				NoChunking: stage == smtptest.AtData,
				Replies:    []smtptest.Reply{{Stage: stage, Code: 421, Text: "4.3.2 service shutting down", Times: 1}},
			}))
			w.people(5, "tired.example")
			run := w.launch(nil)
			w.engine()
			expect(t, w.finish(run), campaign.Counts{Planned: 5, Accepted: 5})
			for _, row := range w.rows(run, campaign.Accepted) {
				if row.Attempts != 1 {
					t.Errorf("%s needed %d attempts", row.Email, row.Attempts)
				}
			}
		})
	}
}

// S13: a 421, or a close, while the connection waits in the pool is normal.
func Test421WhileIdle(t *testing.T) {
	w := newWorld(t, setting{limits: shaping.Rules{Connections: 1, Idle: time.Minute}},
		shop("sleepy", smtptest.Behaviour{Idle: 300 * time.Millisecond}))
	w.list("readers", "anna@sleepy.example")
	w.list("later", "ben@sleepy.example")
	w.engine()
	first := w.launch(nil)
	expect(t, w.finish(first), campaign.Counts{Planned: 1, Accepted: 1})
	w.eventually("the server has hung up", func() bool { return w.saw("sleepy").Rejected[421] == 1 })
	second := w.launch(func(s *campaign.Spec) { s.Name, s.Lists = "later", []string{"later"} })
	expect(t, w.finish(second), campaign.Counts{Planned: 1, Accepted: 1})
	if row := w.only(second, campaign.Accepted); row.Attempts != 1 || row.Resent {
		t.Errorf("the message after the pause: %+v", row)
	}
	if n := w.saw("sleepy").Connections; n != 2 {
		t.Errorf("%d connections, want 2", n)
	}
}

// S27: a server that hangs up without a word after its messages per connection is
// well: a new connection at once, no penalty, nothing lost, nothing twice.
func TestASilentCloseAtTheCapIsNormal(t *testing.T) {
	w := newWorld(t, setting{limits: shaping.Rules{MessagesPerConnection: 1000}},
		shop("silent", smtptest.Behaviour{MessagesPerConnection: 5, SilentClose: true}))
	w.people(400, "silent.example")
	run := w.launch(nil)
	w.engine()
	c := w.finish(run)
	if c.Accepted != 400 || w.saw("silent").Duplicates > 0 {
		t.Errorf("the balance is %+v, %d copies too many", c, w.saw("silent").Duplicates)
	}
	if c.Resent > 0 {
		t.Errorf("%d people may have got two copies, it is said", c.Resent)
	}
	if n := w.saw("silent").Connections; n < 80 || n > 90 {
		t.Errorf("%d connections for 400 messages, 5 on each", n)
	}
}

// S17: the connection is lost after the final dot.
func TestLostAfterTheDotIsHeld(t *testing.T) {
	w := newWorld(t, setting{}, shop("lossy", smtptest.Behaviour{DropAfterDot: 1}))
	w.people(3, "lossy.example")
	run := w.launch(func(s *campaign.Spec) { s.OnUnknown = campaign.Hold })
	w.engine()
	expect(t, w.finish(run), campaign.Counts{Planned: 3, Unknown: 3})
	if saw := w.saw("lossy"); saw.Accepted != 3 || saw.Duplicates != 0 {
		t.Errorf("%d copies arrived, %d too many", saw.Accepted, saw.Duplicates)
	}
	for _, row := range w.rows(run, campaign.Unknown) {
		if row.Reason != campaign.PossiblyAccepted {
			t.Errorf("%s is unknown because of %q", row.Email, row.Reason)
		}
	}
}

func TestLostAfterTheDotIsSentAgainWithTheSameMessageID(t *testing.T) {
	w := newWorld(t, setting{}, shop("lossy", smtptest.Behaviour{DropAfterDot: 1}))
	w.people(3, "lossy.example")
	run := w.launch(nil)
	w.engine()
	// Of each person: somebody's second copy may come before another's first.
	w.eventually("the first copies arrive", func() bool {
		saw := w.saw("lossy")
		return saw.Accepted-saw.Duplicates >= 3
	})
	w.ok(w.sim.Set("lossy", smtptest.Behaviour{}))
	c := w.finish(run)
	if c.Accepted != 3 || c.Resent != 3 {
		t.Errorf("the balance is %+v, want 3 accepted and resent", c)
	}
	ids := map[string]map[string]int{}
	for _, m := range w.sim.Ledger().Messages() {
		parsed, err := mail.ReadMessage(bytes.NewReader(m.Data))
		w.ok(err)
		if ids[m.To[0]] == nil {
			ids[m.To[0]] = map[string]int{}
		}
		ids[m.To[0]][parsed.Header.Get("Message-Id")]++
	}
	for to, of := range ids {
		if len(of) != 1 {
			t.Errorf("%s got copies with the Message-IDs %v, want one", to, of)
		}
	}
	if n := w.saw("lossy").Duplicates; n < 3 {
		t.Errorf("%d second copies were recognised, want 3 at least", n)
	}
}

// S16: a dead host is not dialled for every recipient; others go on, and its people get
// their mail when it is back.
func TestADeadSiteCostsFewDials(t *testing.T) {
	w := newWorld(t, setting{retry: delivery.RetryPolicy{First: 3 * time.Second, Most: 3 * time.Second}},
		shop("dead", smtptest.Behaviour{Down: true}), shop("alive", smtptest.Behaviour{}))
	w.people(1000, "dead.example")
	w.people(200, "alive.example")
	run := w.launch(nil)
	w.engine()
	w.eventually("the others have their mail", func() bool { return w.saw("alive").Accepted == 200 })
	w.eventually("the dead site's people have been tried", func() bool { return w.counts(run).Deferred > 500 })
	if n := w.dials.Load(); n > 150 {
		t.Errorf("%d dials for 1,200 messages, 1,000 of them to a dead host", n)
	}
	w.ok(w.sim.Set("dead", smtptest.Behaviour{}))
	expect(t, w.finish(run), campaign.Counts{Planned: 1200, Accepted: 1200})
	if n := w.saw("").Duplicates; n != 0 {
		t.Errorf("%d copies too many", n)
	}
}

// A large site has a lane of its own, which waits instead of deferring.
func TestALargeSiteThatIsDownIsWaitedFor(t *testing.T) {
	google := smtptest.Provider{Name: "google", Domains: []string{"gmail.com"}, MX: []string{"gmail-smtp-in.l.google.com"}, Behaviour: smtptest.Behaviour{Down: true}}
	w := newWorld(t, setting{}, google, shop("alive", smtptest.Behaviour{}))
	w.people(1000, "gmail.com")
	w.people(200, "alive.example")
	run := w.launch(nil)
	w.engine()
	w.eventually("the others have their mail", func() bool { return w.saw("alive").Accepted == 200 })
	w.eventually("google was tried", func() bool { return w.dials.Load() > 4 })
	if c := w.counts(run); c.Deferred > 0 || c.Bounced > 0 {
		t.Errorf("people are deferred instead of waiting: %+v", c)
	}
	google.Behaviour.Down = false
	w.ok(w.sim.Set("google", google.Behaviour))
	expect(t, w.finish(run), campaign.Counts{Planned: 1200, Accepted: 1200})
	if n := w.dials.Load(); n > 150 {
		t.Errorf("%d dials", n)
	}
	for _, row := range w.rows(run, campaign.Accepted) {
		if row.Attempts != 1 {
			t.Fatalf("%s needed %d attempts", row.Email, row.Attempts)
		}
	}
}

// One trouble stays one trouble: a site that throttles slows nobody else down.
func TestAThrottlingSiteSlowsNobodyElse(t *testing.T) {
	slow := smtptest.Provider{
		Name: "yahoo", Domains: []string{"yahoo.com"}, MX: []string{"mta5.am0.yahoodns.net"},
		Behaviour: smtptest.Behaviour{Rate: 20, Burst: 20, RateReply: "421 4.7.0 You send too fast, {ip}"},
	}
	w := newWorld(t, setting{}, slow, shop("a", smtptest.Behaviour{}), shop("b", smtptest.Behaviour{}))
	w.people(200, "yahoo.com")
	w.people(200, "a.example")
	w.people(200, "b.example")
	run := w.launch(nil)
	w.engine()
	w.eventually("the others have their mail", func() bool { return w.saw("a").Accepted+w.saw("b").Accepted == 400 })
	if n := w.saw("yahoo").Accepted; n >= 200 {
		t.Errorf("yahoo was done first: the story tells nothing")
	}
	expect(t, w.finish(run), campaign.Counts{Planned: 600, Accepted: 600})
	for _, row := range w.rows(run, campaign.Accepted) {
		if row.Attempts != 1 {
			t.Fatalf("%s needed %d attempts: throttling was charged to a person", row.Email, row.Attempts)
		}
	}
}

// One message that a server chokes on must not stop its site for the others.
func TestAPoisonousMessageHurtsOnlyItself(t *testing.T) {
	w := newWorld(t, setting{retry: delivery.RetryPolicy{First: time.Minute, Most: time.Minute}, limits: shaping.Rules{Connections: 2}}, shop("frail", smtptest.Behaviour{
		NoPipelining: true,
		Replies:      []smtptest.Reply{{Stage: smtptest.AtRcpt, Recipient: "p0003@frail.example", Close: true}},
	}))
	w.people(100, "frail.example")
	run := w.launch(func(s *campaign.Spec) { s.GiveUp = campaign.Duration(time.Hour) })
	w.engine()
	w.eventually("the others have their mail", func() bool { return w.counts(run).Accepted == 99 })
	w.eventually("it is deferred", func() bool { return w.counts(run).Deferred == 1 })
	if h := w.history("p0003@frail.example"); len(h) == 0 || h[0].Reason != campaign.ConnectionLost {
		t.Errorf("its history is %+v", h)
	}
	if c := w.counts(run); !c.Balanced() {
		t.Errorf("the balance is %+v", c)
	}
}

// A domain that takes no mail, or does not exist, costs no connection (S8, S11).
func TestDomainsWithoutMailServers(t *testing.T) {
	w := newWorld(t, setting{}, smtptest.Provider{Name: "null", Domains: []string{"null.example"}, MX: []string{"0 ."}})
	w.people(2, "null.example")
	w.people(2, "nowhere.example")
	run := w.launch(nil)
	w.engine()
	expect(t, w.finish(run), campaign.Counts{Planned: 4, Bounced: 4})
	for _, row := range w.rows(run, campaign.Bounced) {
		if row.Reason != campaign.DomainUnknown {
			t.Errorf("%s: %s", row.Email, row.Reason)
		}
	}
	if n := w.dials.Load(); n != 0 {
		t.Errorf("%d dials", n)
	}
}

// Jobs that come again, because their sender died with them in hand, are looked up: whom
// the ledger calls accepted is not sent to again.
func TestJobsOfADeadSenderAreLookedUp(t *testing.T) {
	w := newWorld(t, setting{ackWait: time.Second}, shop("plain", smtptest.Behaviour{}))
	w.people(20, "plain.example")
	run := w.launch(nil)
	stop := w.plan()
	w.eventually("all are in the queue", func() bool { return w.queued() == 20 })
	stop()
	// A dead sender: it took the jobs, the outcomes of half of them are durable.
	var events []campaign.Event
	for _, d := range w.takeAll(20) {
		if d.Job.Contact%2 == 0 {
			events = append(events, campaign.Event{Recipient: d.Job.Recipient, Attempt: 1, State: campaign.Accepted, Code: 250, At: time.Now()})
		}
	}
	w.ok(w.queue.PublishEvents(t.Context(), events))
	w.engine()
	w.eventually("the run is finished", func() bool { return w.stateOf(run) == campaign.RunFinished })
	c := w.counts(run)
	if c.Accepted != 20 || c.Resent != 10 {
		t.Errorf("the balance is %+v, want 20 accepted of whom 10 may have two copies", c)
	}
	if n := w.saw("plain").Accepted; n != 10 {
		t.Errorf("%d messages were sent, want 10", n)
	}
	for _, row := range w.rows(run, campaign.Accepted) {
		if row.Resent == (row.Contact%2 == 0) {
			t.Errorf("%s: resent is %v", row.Email, row.Resent)
		}
	}
}
