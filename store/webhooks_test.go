package store_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"broadside/campaign"
	"broadside/campaign/webhook"
	"broadside/store"
)

func newHook(t *testing.T, db *store.DB) webhook.Endpoint {
	t.Helper()
	return must(db.AddWebhook(t.Context(), webhook.Endpoint{
		URL: "https://example.org/hook", Note: "shop", Types: []webhook.Type{webhook.Bounced, webhook.RunPaused}, State: webhook.Active, Secret: []byte("key"), Created: now,
	}, 3))(t)
}

// What is written of an endpoint is read; numbers are never given twice, and there are
// only so many.
func TestWebhooks(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, _ string) {
		ctx := t.Context()
		first := newHook(t, db)
		changed := must(db.ChangeWebhook(ctx, first.ID, func(e *webhook.Endpoint) error {
			e.State, e.Why, e.OldSecret, e.OldUntil = webhook.Disabled, "gone", []byte("old"), now.Add(time.Hour)
			e.FailingSince, e.Waiting, e.Dropped, e.DroppedSince = now, 7, 8, now.Add(time.Minute)
			return nil
		}))(t)
		if got := must(db.WebhookByID(ctx, first.ID))(t); fmt.Sprint(got) != fmt.Sprint(changed) || got.Dropped != 8 || got.Wants(webhook.Bounced) {
			t.Errorf("%+v, want %+v", got, changed)
		}
		refusal := errors.New("no")
		if _, err := db.ChangeWebhook(ctx, first.ID, func(e *webhook.Endpoint) error { e.URL = ""; return refusal }); !errors.Is(err, refusal) {
			t.Error(err)
		}
		second := newHook(t, db)
		if err := db.RemoveWebhook(ctx, second.ID); err != nil {
			t.Fatal(err)
		}
		third := newHook(t, db)
		newHook(t, db)
		if third.ID <= second.ID {
			t.Errorf("number %d is given after %d was removed", third.ID, second.ID)
		}
		if _, err := db.AddWebhook(ctx, first, 3); !errors.Is(err, campaign.ErrConflict) {
			t.Errorf("a fourth of three: %v", err)
		}
		if list := must(db.Webhooks(ctx))(t); len(list) != 3 || list[0].ID != first.ID || list[0].URL != first.URL {
			t.Errorf("%+v", list)
		}
		for _, err := range []error{
			db.RemoveWebhook(ctx, second.ID),
			second2(db.WebhookByID(ctx, second.ID)),
			second2(db.ChangeWebhook(ctx, second.ID, func(*webhook.Endpoint) error { return nil })),
			second2(db.DeliveryOf(ctx, first.ID, "evt_1")),
		} {
			if !errors.Is(err, campaign.ErrNotFound) {
				t.Error(err)
			}
		}
	})
}

func second2[T any](_ T, err error) error { return err }

