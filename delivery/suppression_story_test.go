package delivery_test

import (
	"fmt"
	"testing"
	"time"

	"broadside/campaign"
	"broadside/delivery/shaping"
	"broadside/delivery/smtptest"
)

// Whoever is suppressed while their job waits in a sender's hands gets nothing later
// than a second after: by address, by domain, on the list, or erased. CAN-SPAM, B2
func TestSuppressedWhileTheJobWaitsGetsNothingASecondLater(t *testing.T) {
	// The site takes 40 a second: the last of 160 waits for four.
	w := newWorld(t, setting{limits: shaping.Rules{Connections: 2, Rate: 40}}, shop("slow", smtptest.Behaviour{}),
		smtptest.Provider{Name: "firm", Domains: []string{"firm.example", "west.firm.example"}, MX: []string{"mx.firm.example"}})
	w.people(160, "slow.example")
	w.people(80, "west.firm.example")
	run := w.launch(nil)
	w.engine()
	w.eventually("mail flows", func() bool { return w.saw("slow").Accepted > 20 })

	list, err := w.store.ListByName(t.Context(), "readers")
	w.ok(err)
	var entries []campaign.Suppression
	for i := range 160 {
		e := campaign.Suppression{Email: fmt.Sprintf("p%04d@slow.example", i+1), Reason: "complained", At: time.Now()}
		if i%2 == 1 {
			e.List = list.ID
		}
		entries = append(entries, e)
	}
	_, err = w.store.Suppress(t.Context(), append(entries, campaign.Suppression{Domain: "firm.example", Reason: "manual", At: time.Now()}))
	w.ok(err)
	<-time.After(time.Second) // the promise: nothing after this
	after := w.saw("").Accepted

	c := w.finish(run)
	if c.Skipped < 100 || c.Accepted+c.Skipped != 240 {
		t.Errorf("the balance is %+v: the story needs people who waited", c)
	}
	if now := w.saw("").Accepted; now != after {
		t.Errorf("%d messages came later than a second after", now-after)
	}
	for _, row := range w.rows(run, campaign.Skipped) {
		if row.Reason != campaign.Suppressed {
			t.Errorf("%s is skipped: %s", row.Email, row.Reason)
		}
	}
}

// A consent that lapses during a run holds from that moment on (CASL, section 6).
func TestConsentThatLapsesWhileTheJobWaits(t *testing.T) {
	w := newWorld(t, setting{limits: shaping.Rules{Connections: 1, Rate: 20}}, shop("slow", smtptest.Behaviour{}))
	w.people(60, "slow.example")
	list, err := w.store.ListByName(t.Context(), "readers")
	w.ok(err)
	until := time.Now().Add(1500 * time.Millisecond)
	for id := range campaign.ContactID(60) {
		w.ok(w.store.RecordConsent(t.Context(), campaign.Consent{Contact: id + 1, List: list.ID, How: "form", At: time.Now(), Until: until}))
	}
	run := w.launch(nil)
	w.engine()
	<-time.After(time.Until(until) + time.Second)
	after := w.saw("").Accepted
	c := w.finish(run)
	if c.Accepted == 0 || c.Skipped == 0 || c.Accepted+c.Skipped != 60 {
		t.Errorf("the balance is %+v", c)
	}
	if now := w.saw("").Accepted; now != after {
		t.Errorf("%d messages came later than a second after", now-after)
	}
	for _, row := range w.rows(run, campaign.Skipped) {
		if row.Reason != campaign.ConsentLapsed {
			t.Errorf("%s is skipped: %s", row.Email, row.Reason)
		}
	}
}
