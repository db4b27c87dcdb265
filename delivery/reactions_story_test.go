package delivery_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"broadside/campaign"
	"broadside/delivery"
	"broadside/delivery/shaping"
	"broadside/delivery/smtptest"
	"broadside/ratelimit"
)

// hasty are the built-in reactions in a world that forgives faster.
type hasty struct {
	delivery.Shaper
	by time.Duration
}

func (h hasty) React(provider string, code int, enhanced, text string) (*shaping.Reaction, bool) {
	r, ok := h.Shaper.React(provider, code, enhanced, text)
	if ok {
		sooner := *r
		sooner.For /= h.by
		return &sooner, true
	}
	return nil, false
}

func forgiving(by time.Duration) func(*delivery.Config) {
	return func(c *delivery.Config) { c.Shaper = hasty{c.Shaper, by} }
}

func gmail(b smtptest.Behaviour) smtptest.Provider {
	return smtptest.Provider{Name: "google", Domains: []string{"gmail.com"}, MX: []string{"gmail-smtp-in.l.google.com"}, Behaviour: b}
}

// Gmail asks for ten minutes of silence after 4.7.28, here three seconds. The lane waits;
// nobody is deferred, nobody is charged, and other sites don't notice.
func TestGmailsTenMinutesAreWaitedOut(t *testing.T) {
	const tenMinutes = 3 * time.Second
	w := newWorld(t, setting{tune: forgiving(10 * time.Minute / tenMinutes)},
		gmail(smtptest.Behaviour{Latency: 5 * time.Millisecond, Replies: []smtptest.Reply{{
			Stage: smtptest.AtMail, Code: 421, Times: 1,
			Text: "4.7.28 Our system has detected an unusual rate of unsolicited mail originating from your IP address.",
		}}}),
		shop("alive", smtptest.Behaviour{}))
	w.people(300, "gmail.com")
	w.people(100, "alive.example")
	run := w.launch(nil)
	at := []time.Time{time.Now()}
	w.engine()
	w.eventually("gmail says stop", func() bool { // perhaps before it has taken anything
		said := w.saw("google").Rejected[421] > 0
		if !said {
			at[0] = time.Now()
		}
		return said
	})
	w.eventually("the others have their mail", func() bool { return w.saw("alive").Accepted == 100 })
	if c := w.counts(run); c.Deferred > 0 {
		t.Errorf("people are deferred: %+v", c)
	}
	expect(t, w.finish(run), campaign.Counts{Planned: 400, Accepted: 400})
	for _, m := range w.sim.Ledger().Messages() {
		if m.Provider == "google" {
			at = append(at, m.At)
		}
	}
	slices.SortFunc(at, time.Time.Compare)
	pause := time.Duration(0)
	for i := range at[1:] {
		pause = max(pause, at[i+1].Sub(at[i]))
	}
	if pause < tenMinutes-50*time.Millisecond {
		t.Errorf("the longest silence was %v, want %v", pause, tenMinutes)
	}
	for _, row := range w.rows(run, campaign.Accepted) {
		if row.Attempts != 1 {
			t.Fatalf("%s needed %d attempts", row.Email, row.Attempts)
		}
	}
}

// What waits for its turn while the site says stop does not leave when the turn comes.
func TestAStopHoldsForWhoStandsInLine(t *testing.T) {
	const tenMinutes = 3 * time.Second
	w := newWorld(t, setting{limits: shaping.Rules{Rate: 4, Connections: 4}, tune: forgiving(10 * time.Minute / tenMinutes)},
		gmail(smtptest.Behaviour{Replies: []smtptest.Reply{{
			Stage: smtptest.AtMail, Code: 421, Times: 1,
			Text: "4.7.28 Our system has detected an unusual rate of unsolicited mail originating from your IP address.",
		}}}))
	w.people(8, "gmail.com")
	run := w.launch(nil)
	w.engine()
	w.eventually("Gmail says stop", func() bool { return w.saw("google").Rejected[421] == 1 })
	stopped := time.Now()
	expect(t, w.finish(run), campaign.Counts{Planned: 8, Accepted: 8})
	for _, m := range w.sim.Ledger().Messages() {
		if early := m.At.Sub(stopped); early < tenMinutes-100*time.Millisecond {
			t.Errorf("a message came %v after the stop", early)
		}
	}
}