// Facts are written in the transactions that make them true, while there is a webhook;
// those of before it are over.
func TestWebhookFacts(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, _ string) {
		ctx := t.Context()
		people(t, db)
		silent := runOfPeople(t, db, "silent")
		if facts := must(db.WebhookFacts(ctx, allClicks, 10))(t); len(facts) != 0 {
			t.Errorf("written for nobody: %+v", facts)
		}
		must(db.Suppress(ctx, []campaign.Suppression{{Email: "old@example.org", Reason: "manual", At: now}}))(t)
		newHook(t, db)
		if cursor := must(db.WebhookCursor(ctx))(t); len(must(db.Suppressions(ctx, cursor, 10))(t)) != 0 {
			t.Errorf("the first webhook is told of suppressions before it: %d", cursor)
		}
		list := must(db.ListByName(ctx, "a"))(t)
		if err := errors.Join(db.Unsubscribe(ctx, 2, list.ID, now), db.Unsubscribe(ctx, 2, list.ID, now)); err != nil {
			t.Fatal(err)
		}
		complaint := campaign.Feedback{Recipient: campaign.Recipient{Run: silent, Lane: 1, Contact: 1}, Kind: campaign.Complaint, Detail: "abuse", At: now}
		for range 2 {
			if err := db.Heard(ctx, []campaign.Feedback{complaint}); err != nil {
				t.Fatal(err)
			}
		}
		run := runOfPeople(t, db, "loud")
		from := []campaign.RunState{campaign.RunRunning, campaign.RunPaused}
		for _, to := range []campaign.RunState{campaign.RunPaused, campaign.RunRunning, campaign.RunCancelled} {
			must(db.SetRunState(ctx, run, from, to, "note", now))(t)
		}
		if _, err := db.SetRunState(ctx, run, from, campaign.RunPaused, "", now); !errors.Is(err, campaign.ErrConflict) {
			t.Fatal(err)
		}
		empty := must(db.CreateRun(ctx, newCampaign(t, db, "empty"), campaign.RunScheduled, now, now))(t)
		for range 2 { // the second finds it started, complete, and finished
			must(db.StartRun(ctx, empty.ID, now))(t)
			if err := db.AppendRecipients(ctx, empty.ID, 0, 1, nil, true); err != nil && !errors.Is(err, campaign.ErrConflict) {
				t.Fatal(err)
			}
			must(db.FinishRun(ctx, empty.ID, now))(t)
		}
		facts := must(db.WebhookFacts(ctx, allClicks, 20))(t)
		var got []string
		for _, f := range facts {
			got = append(got, fmt.Sprintf("%s %d %d %d %s %s", f.Type, f.Run-silent, f.Contact, f.List, f.Reason, f.Detail))
		}
		want := []string{
			fmt.Sprintf("contact.unsubscribed %d 2 %d  ", -silent, list.ID), "message.complaint 0 1 0 complaint abuse",
			"run.started 1 0 0  ", "run.complete 1 0 0  ", "run.paused 1 0 0 note ", "run.resumed 1 0 0 note ", "run.cancelled 1 0 0 note ",
			"run.started 2 0 0  ", "run.complete 2 0 0  ", "run.finished 2 0 0  ",
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s\nwant %s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		ids := []int64{facts[0].ID, facts[1].ID}
		if err := db.WebhookFactsTold(ctx, ids); err != nil {
			t.Fatal(err)
		}
		if left := must(db.WebhookFacts(ctx, allClicks, 20))(t); len(left) != len(facts)-2 || left[0].ID != facts[2].ID {
			t.Errorf("left to tell: %+v", left)
		}
		if since := must(db.WebhookFactsSince(ctx, now, allClicks, facts[0].ID, 2))(t); len(since) != 2 || since[0].ID != facts[1].ID {
			t.Errorf("since: %+v", since)
		}
		if err := db.TrimWebhooks(ctx, 1, now.Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		if all := must(db.WebhookFactsSince(ctx, now.Add(-time.Hour), allClicks, 0, 20))(t); len(all) != len(facts)-2 {
			t.Errorf("of %d facts, of which two were told, %d are left", len(facts), len(all))
		}
		emails := must(db.AddressesOf(ctx, []campaign.ContactID{1, 3, 99}))(t)
		if len(emails) != 2 || emails[1] != "Ann@example.org" || emails[3] != "cid@example.org" {
			t.Errorf("%v", emails)
		}
		standing := must(db.OpenStandingRun(ctx, template(t, db).ID, now))(t)
		made := addMessage(t, db, standing.ID, "Dora@example.org", "{}")
		if emails := must(db.AddressesOf(ctx, []campaign.ContactID{1, campaign.ContactID(made.ID)}))(t); len(emails) != 2 || emails[campaign.ContactID(made.ID)] != "Dora@example.org" {
			t.Errorf("with a message's: %v", emails)
		}
		if s := must(db.SuppressionsSince(ctx, now, 0, 1))(t); len(s) != 1 || s[0].Email != "old@example.org" {
			t.Errorf("%+v", s)
		}
	})
}

