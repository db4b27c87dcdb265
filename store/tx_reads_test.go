package store_test

import (
	"context"
	"testing"
	"time"

	"broadside/campaign"
	"broadside/campaign/webhook"
	"broadside/store"
)

// A transaction reads through its own connection: with no other one it does not wait for
// ever, as many would that have all connections among them and want one more each.
func TestTransactionsNeedOneConnection(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, url string) {
		r := readers(t, db)
		a, news := listNamed(t, db, "a").ID, listNamed(t, db, "news").ID
		runImport(t, db, news, false, row(1, "ann@example.org", `{}`))
		must(db.SetListTracking(t.Context(), news, campaign.TrackIndividual))(t)
		must(db.AddWebhook(t.Context(), webhook.Endpoint{URL: "https://example.org/hook", Types: []webhook.Type{webhook.Opened}, State: webhook.Active, Secret: []byte("key"), Created: now}, 3))(t)
		weekly := must(db.SetRecurrence(t.Context(), newCampaign(t, db, "weekly"), now))(t)
		next := weekly
		next.Next = now.Add(time.Hour)

		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		for what, do := range map[string]func(db *store.DB) error{
			"a list that goes": func(db *store.DB) error { _, err := db.DeleteList(ctx, a, false); return err },
			"a hit": func(db *store.DB) error {
				return db.ApplyHits(ctx, r.at, r.at+1, []campaign.Hit{r.hit(1, 0, time.Hour, campaign.ByPerson)})
			},
			"a repetition": func(db *store.DB) error { _, _, err := db.Recur(ctx, weekly, next, now, now); return err },
		} {
			one := must(store.Open(ctx, url, store.Options{Conns: 1}))(t) // which has read no campaign yet
			if err := do(one); err != nil {
				t.Errorf("%s: %v", what, err)
			}
			if err := one.Close(); err != nil {
				t.Error(err)
			}
		}
	})
}
