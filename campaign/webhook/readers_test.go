package webhook_test

import (
	"testing"
	"time"

	"broadside/campaign"
	"broadside/campaign/webhook"
)

// Who opened and clicked is told where the list allows to know it, and what machines did
// only to who asks for it, as theirs.
func TestReadersAreTold(t *testing.T) { // X9
	w := newWorld(t)
	ctx := t.Context()
	must(w.db.SetListTracking(ctx, w.list, campaign.TrackIndividual))(t)
	people := w.receiver(nil, webhook.Opened, webhook.Clicked)
	all := w.receiver(nil, webhook.Opened, webhook.OpenedByMachine, webhook.ClickedByMachine)
	w.dispatch(nil)
	ann := w.who[0].ID
	if err := w.db.AppendRecipients(ctx, w.run.ID, 0, ann, []campaign.NewRecipient{{Lane: campaign.TailLane, Contact: ann}}, true); err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	accepted := campaign.Event{Recipient: campaign.Recipient{Run: w.run.ID, Lane: campaign.TailLane, Contact: ann}, Attempt: 1, State: campaign.Accepted, At: now.Add(-time.Hour)}
	if err := w.db.Apply(ctx, 0, 1, []campaign.Event{accepted}); err != nil {
		t.Fatal(err)
	}
	const shop = "https://shop.example/?customer={{ id }}"
	must(w.db.SaveLinks(ctx, w.run.ID, []campaign.Link{{Target: shop, Fixed: 21}}))(t)
	hit := func(link int, e campaign.Evidence) campaign.Hit {
		return campaign.Hit{Run: w.run.ID, Contact: ann, Link: link, At: now, Evidence: e}
	}
	if err := w.db.ApplyHits(ctx, 0, 1, []campaign.Hit{hit(0, campaign.ByPerson), hit(1, campaign.ByPerson), hit(0, campaign.PrivacyProxy), hit(1, campaign.HeadRequest)}); err != nil {
		t.Fatal(err)
	}
	heard := map[webhook.Type]told{}
	for range 2 {
		got := people.next()
		heard[got.Type] = got
	}
	people.quiet()
	opened, clicked := heard[webhook.Opened], heard[webhook.Clicked]
	if opened.Email != "ann@example.org" || opened.Run != w.run.ID || opened.Campaign != "spring" || opened.Machine || opened.Link != "" {
		t.Errorf("opened: %s", opened.body)
	}
	if clicked.Link != shop || clicked.Email != "ann@example.org" || clicked.Machine {
		t.Errorf("clicked: %s", clicked.body)
	}
	for range 3 {
		got := all.next()
		heard[got.Type] = got
	}
	all.quiet()
	if got := heard[webhook.Opened]; got.id != opened.id {
		t.Errorf("one opening is told as %s and as %s", opened.id, got.id)
	}
	if got := heard[webhook.OpenedByMachine]; !got.Machine || got.Reason != campaign.PrivacyProxy.String() {
		t.Errorf("opened by a machine: %s", got.body)
	}
	if got := heard[webhook.ClickedByMachine]; !got.Machine || got.Link != shop || got.Reason != campaign.HeadRequest.String() {
		t.Errorf("clicked by a machine: %s", got.body)
	}
	if err := w.desk.ReplaySince(ctx, people.id, now.Add(-time.Minute)); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if got := people.next(); got.id != opened.id && got.id != clicked.id {
			t.Errorf("replayed %s", got.body)
		}
	}
}

// A click that was recorded late rests as any other: those that show it as a machine's may
// be recorded right after it.
func TestALateClickRests(t *testing.T) { // X9
	w := newWorld(t)
	ctx := t.Context()
	must(w.db.SetListTracking(ctx, w.list, campaign.TrackIndividual))(t)
	r := w.receiver(nil, webhook.OpenedByMachine, webhook.Clicked)
	w.dispatch(func(d *webhook.Dispatcher) { d.Hurry(time.Hour, 10*time.Second, time.Hour, time.Hour) })
	ann := w.who[0].ID
	if err := w.db.AppendRecipients(ctx, w.run.ID, 0, ann, []campaign.NewRecipient{{Lane: campaign.TailLane, Contact: ann}}, true); err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	accepted := campaign.Event{Recipient: campaign.Recipient{Run: w.run.ID, Lane: campaign.TailLane, Contact: ann}, Attempt: 1, State: campaign.Accepted, At: now.Add(-4 * time.Hour)}
	if err := w.db.Apply(ctx, 0, 1, []campaign.Event{accepted}); err != nil {
		t.Fatal(err)
	}
	must(w.db.SaveLinks(ctx, w.run.ID, []campaign.Link{{Target: "https://shop.example/", Fixed: 21}}))(t)
	click := campaign.Hit{Run: w.run.ID, Contact: ann, Link: 1, At: now.Add(-2 * time.Hour), Evidence: campaign.ByPerson}
	opening := campaign.Hit{Run: w.run.ID, Contact: ann, At: now, Evidence: campaign.PrivacyProxy}
	if err := w.db.ApplyHits(ctx, 0, 1, []campaign.Hit{click, opening}); err != nil {
		t.Fatal(err)
	}
	if got := r.next(); got.Type != webhook.OpenedByMachine {
		t.Errorf("told at once: %s", got.body)
	}
	r.quiet()
}
