package store_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"broadside/campaign"
	"broadside/campaign/webhook"
	"broadside/store"
)

// A list goes when no run needs it: memberships, imports and its suppressions with it.
// Contacts stay, unless they are asked to go and nothing else has them; what was sent
// stays.
func TestDeleteList(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, _ string) {
		ctx := t.Context()
		people(t, db) // ann, bob, cid and dan on the list a
		a := listNamed(t, db, "a")
		b := newList(t, db, "b")
		runImport(t, db, b, false, row(1, "bob@example.org", `{}`))
		must(db.Suppress(ctx, []campaign.Suppression{{Email: "cid@example.org", List: a.ID, Reason: "manual", At: now}}))(t)
		c := must(db.CreateCampaign(ctx, campaign.Spec{Name: "may", Lists: []string{"a"}}, now))(t)
		run := must(db.CreateRun(ctx, c, campaign.RunScheduled, now, now))(t)
		if err := db.AppendRecipients(ctx, run.ID, 0, 1, []campaign.NewRecipient{{Lane: 1, Contact: 1, State: campaign.Accepted}}, true); err != nil {
			t.Fatal(err)
		}
		if _, err := db.DeleteList(ctx, a.ID, true); !errors.Is(err, campaign.ErrConflict) {
			t.Fatalf("deleted under a scheduled run: %v", err)
		}
		must(db.SetRunState(ctx, run.ID, []campaign.RunState{campaign.RunScheduled}, campaign.RunCancelled, "", now))(t)
		gone := must(db.DeleteList(ctx, a.ID, true))(t)
		if want := (campaign.ListDeletion{Memberships: 4, Contacts: 3}); gone != want {
			t.Errorf("gone %+v, want %+v", gone, want)
		}
		if _, err := db.ListByName(ctx, "a"); !errors.Is(err, campaign.ErrNotFound) {
			t.Errorf("the list is there: %v", err)
		}
		if _, err := db.DeleteList(ctx, a.ID, false); !errors.Is(err, campaign.ErrNotFound) {
			t.Errorf("deleted twice: %v", err)
		}
		if _, err := db.ContactByEmail(ctx, "ann@example.org"); !errors.Is(err, campaign.ErrNotFound) {
			t.Errorf("a contact of this list alone is there: %v", err)
		}
		must(db.ContactByEmail(ctx, "bob@example.org"))(t)
		if left := suppressed(t, db); len(left) != 0 {
			t.Errorf("suppressed %q", left)
		}
		if counts := must(db.Recount(ctx, run.ID))(t); counts.Accepted != 1 {
			t.Errorf("what was sent is gone: %+v", counts)
		}
		if gone := must(db.DeleteList(ctx, b, false))(t); gone != (campaign.ListDeletion{Memberships: 1}) {
			t.Errorf("gone %+v", gone)
		}
		must(db.ContactByEmail(ctx, "bob@example.org"))(t)
		if lists := must(db.Lists(ctx))(t); len(lists) != 0 {
			t.Errorf("lists %+v", lists)
		}
	})
}

// A domain that was not found is gone when it is not found again a day later, not when
// two runs come upon one slip of its owner, nor half a year after another.
func TestNoSuchDomainTwice(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, _ string) {
		ctx := t.Context()
		people(t, db)
		unfound := func(name string, hours int, contacts ...campaign.ContactID) {
			t.Helper()
			run := runOfPeople(t, db, name)
			var events []campaign.Event
			for _, c := range contacts {
				events = append(events, campaign.Event{
					Recipient: campaign.Recipient{Run: run, Lane: 1, Contact: c}, Attempt: 1, State: campaign.Bounced,
					Reason: campaign.DomainUnknown, Enhanced: "5.1.2", Reply: "no such domain", At: now.Add(time.Duration(hours) * time.Hour),
				})
			}
			seq := must(db.Checkpoint(ctx))(t)
			if err := db.Apply(ctx, seq, seq+1, events); err != nil {
				t.Fatal(err)
			}
		}
		unfound("may", 0, 1, 2)
		unfound("an hour later", 1, 1, 2)
		if got := suppressed(t, db); len(got) != 0 {
			t.Errorf("suppressed after an hour: %q", got)
		}
		unfound("a day later", 25, 1, 3)
		unfound("half a year later", 24*180, 2)
		if got, want := suppressed(t, db), []string{"ann@example.org: bounced, no such domain, also on 2026-05-04"}; !slices.Equal(got, want) {
			t.Errorf("suppressed %q, want %q", got, want)
		}
	})
}

// Nothing that webhooks were told stays of who goes with a list, nor is it written after.
func TestDeleteListForgetsDeliveries(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, _ string) {
		ctx := t.Context()
		people(t, db)
		a := listNamed(t, db, "a")
		e := must(db.AddWebhook(ctx, webhook.Endpoint{URL: "https://example.org/", Types: []webhook.Type{webhook.Accepted}, State: webhook.Active, Secret: []byte("secret"), Created: now}, 10))(t)
		ann := must(db.ContactByEmail(ctx, "ann@example.org"))(t)
		told := webhook.Delivery{Endpoint: e.ID, Event: "evt_1", Type: webhook.Accepted, At: now, Address: "ann@example.org", State: webhook.Retrying, Body: []byte("ann"), About: webhook.Data{Contact: ann.ID}}
		left := func() int { return len(must(db.Deliveries(ctx, webhook.DeliveryFilter{Endpoint: e.ID}, 0, 10))(t)) }
		for _, want := range []int{1, 0} {
			if err := db.RecordDeliveries(ctx, []webhook.Delivery{told}); err != nil {
				t.Fatal(err)
			}
			if n := left(); n != want {
				t.Errorf("%d deliveries are kept, want %d", n, want)
			}
			if want == 1 {
				must(db.DeleteList(ctx, a.ID, true))(t)
			}
			if n := left(); n != 0 {
				t.Errorf("%d deliveries are kept of who is gone", n)
			}
		}
	})
}
