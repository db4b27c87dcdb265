package store_test

import (
	"errors"
	"testing"
	"time"

	"broadside/campaign"
	"broadside/campaign/account"
	"broadside/store"
)

func TestExpire(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, url string) {
		ctx := t.Context()
		people(t, db)
		run := runOfPeople(t, db, "may")
		ann, bob := campaign.Recipient{Run: run, Lane: 1, Contact: 1}, campaign.Recipient{Run: run, Lane: 1, Contact: 2}
		events := []campaign.Event{{Recipient: ann, Attempt: 1, State: campaign.Bounced, Reason: campaign.Refused, Code: 550, Reply: "no", At: now}}
		if err := db.Apply(ctx, 0, 1, events); err != nil {
			t.Fatal(err)
		}
		if err := db.Heard(ctx, []campaign.Feedback{{Recipient: bob, Kind: campaign.Refusal, Detail: "old", At: now}, {Recipient: ann, Kind: campaign.Refusal, Detail: "new", At: now.Add(time.Hour)}}); err != nil {
			t.Fatal(err)
		}
		for i := range 3 {
			if err := db.Log(ctx, account.Entry{At: now.Add(time.Duration(i) * time.Hour), Who: "op", Action: "look"}); err != nil {
				t.Fatal(err)
			}
		}
		expire := func(kind campaign.Data, before time.Time, want int64) {
			t.Helper()
			if n := must(db.Expire(ctx, kind, before))(t); n != want {
				t.Errorf("%d rows of %s went, want %d", n, kind, want)
			}
		}
		hits := []campaign.Hit{{Run: run, Contact: 1, At: now}, {Run: run, Contact: 2, At: now}, {Run: run, Contact: 2, At: now.Add(time.Hour)}}
		if err := db.ApplyHits(ctx, 0, 1, hits); err != nil {
			t.Fatal(err)
		}
		later := now.Add(24 * time.Hour)
		expire(campaign.AuditData, now, 0)
		expire(campaign.AuditData, now.Add(2*time.Hour), 2)
		expire(campaign.FeedbackData, now.Add(time.Hour), 1)
		expire(campaign.TrackingData, now.Add(time.Hour), 1)

		// The tries of a run stay until it has ended; its contacts, too.
		exclude := func(who ...campaign.ContactID) {
			t.Helper()
			raw := rawDB(t, url)
			for _, id := range who {
				must(raw.Exec("DELETE FROM members WHERE contact = " + string(rune('0'+id))))(t)
			}
		}
		exclude(1, 2)
		expire(campaign.AttemptData, later, 0)
		expire(campaign.ContactData, later, 0)
		if _, err := db.SetRunState(ctx, run, []campaign.RunState{campaign.RunRunning}, campaign.RunCancelled, "", now); err != nil {
			t.Fatal(err)
		}
		before := must(db.Counts(ctx, run))(t)
		expire(campaign.ContactData, now, 0) // not old enough
		expire(campaign.ContactData, later, 2)
		for email, want := range map[string]error{"ann@example.org": campaign.ErrNotFound, "bob@example.org": campaign.ErrNotFound, "cid@example.org": nil} {
			if _, err := db.ContactByEmail(ctx, email); !errors.Is(err, want) {
				t.Errorf("%s: %v", email, err)
			}
		}
		if after := must(db.Recount(ctx, run))(t); after != before {
			t.Errorf("the balance is %+v, was %+v", after, before)
		}
		if _, err := db.Expire(ctx, "letters", later); err == nil {
			t.Error("an unknown kind was expired")
		}
	})
}
