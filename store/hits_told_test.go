package store_test

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"broadside/campaign"
	"broadside/campaign/webhook"
	"broadside/delivery"
	"broadside/store"
)

// allClicks is above the number of every fact.
const allClicks = math.MaxInt64

// Webhooks are told who opened and clicked what, a machine's hits as such, and only of
// people of whom their lists allow that it is known.
func TestHitsAreTold(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, _ string) {
		ctx := t.Context()
		r := readers(t, db)
		news := listNamed(t, db, "news").ID
		runImport(t, db, news, false, row(1, "ann@example.org", `{}`), row(2, "bob@example.org", `{}`), row(3, "cid@example.org", `{}`))
		track := func(level campaign.Tracking) { must(db.SetListTracking(ctx, news, level))(t) }
		track(campaign.TrackIndividual)
		hook := func(types ...webhook.Type) {
			must(db.AddWebhook(ctx, webhook.Endpoint{URL: "https://example.org/hook", Types: types, State: webhook.Active, Secret: []byte("key"), Created: now}, 3))(t)
		}
		last := int64(0)
		told := func(clicks int64, want ...string) {
			t.Helper()
			var got []string
			for _, f := range must(db.WebhookFacts(ctx, clicks, 100))(t) {
				if f.ID > last && f.Type != webhook.Unsubscribed {
					got = append(got, fmt.Sprintf("%s %d %s: %s %s", f.Type, f.Contact, f.At.Sub(now), f.Detail, f.Reason))
				}
			}
			if !slices.Equal(got, want) {
				t.Errorf("told\n%q, want\n%q", got, want)
			}
		}
		over := func() {
			facts := must(db.WebhookFacts(ctx, allClicks, 100))(t)
			last = facts[len(facts)-1].ID
		}
		opened, clicked := campaign.ByPerson, campaign.ByPerson
		r.apply(r.hit(1, 0, time.Minute, opened)) // nobody listens
		hook(webhook.Bounced)
		r.apply(r.hit(1, 0, time.Minute, opened)) // nor to this
		told(allClicks)

		hook(webhook.Opened, webhook.Clicked)
		r.apply(
			r.hit(1, 0, time.Minute, opened), r.hit(2, 0, 2*time.Minute, campaign.ByProxy), r.hit(1, 0, 3*time.Minute, campaign.PrivacyProxy),
			r.hit(1, 2, time.Hour, clicked), r.hit(0, 0, time.Minute, opened), r.hit(99, 0, time.Minute, opened), r.hit(4, 0, time.Minute, opened),
		)
		openings := []string{"message.opened 1 1m0s:  ", "message.opened 2 2m0s:  " + campaign.ByProxy.String()}
		told(0, openings...) // the click may still be a machine's
		told(allClicks, append(openings, "message.clicked 1 1h0m0s: https://b.example/{{ name }} ")...)
		if err := db.ApplyHits(ctx, 0, 1, []campaign.Hit{r.hit(1, 0, time.Hour, opened)}); !errors.Is(err, delivery.ErrCheckpoint) {
			t.Errorf("a repetition: %v", err)
		}
		over()

		// X9: what shows only later as a machine's is told as one.
		hook(webhook.ClickedByMachine, webhook.OpenedByMachine)
		r.apply(r.hit(2, 1, 3*time.Hour, clicked), r.hit(2, 2, 3*time.Hour+time.Second, clicked))
		told(allClicks, "message.clicked 2 3h0m0s: https://a.example/ ", "message.clicked 2 3h0m1s: https://b.example/{{ name }} ")
		r.apply(r.hit(2, 3, 3*time.Hour+2*time.Second, clicked), r.hit(2, 0, 3*time.Hour, campaign.PrivacyProxy))
		why := campaign.AllAtOnce.String()
		told(allClicks,
			"message.clicked_by_machine 2 3h0m0s: https://a.example/ "+why, "message.clicked_by_machine 2 3h0m1s: https://b.example/{{ name }} "+why,
			"message.opened_by_machine 2 3h0m0s:  "+campaign.PrivacyProxy.String(), "message.clicked_by_machine 2 3h0m2s: https://c.example/ "+why)
		over()
		r.apply(r.hit(3, 1, 5*time.Hour, clicked), r.hit(3, 2, 5*time.Hour, clicked), r.hit(3, 3, 5*time.Hour, clicked), r.hit(3, 1, 6*time.Hour, clicked))
		told(allClicks,
			"message.clicked_by_machine 3 5h0m0s: https://a.example/ "+why, "message.clicked_by_machine 3 5h0m0s: https://b.example/{{ name }} "+why,
			"message.clicked_by_machine 3 5h0m0s: https://c.example/ "+why, "message.clicked 3 6h0m0s: https://a.example/ ")
		over()

		// What the lists allow now is what counts, also for messages that have left.
		track(campaign.TrackAnonymous)
		r.apply(r.hit(1, 0, 8*time.Hour, opened))
		track(campaign.TrackIndividual)
		if err := db.Leave(ctx, 2, news, 0, now); err != nil {
			t.Fatal(err)
		}
		r.apply(r.hit(2, 0, 8*time.Hour, opened))
		told(allClicks)
		r.apply(r.hit(1, 0, 9*time.Hour, opened))
		must(db.Erase(ctx, "cid@example.org", now))(t)
		told(allClicks, "message.opened 1 9h0m0s:  ")
	})
}

