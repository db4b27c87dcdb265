package store_test

import (
	"errors"
	"slices"
	"testing"

	"broadside/campaign"
	"broadside/store"
)

func TestSearch(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, _ string) {
		ctx := t.Context()
		news := newList(t, db, "news")
		rows := []campaign.ImportRow{}
		for i, email := range []string{"Ann@example.org", "anna@example.org", "annétte@example.org", "an%n@example.org", "bob@example.org"} {
			rows = append(rows, row(int64(i+1), email, `{}`))
		}
		runImport(t, db, news, false, rows...)
		var entries []campaign.Suppression
		for _, r := range rows {
			entries = append(entries, campaign.Suppression{Email: r.Email, Reason: "manual", At: now})
		}
		must(db.Suppress(ctx, entries))(t)
		for _, test := range []struct {
			prefix, after string
			want          []string
		}{
			{"ANN", "", []string{"Ann@example.org", "anna@example.org", "annétte@example.org"}},
			{"ann", "ann@example.org", []string{"anna@example.org", "annétte@example.org"}},
			{"an%", "", []string{"an%n@example.org"}},
			{"b", "anna@example.org", []string{"bob@example.org"}}, // a page of another search
			{"x", "", nil},
		} {
			var got []string
			for _, c := range must(db.SearchContacts(ctx, test.prefix, test.after, 10))(t) {
				got = append(got, c.Email)
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("contacts %q after %q: %q", test.prefix, test.after, got)
			}
			if n := len(must(db.SearchSuppressions(ctx, test.prefix, test.after, 10))(t)); n != len(test.want) {
				t.Errorf("suppressions %q after %q: %d", test.prefix, test.after, n)
			}
		}
		if page := must(db.SearchContacts(ctx, "", "", 2))(t); len(page) != 2 || page[0].Email != "an%n@example.org" {
			t.Errorf("first page %+v", page)
		}
	})
}

func TestByNumber(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, _ string) {
		ctx := t.Context()
		news := newList(t, db, "news")
		runImport(t, db, news, false, row(1, "Ann@example.org", `{"n":1}`))
		c := must(db.ContactByEmail(ctx, "ann@example.org"))(t)
		if got := must(db.ContactByID(ctx, c.ID))(t); got.Email != "Ann@example.org" || string(got.Attributes) != `{"n":1}` {
			t.Errorf("contact %+v", got)
		}
		if l := must(db.ListByID(ctx, news))(t); l.Name != "news" || l.Subscribed != 1 {
			t.Errorf("list %+v", l)
		}
		if err := db.Unsubscribe(ctx, c.ID, news, now); err != nil {
			t.Fatal(err)
		}
		if m := must(db.MembershipsOf(ctx, c.ID))(t); len(m) != 1 || m[0].List.Name != "news" || m[0].Status != campaign.OptedOut || !m[0].Changed.Equal(now) {
			t.Errorf("memberships %+v", m)
		}
		spring := must(db.CreateCampaign(ctx, campaign.Spec{Name: "spring"}, now))(t)
		if got := must(db.CampaignByID(ctx, spring.ID))(t); got.Spec.Name != "spring" {
			t.Errorf("campaign %+v", got)
		}
		run := must(db.CreateRun(ctx, spring, campaign.RunScheduled, now, now))(t)
		if runs := must(db.RunsOf(ctx, spring.ID, 0, 10))(t); len(runs) != 1 || runs[0].ID != run.ID {
			t.Errorf("runs %+v", runs)
		}
		if runs := must(db.RunsOf(ctx, spring.ID, run.ID, 10))(t); len(runs) != 0 {
			t.Errorf("runs before the first: %+v", runs)
		}
		rows := []campaign.NewRecipient{
			{Lane: 1, Contact: c.ID, State: campaign.Skipped, Reason: campaign.Unsubscribed},
			{Lane: 1, Contact: c.ID + 1, State: campaign.Skipped, Reason: campaign.Suppressed},
		}
		if _, err := db.StartRun(ctx, run.ID, now); err != nil {
			t.Fatal(err)
		}
		if err := db.AppendRecipients(ctx, run.ID, 0, c.ID+1, rows, true); err != nil {
			t.Fatal(err)
		}
		got := must(db.RecipientsBecause(ctx, run.ID, campaign.Skipped, campaign.Unsubscribed, campaign.Recipient{}, 10))(t)
		if len(got) != 1 || got[0].Contact != c.ID {
			t.Errorf("recipients %+v", got)
		}
		first := must(db.Everybody(ctx, run.ID, campaign.Recipient{}, 1))(t)
		if len(first) != 1 || first[0].Email != "Ann@example.org" || first[0].Reason != campaign.Unsubscribed {
			t.Fatalf("the first of everybody: %+v", first)
		}
		if rest := must(db.Everybody(ctx, run.ID, first[0].Recipient, 10))(t); len(rest) != 1 || rest[0].Contact != c.ID+1 || rest[0].Reason != campaign.Suppressed {
			t.Errorf("the rest of everybody: %+v", rest)
		}
		if latest := must(db.LatestRuns(ctx, []campaign.CampaignID{spring.ID, 99}))(t); len(latest) != 1 || latest[spring.ID].ID != run.ID {
			t.Errorf("latest runs %+v", latest)
		}
		if counts := must(db.CountsOf(ctx, []campaign.RunID{run.ID, 99}))(t); len(counts) != 1 || counts[run.ID] != must(db.Counts(ctx, run.ID))(t) {
			t.Errorf("counts %+v", counts)
		}
		for what, err := range map[string]error{
			"list":        second(db.ListByID(ctx, 99)),
			"contact":     second(db.ContactByID(ctx, 99)),
			"campaign":    second(db.CampaignByID(ctx, 99)),
			"suppression": second(db.SuppressionOf(ctx, "ann@example.org")),
		} {
			if !errors.Is(err, campaign.ErrNotFound) {
				t.Errorf("no such %s: %v", what, err)
			}
		}
	})
}

func second[T any](_ T, err error) error { return err }
