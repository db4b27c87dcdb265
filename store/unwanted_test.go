package store_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"broadside/campaign"
	"broadside/store"
)

func TestUnwantedOf(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, _ string) {
		ctx := t.Context()
		a, b := newList(t, db, "a"), newList(t, db, "b")
		runImport(t, db, a, false, row(1, "ann@example.org", `{}`), row(2, "ben@sub.example.net", `{}`), row(3, "Cleo@example.com", `{}`))
		runImport(t, db, b, false, row(1, "ann@example.org", `{}`), row(2, "dan@example.org", `{}`))
		people := []campaign.Addressee{{Contact: 1, Email: "ann@example.org"}, {Contact: 2, Email: "ben@sub.example.net"}, {Contact: 3, Email: "Cleo@example.com"}, {Contact: 4, Email: "dan@example.org"}, {Contact: 99, Email: ""}}
		check := func(lists []string, want ...campaign.Reason) {
			t.Helper()
			if got := must(db.UnwantedOf(ctx, lists, people, now))(t); !slices.Equal(got, append(want, campaign.Erased)) {
				t.Errorf("through %q: %v, want %v", lists, got, want)
			}
			audience := campaign.Audience{At: now}
			for _, name := range lists {
				audience.Lists = append(audience.Lists, must(db.ListByName(ctx, name))(t).ID)
			}
			for _, m := range must(db.AudiencePage(ctx, audience, 0, 100))(t) {
				planned := campaign.NoReason
				switch {
				case m.Suppressed:
					planned = campaign.Suppressed
				case m.Lapsed:
					planned = campaign.ConsentLapsed
				case !m.Subscribed:
					planned = campaign.Unsubscribed
				}
				if planned != want[m.ID-1] {
					t.Errorf("through %q: planned %s for %s, and %s when it is sent", lists, planned, m.Email, want[m.ID-1])
				}
			}
		}
		const ok, out, stop, lapsed = campaign.NoReason, campaign.Unsubscribed, campaign.Suppressed, campaign.ConsentLapsed
		check([]string{"a"}, ok, ok, ok, out)
		check([]string{"a", "b"}, ok, ok, ok, ok)
		check(nil, ok, ok, ok, ok)

		unsubscribe := func(contact campaign.ContactID, list campaign.ListID) {
			t.Helper()
			if err := db.Unsubscribe(ctx, contact, list, now); err != nil {
				t.Fatal(err)
			}
		}
		unsubscribe(1, a)
		check([]string{"a"}, out, ok, ok, out)
		check([]string{"a", "b"}, ok, ok, ok, ok) // still in b

		// On one list: ann is left only for b, where she is suppressed, and cleo for a.
		must(db.Suppress(ctx, []campaign.Suppression{{Email: "ann@example.org", List: b, At: now}, {Email: "cleo@example.com", List: b, At: now}}))(t)
		check([]string{"a", "b"}, stop, ok, ok, ok)
		check([]string{"a"}, out, ok, ok, out)
		check(nil, ok, ok, ok, ok)

		// A domain, and those below it; not one that only ends alike.
		must(db.Suppress(ctx, []campaign.Suppression{{Domain: "example.net", At: now}, {Domain: "ample.com", At: now}}))(t)
		check([]string{"a", "b"}, stop, stop, ok, ok)
		check(nil, ok, stop, ok, ok)
		must(db.Suppress(ctx, []campaign.Suppression{{Domain: "example.com", List: a, At: now}}))(t)
		check([]string{"a", "b"}, stop, stop, stop, ok)
		for list, who := range map[campaign.ListID]string{0: "example.net", a: "example.com"} {
			if err := db.UnsuppressOn(ctx, list, who); err != nil {
				t.Error(err)
			}
		}
		check([]string{"a", "b"}, stop, ok, ok, ok)

		// A consent with an end.
		record := func(c campaign.Consent) {
			t.Helper()
			if err := db.RecordConsent(ctx, c); err != nil {
				t.Fatal(err)
			}
		}
		record(campaign.Consent{Contact: 2, List: a, At: now, Until: now.Add(time.Millisecond)})
		check([]string{"a"}, out, ok, ok, out)
		record(campaign.Consent{Contact: 2, List: a, At: now, Until: now})
		check([]string{"a"}, out, lapsed, ok, out)
		record(campaign.Consent{Contact: 2, List: a, At: now})
		check([]string{"a"}, out, ok, ok, out)
	})
}

// Who was there under the scheme before stays suppressed, with their numbers.
func TestSuppressedKinds(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, _ string) {
		ctx := t.Context()
		list := newList(t, db, "a")
		entries := []campaign.Suppression{
			{Email: "Ann@example.org", Reason: "manual", At: now}, {Email: "ann@example.org", List: list, Reason: "manual", At: now},
			{Domain: "example.net", Reason: "manual", At: now}, {Hash: "hash:01020304-0102", Reason: "erased", At: now},
		}
		if n := must(db.Suppress(ctx, entries))(t); n != 4 {
			t.Errorf("%d new, want 4", n)
		}
		if n := must(db.Suppress(ctx, entries))(t); n != 0 {
			t.Errorf("%d new the second time", n)
		}
		all := must(db.Suppressions(ctx, 0, 10))(t)
		for i, want := range entries {
			want.ID, want.Email = all[i].ID, strings.ToLower(want.Email)
			if all[i] != want {
				t.Errorf("%+v, want %+v", all[i], want)
			}
		}
		// A page never ends between the lists of one entry.
		if got := must(db.SearchSuppressions(ctx, "", "", 1))(t); len(got) != 2 || got[0].Who() != "ann@example.org" || got[1].List != list {
			t.Errorf("first page %+v", got)
		}
		if got := must(db.SearchSuppressions(ctx, "", "ann@example.org", 5))(t); len(got) != 2 || got[0].Domain != "example.net" || got[1].Hash == "" {
			t.Errorf("second page %+v", got)
		}
		if s := must(db.SuppressionOf(ctx, "x@sub.example.net"))(t); s.Domain != "example.net" {
			t.Errorf("by domain: %+v", s)
		}
	})
}
