package delivery_test

import (
	"strings"
	"testing"
	"time"

	"broadside/campaign"
	"broadside/delivery/smtptest"
)

// Everybody in an A/B test gets their variant and the rest the winner, though every first
// attempt is put off, a sender dies with the test's jobs in hand and another is replaced
// while the rest leaves. Nobody gets two messages, and the ledger says who got what.
func TestVariantsArrive(t *testing.T) {
	const n = 200
	w := newWorld(t, setting{ackWait: time.Second}, shop("grey", smtptest.Behaviour{Greylist: 500 * time.Millisecond}))
	w.people(n, "grey.example")
	run := w.launch(func(s *campaign.Spec) {
		s.AB = campaign.ABTest{Share: 40, Winner: campaign.ByChoice, Variants: []campaign.Alternative{{Subject: "Look outside"}, {Subject: "Spring", FromName: "Bea", Text: "It is spring.\n"}}}
	})
	first := 0
	for c := range campaign.ContactID(n) {
		if run.Spec.AB.VariantOf(run.ID, c+1) != campaign.NoVariant {
			first++
		}
	}
	stop := w.plan()
	w.eventually("the test is in the queue", func() bool { return w.queued() == int64(first) })
	stop()
	w.takeAll(first) // by a sender that dies
	w.plan()
	stop = w.deliver()
	w.eventually("the test has arrived", func() bool { return w.counts(run).Accepted == int64(first) })
	if c := w.counts(run); c.Waiting != int64(n-first) {
		t.Errorf("%d wait for the winner, want %d", c.Waiting, n-first)
	}
	_, err := w.service.ChooseWinner(t.Context(), run.ID, campaign.VariantA+1, "Ann")
	w.ok(err)
	w.eventually("the rest leaves", func() bool { return w.counts(run).Accepted > int64(first) })
	stop()
	w.deliver()
	w.finish(run)

	subjects := map[string]string{}
	for _, m := range w.sim.Ledger().Messages() {
		_, subject, _ := strings.Cut(string(m.Data), "\r\nSubject: ")
		subject, _, _ = strings.Cut(subject, "\r\n")
		if subjects[m.To[0]] != "" {
			t.Errorf("%s got %q and %q", m.To[0], subjects[m.To[0]], subject)
		}
		subjects[m.To[0]] = subject
	}
	run, err = w.store.RunByID(t.Context(), run.ID)
	w.ok(err)
	got := map[campaign.Variant]int64{}
	for _, row := range w.rows(run, campaign.Accepted) {
		spec, err := run.SpecFor(row.Variant)
		w.ok(err)
		if row.Variant != run.Spec.AB.VariantOf(run.ID, row.Contact) || subjects[row.Email] != spec.Subject {
			t.Errorf("%s, variant %q, got %q, want %q", row.Email, row.Variant, subjects[row.Email], spec.Subject)
		}
		got[row.Variant]++
	}
	figures, err := w.store.VariantFigures(t.Context(), run.ID)
	w.ok(err)
	for _, f := range figures {
		if f.Counts.Accepted != got[f.Variant] || f.Counts.Planned != got[f.Variant] {
			t.Errorf("variant %q: %+v, but %d arrived", f.Variant, f.Counts, got[f.Variant])
		}
	}
	if len(subjects) != n || len(figures) != 4 {
		t.Errorf("%d people got a message, of %d variants", len(subjects), len(figures))
	}
}