// A delivery is one line for each event, whose last attempt it has; good ones are
// trimmed, all expire, and an erased person's go at once.
func TestWebhookDeliveries(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, url string) {
		ctx := t.Context()
		people(t, db)
		hook, other := newHook(t, db), newHook(t, db)
		told := func(event string, s webhook.DeliveryState, tried time.Time) webhook.Delivery {
			return webhook.Delivery{
				Endpoint: hook.ID, Event: event, Type: webhook.Bounced, At: now, Address: "ann@example.org", State: s, Attempts: 1, Tried: tried,
				Took: 5 * time.Millisecond, Status: 500, Answer: "no\x00pe\xff", Error: "answered 500", Next: tried.Add(time.Hour), Body: []byte(`{"id":"` + event + `"}`),
			}
		}
		record := func(list ...webhook.Delivery) {
			t.Helper()
			if err := db.RecordDeliveries(ctx, list); err != nil {
				t.Fatal(err)
			}
		}
		gone := told("evt_9", webhook.Failed, now)
		gone.Endpoint = 99
		record(told("evt_1", webhook.Retrying, now), told("evt_2", webhook.Failed, now), gone)
		again := told("evt_1", webhook.Delivered, now.Add(time.Hour))
		again.Status, again.Attempts, again.Error, again.Answer, again.Next = 204, 2, "", "", time.Time{}
		record(again)
		if d := must(db.DeliveryOf(ctx, hook.ID, "evt_1"))(t); d.Attempts != 2 || d.State != webhook.Delivered || !d.Next.IsZero() || d.Took != 5*time.Millisecond || string(d.Body) != `{"id":"evt_1"}` {
			t.Errorf("%+v", d)
		}
		if p := must(db.PersonOf(ctx, "Ann@example.org"))(t); len(p.Told) != 2 || p.Told[0].Type != string(webhook.Bounced) || p.Told[0].URL != hook.URL || string(p.Told[1].Event) != `{"id":"evt_1"}` {
			t.Errorf("whom it was about is handed out %+v", p.Told)
		}
		names := func(f webhook.DeliveryFilter, before int64) (events []string) {
			t.Helper()
			for _, d := range must(db.Deliveries(ctx, f, before, 10))(t) {
				events = append(events, d.Event)
			}
			return events
		}
		all := webhook.DeliveryFilter{Endpoint: hook.ID}
		if got := names(all, 0); !slices.Equal(got, []string{"evt_2", "evt_1"}) {
			t.Errorf("all: %v", got)
		}
		if got := names(webhook.DeliveryFilter{Endpoint: hook.ID, State: webhook.Failed}, 0); !slices.Equal(got, []string{"evt_2"}) {
			t.Errorf("failed: %v", got)
		}
		if got := names(webhook.DeliveryFilter{Endpoint: other.ID}, 0); len(got) != 0 {
			t.Errorf("of the other: %v", got)
		}
		for i := range 4 {
			record(told(fmt.Sprintf("evt_g%d", i), webhook.Delivered, now.Add(2*time.Hour)))
		}
		if err := db.TrimWebhooks(ctx, 2, now); err != nil {
			t.Fatal(err)
		}
		if got := names(all, 0); !slices.Equal(got, []string{"evt_g3", "evt_g2", "evt_2"}) {
			t.Errorf("trimmed: %v", got)
		}
		if n := must(db.Expire(ctx, campaign.WebhookData, now.Add(time.Hour)))(t); n != 1 {
			t.Errorf("%d expired", n)
		}
		order := must(db.OrderWebhook(ctx, webhook.Order{Endpoint: hook.ID, Kind: webhook.ReplaySince, Since: now, Made: now.Add(time.Second)}))(t)
		if got := must(db.WebhookOrders(ctx))(t); len(got) != 1 || got[0] != order {
			t.Errorf("%+v, want %+v", got, order)
		}
		if err := db.WebhookOrderDone(ctx, order.ID); err != nil {
			t.Fatal(err)
		}
		if got := must(db.WebhookOrders(ctx))(t); len(got) != 0 {
			t.Errorf("%+v", got)
		}
		must(db.Erase(ctx, "Ann@Example.org", now))(t)
		record(told("evt_late", webhook.Retrying, now)) // it waited in the queue
		if got := names(all, 0); len(got) != 0 {
			t.Errorf("of an erased person: %v", got)
		}
		if strings.Contains(dump(t, url), "ann@example.org") {
			t.Error("the address is somewhere still")
		}
	})
}

// Whom an event is about may be gone by the time it is told.
func TestGone(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, _ string) {
		ctx := t.Context()
		people(t, db) // ann, bob, cid and dan on the list a
		b := newList(t, db, "b")
		runImport(t, db, b, false, row(1, "fay@example.org", `{}`))
		template := must(db.CreateCampaign(ctx, campaign.Spec{Name: "receipt"}, now))(t)
		run := must(db.OpenStandingRun(ctx, template.ID, now))(t)
		mailed := map[string]webhook.Data{}
		for _, email := range []string{"ann@example.org", "bob@example.org", "fay@example.org"} {
			m, _, err := db.AddMessage(ctx, campaign.MessageRow{Run: run.ID, Lane: 1, Email: email, Data: []byte("{}")}, now)
			if err != nil {
				t.Fatal(err)
			}
			mailed[email] = webhook.Data{Message: m.ID}
		}
		must(db.SetRunState(ctx, run.ID, []campaign.RunState{campaign.RunRunning}, campaign.RunCancelled, "", now))(t)
		fay := must(db.ContactByEmail(ctx, "fay@example.org"))(t).ID
		must(db.Erase(ctx, "ann@example.org", now))(t)
		must(db.DeleteList(ctx, b, true))(t)
		must(db.Suppress(ctx, []campaign.Suppression{{Email: "eve@example.org", Reason: "manual", At: now}}))(t)
		for what, test := range map[string]struct {
			about webhook.Data
			gone  bool
		}{
			"nobody":                {webhook.Data{Run: run.ID}, false},
			"a contact":             {webhook.Data{Contact: 2, Email: "bob@example.org"}, false},
			"an erased one":         {webhook.Data{Contact: 1, Email: "Ann@example.org"}, true},
			"its number":            {webhook.Data{Contact: 1}, true},
			"its address":           {webhook.Data{Email: "ANN@example.org"}, true},
			"one who went":          {webhook.Data{Contact: fay, Email: "fay@example.org"}, true},
			"an address of nobody":  {webhook.Data{Email: "eve@example.org"}, false},
			"a domain":              {webhook.Data{Domain: "example.org"}, false},
			"a message":             {mailed["bob@example.org"], false},
			"an erased one's":       {mailed["ann@example.org"], true},
			"that of one who went":  {mailed["fay@example.org"], true},
			"an address now erased": {webhook.Data{Contact: 2, Email: "ann@example.org"}, true},
		} {
			if gone := must(db.Gone(ctx, test.about))(t); gone != test.gone {
				t.Errorf("%s: gone %v, want %v", what, gone, test.gone)
			}
		}
	})
}
