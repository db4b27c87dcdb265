package store_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"broadside/campaign"
	"broadside/store"
)

// Who left a list alone comes back alone; who was taken off does not.
func TestLeaveAndReturn(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, url string) {
		ctx := t.Context()
		people(t, db)
		a := must(db.ListByName(ctx, "a"))(t).ID
		runImport(t, db, a, false, row(1, "ann@example.org", `{}`), row(2, "bob@example.org", `{}`))
		ann, bob := must(db.ContactByEmail(ctx, "ann@example.org"))(t).ID, must(db.ContactByEmail(ctx, "bob@example.org"))(t).ID
		status := func(c campaign.ContactID) campaign.Membership {
			t.Helper()
			for _, m := range must(db.MembershipsOf(ctx, c))(t) {
				if m.List.ID == a {
					return m
				}
			}
			return campaign.Membership{}
		}
		for _, list := range []campaign.ListID{a, 0} { // one list, and all
			if err := db.Leave(ctx, ann, list, 0, now); err != nil {
				t.Fatal(err)
			}
			if m := status(ann); m.Status != campaign.OptedOut || !m.ByPerson {
				t.Errorf("%+v", m)
			}
			// Taken off as well, she may still come back: she had left before that.
			if err := db.Unsubscribe(ctx, ann, a, now); err != nil {
				t.Fatal(err)
			}
			back := campaign.Consent{Contact: ann, List: a, At: now.Add(time.Hour), How: "page", IP: "192.0.2.1", Agent: "Browser", Form: "words"}
			if !must(db.Return(ctx, back))(t) {
				t.Error("she may not come back")
			}
			if must(db.Return(ctx, back))(t) {
				t.Error("she came back twice")
			}
			if m := status(ann); m.Status != campaign.Subscribed || m.ByPerson || !m.Changed.Equal(now.Add(time.Hour)) {
				t.Errorf("%+v", m)
			}
			checkLists(t, db, url)
		}
		if consents := must(db.ConsentsOf(ctx, ann))(t); len(consents) != 2 || consents[1].Agent != "Browser" || consents[1].How != "page" {
			t.Errorf("%+v", consents)
		}
		if err := db.Unsubscribe(ctx, bob, a, now); err != nil {
			t.Fatal(err)
		}
		if must(db.Return(ctx, campaign.Consent{Contact: bob, List: a, At: now}))(t) || status(bob).Status != campaign.OptedOut {
			t.Error("who was taken off came back alone")
		}
		if err := db.Leave(ctx, 999, a, 0, now); !errors.Is(err, campaign.ErrNotFound) {
			t.Errorf("a stranger leaves: %v", err)
		}
		checkLists(t, db, url)
	})
}

// Who leaves by the link of a run's message is counted for it, once, at the site.
func TestLeftByARun(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, _ string) {
		ctx := t.Context()
		people(t, db)
		run := runOfPeople(t, db, "may")
		b := newList(t, db, "b")
		runImport(t, db, b, false, row(1, "ann@example.org", `{}`), row(2, "zoe@example.org", `{}`))
		a := must(db.ListByName(ctx, "a"))(t).ID
		zoe := must(db.ContactByEmail(ctx, "zoe@example.org"))(t).ID // no recipient of the run
		for _, leaves := range []struct {
			contact campaign.ContactID
			list    campaign.ListID
			run     campaign.RunID
		}{{1, a, run}, {1, b, run}, {1, a, run}, {2, 0, run}, {3, a, 0}, {zoe, b, run}} {
			if err := db.Leave(ctx, leaves.contact, leaves.list, leaves.run, now); err != nil {
				t.Fatal(err)
			}
		}
		want := []campaign.FeedbackCount{{Lane: 1, Kind: campaign.Unsubscription, N: 2}}
		if got := must(db.FeedbackCounts(ctx, run))(t); !slices.Equal(got, want) {
			t.Errorf("counts %+v, want %+v", got, want)
		}
		if got := suppressed(t, db); len(got) > 0 {
			t.Errorf("suppressed %q: who leaves a list is not", got)
		}
	})
}

func TestPresentList(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, _ string) {
		ctx := t.Context()
		l := must(db.CreateList(ctx, "news", now))(t)
		if l.PublicTitle() != "news" || l.Visible {
			t.Errorf("%+v", l)
		}
		p := campaign.Presentation{Title: "Harbour News", Description: "Monthly", Visible: true}
		if got := must(db.PresentList(ctx, l.ID, p))(t); got.Presentation != p || got.PublicTitle() != "Harbour News" || got != must(db.ListByID(ctx, l.ID))(t) {
			t.Errorf("%+v", got)
		}
		if _, err := db.PresentList(ctx, 999, p); !errors.Is(err, campaign.ErrNotFound) {
			t.Errorf("a list that is not there: %v", err)
		}
	})
}