// A click that was not told yet is told, also when a replay finds it, only when it has
// rested: by its number, whenever it was made.
func TestClicksRestByNumber(t *testing.T) { // X9
	each(t, func(t *testing.T, db *store.DB, _ string) {
		ctx := t.Context()
		r := readers(t, db)
		runImport(t, db, listNamed(t, db, "news").ID, false, row(1, "ann@example.org", `{}`))
		must(db.SetListTracking(ctx, listNamed(t, db, "news").ID, campaign.TrackIndividual))(t)
		must(db.AddWebhook(ctx, webhook.Endpoint{URL: "https://example.org/hook", Types: []webhook.Type{webhook.Clicked}, State: webhook.Active, Secret: []byte("key"), Created: now}, 3))(t)
		if last := must(db.LastWebhookFact(ctx))(t); last != 0 {
			t.Errorf("the last of none is %d", last)
		}
		r.apply(r.hit(1, 1, time.Hour, campaign.ByPerson))
		first := must(db.LastWebhookFact(ctx))(t)
		r.apply(r.hit(1, 2, 2*time.Hour, campaign.ByPerson))
		second := must(db.LastWebhookFact(ctx))(t)
		check := func(clicks int64, untold, since []int64) {
			t.Helper()
			ids := func(facts []webhook.Fact) (ids []int64) {
				for _, f := range facts {
					ids = append(ids, f.ID)
				}
				return ids
			}
			if got := ids(must(db.WebhookFacts(ctx, clicks, 10))(t)); !slices.Equal(got, untold) {
				t.Errorf("untold up to %d: %v, want %v", clicks, got, untold)
			}
			if got := ids(must(db.WebhookFactsSince(ctx, now, clicks, 0, 10))(t)); !slices.Equal(got, since) {
				t.Errorf("since up to %d: %v, want %v", clicks, got, since)
			}
		}
		check(first-1, nil, nil)
		check(first, []int64{first}, []int64{first})
		if err := db.WebhookFactsTold(ctx, []int64{first}); err != nil {
			t.Fatal(err)
		}
		check(0, nil, []int64{first}) // what was told is no secret
		check(second, []int64{second}, []int64{first, second})
		if last := must(db.LastWebhookFact(ctx))(t); last != second {
			t.Errorf("the last is %d, want %d", last, second)
		}
	})
}

// What is of one time is told in one order, whichever run it is of.
func TestHitsAreToldInOrder(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, _ string) {
		ctx := t.Context()
		people(t, db)
		runImport(t, db, newList(t, db, "news"), false, row(1, "ann@example.org", `{}`))
		must(db.SetListTracking(ctx, listNamed(t, db, "news").ID, campaign.TrackIndividual))(t)
		must(db.AddWebhook(ctx, webhook.Endpoint{URL: "https://example.org/hook", Types: []webhook.Type{webhook.Opened, webhook.OpenedByMachine}, State: webhook.Active, Secret: []byte("key"), Created: now}, 3))(t)
		var hits []campaign.Hit
		for i := range 8 {
			hits = append(hits, campaign.Hit{Run: runOfPeople(t, db, fmt.Sprint("run ", i)), Contact: 1, At: now.Add(time.Hour)})
		}
		slices.Reverse(hits)
		if err := db.ApplyHits(ctx, 0, 1, hits); err != nil {
			t.Fatal(err)
		}
		var runs []campaign.RunID
		for _, f := range must(db.WebhookFacts(ctx, allClicks, 100))(t) {
			if f.Type == webhook.OpenedByMachine { // nothing was sent
				runs = append(runs, f.Run)
			}
		}
		if len(runs) != len(hits) || !slices.IsSorted(runs) {
			t.Errorf("told of the runs %v", runs)
		}
	})
}