// B5: who a large site refuses for want of authentication stays on the lists; the run
// pauses, quotes the reply, and goes on when a person has put it right.
func TestAnUnauthenticatedRunPausesAndTells(t *testing.T) {
	refusal := smtptest.Behaviour{Replies: []smtptest.Reply{{
		Stage: smtptest.AtBody, Code: 550,
		Text: "5.7.26 This mail has been blocked because the sender is unauthenticated. Gmail requires all senders to authenticate with either SPF or DKIM.",
	}}}
	w := newWorld(t, setting{tune: forgiving(3600)}, gmail(refusal), shop("alive", smtptest.Behaviour{}))
	w.people(600, "gmail.com")
	w.people(50, "alive.example")
	run := w.launch(nil)
	w.engine()
	w.eventually("the run is paused", func() bool { return w.stateOf(run) == campaign.RunPaused })
	paused, err := w.store.RunByID(t.Context(), run.ID)
	w.ok(err)
	for _, word := range []string{"google", "example.org", "5.7.26"} {
		if !strings.Contains(paused.Note, word) {
			t.Errorf("the note %q does not say %s", paused.Note, word)
		}
	}
	w.eventually("what was under way has ended", func() bool {
		c := w.counts(run)
		return c.Bounced+c.Deferred+c.Waiting+c.Accepted == 650 && w.queued() == 0
	})
	if c := w.counts(run); c.Bounced > 60 {
		t.Errorf("%d of 600 were refused before the run paused", c.Bounced)
	}
	for _, row := range w.rows(run, campaign.Bounced) {
		if row.Reason != campaign.AuthRejected {
			t.Errorf("%s bounced: %s", row.Email, row.Reason)
		}
		suppressed, err := w.store.SuppressedOf(t.Context(), []string{row.Email})
		w.ok(err)
		if suppressed[0] {
			t.Fatalf("%s is suppressed for our mistake", row.Email)
		}
	}
	refusal.Replies = nil
	w.ok(w.sim.Set("google", refusal))
	_, err = w.service.Resume(t.Context(), "news")
	w.ok(err)
	c := w.finish(run)
	if c.Accepted+c.Bounced != 650 || c.Bounced > 60 {
		t.Errorf("the balance is %+v", c)
	}
}

// A site that a person has paused gets nothing, on account of nobody, until it is
// resumed, and then at once.
func TestAPausedSiteWaitsForAPerson(t *testing.T) {
	w := newWorld(t, setting{}, gmail(smtptest.Behaviour{}), shop("alive", smtptest.Behaviour{}))
	w.people(200, "gmail.com")
	w.people(50, "alive.example")
	site := w.config.Learned.Key(ratelimit.WholeSite, "", "google")
	site.Pause(ratelimit.Pause{Since: time.Now(), Until: time.Now().Add(time.Hour), Why: "their postmaster rang"})
	run := w.launch(nil)
	w.engine()
	w.eventually("the others have their mail", func() bool { return w.saw("alive").Accepted == 50 })
	w.eventually("the site's jobs are in hand", func() bool { return w.counts(run).Accepted == 50 })
	if n := w.saw("google").Connections; n != 0 {
		t.Errorf("%d connections to a paused site", n)
	}
	site.Resume()
	expect(t, w.finish(run), campaign.Counts{Planned: 250, Accepted: 250})
}

// While a site is paused, who waits for it ends with his run.
func TestAPausedSitesJobsEndWithTheirRun(t *testing.T) {
	w := newWorld(t, setting{}, gmail(smtptest.Behaviour{}))
	w.people(40, "gmail.com")
	site := w.config.Learned.Key(ratelimit.WholeSite, "", "google")
	site.Pause(ratelimit.Pause{Since: time.Now()})
	run := w.launch(nil)
	w.engine()
	w.eventually("the jobs are in the queue", func() bool { return w.queued() == 40 })
	_, err := w.service.Pause(t.Context(), "news", "wait")
	w.ok(err)
	w.eventually("the jobs of the paused run are given back", func() bool { return w.queued() == 0 })
	site.Resume()
	_, err = w.service.Resume(t.Context(), "news")
	w.ok(err)
	expect(t, w.finish(run), campaign.Counts{Planned: 40, Accepted: 40})
}
