package store_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"broadside/campaign"
	"broadside/store"
)

func TestLists(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, _ string) {
		ctx := t.Context()
		newList(t, db, "b")
		newList(t, db, "a")
		if _, err := db.CreateList(ctx, "a", now); !errors.Is(err, campaign.ErrExists) {
			t.Errorf("same name: %v", err)
		}
		if _, err := db.ListByName(ctx, "c"); !errors.Is(err, campaign.ErrNotFound) {
			t.Errorf("no list: %v", err)
		}
		if lists := must(db.Lists(ctx))(t); len(lists) != 2 || lists[0].Name != "a" || !lists[0].Created.Equal(now) {
			t.Errorf("lists %+v", lists)
		}
		if _, err := db.ContactByEmail(ctx, "nobody@example.org"); !errors.Is(err, campaign.ErrNotFound) {
			t.Errorf("no contact: %v", err)
		}
	})
}

func TestUnsubscribe(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, url string) {
		ctx := t.Context()
		a, b, c := newList(t, db, "a"), newList(t, db, "b"), newList(t, db, "c")
		runImport(t, db, a, false, row(1, "ann@example.org", `{}`))
		runImport(t, db, b, false, row(1, "ann@example.org", `{}`))
		for range 2 { // twice is once
			if err := db.Unsubscribe(ctx, 1, a, now); err != nil {
				t.Fatal(err)
			}
		}
		if l := listNamed(t, db, "a"); l.Unsubscribed != 1 || l.Subscribed != 0 {
			t.Errorf("a %+v", l)
		}
		if err := db.Unsubscribe(ctx, 1, 0, now); err != nil {
			t.Fatal(err)
		}
		if l := listNamed(t, db, "b"); l.Unsubscribed != 1 || l.Subscribed != 0 {
			t.Errorf("b %+v", l)
		}
		// Leaving a list that one is not in keeps one out.
		if err := db.Unsubscribe(ctx, 1, c, now); err != nil {
			t.Fatal(err)
		}
		if _, counts, _ := runImport(t, db, c, false, row(1, "ann@example.org", `{}`)); counts != (campaign.ImportCounts{Unsubscribed: 1}) {
			t.Errorf("import %+v", counts)
		}
		if err := db.Unsubscribe(ctx, 99, c, now); !errors.Is(err, campaign.ErrNotFound) {
			t.Errorf("no contact: %v", err)
		}
		if err := db.Unsubscribe(ctx, 1, 99, now); !errors.Is(err, campaign.ErrNotFound) {
			t.Errorf("no list: %v", err)
		}
		checkLists(t, db, url)
	})
}

func TestSuppressions(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, _ string) {
		ctx := t.Context()
		var entries []campaign.Suppression
		for i := range 250 {
			entries = append(entries, campaign.Suppression{Email: fmt.Sprintf("User%d@example.org", i), Reason: "bounced", Detail: "550", At: now})
		}
		if n := must(db.Suppress(ctx, entries))(t); n != 250 {
			t.Errorf("%d new", n)
		}
		again := []campaign.Suppression{{Email: "USER1@example.org", Reason: "manual", At: now}, {Email: "new@example.org", Reason: "manual", At: now}}
		if n := must(db.Suppress(ctx, again))(t); n != 1 {
			t.Errorf("%d new", n)
		}
		got := must(db.SuppressedOf(ctx, []string{"user1@example.org", "nobody@example.org", "NEW@example.org", "user1@example.org"}))(t)
		if !slices.Equal(got, []bool{true, false, true, true}) {
			t.Errorf("suppressed %v", got)
		}
		var last int64
		var all []campaign.Suppression
		for {
			page := must(db.Suppressions(ctx, last, 100))(t)
			if len(page) == 0 {
				break
			}
			for _, s := range page {
				if s.ID <= last {
					t.Fatalf("id %d after %d", s.ID, last)
				}
				last = s.ID
			}
			all = append(all, page...)
		}
		if len(all) != 251 || all[1].Email != "user1@example.org" || all[1].Reason != "bounced" || !all[1].At.Equal(now) {
			t.Errorf("%d entries, the second %+v", len(all), all[1])
		}
		// The last entry goes and another comes: a follower sees it.
		if err := db.Unsuppress(ctx, "New@example.org"); err != nil {
			t.Fatal(err)
		}
		if err := db.Unsuppress(ctx, "new@example.org"); !errors.Is(err, campaign.ErrNotFound) {
			t.Errorf("second time: %v", err)
		}
		must(db.Suppress(ctx, []campaign.Suppression{{Email: "newer@example.org", At: now}}))(t)
		if page := must(db.Suppressions(ctx, last, 10))(t); len(page) != 1 || page[0].Email != "newer@example.org" {
			t.Errorf("page %+v", page)
		}
	})
}

func TestAudience(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, _ string) {
		ctx := t.Context()
		people := func(from, to int) []campaign.ImportRow {
			var rows []campaign.ImportRow
			for i := from; i <= to; i++ {
				rows = append(rows, row(int64(i), fmt.Sprintf("Person%02d@example.org", i), fmt.Sprintf(`{"n":%d}`, i)))
			}
			return rows
		}
		a, b, x := newList(t, db, "a"), newList(t, db, "b"), newList(t, db, "x")
		runImport(t, db, a, false, people(1, 10)...)
		runImport(t, db, b, false, people(6, 15)...)
		runImport(t, db, x, false, people(9, 11)...)
		id := func(n int) campaign.ContactID {
			return must(db.ContactByEmail(ctx, fmt.Sprintf("person%02d@example.org", n)))(t).ID
		}
		for _, u := range []struct {
			n    int
			list campaign.ListID
		}{{1, a}, {6, a}, {7, a}, {7, b}, {9, x}} {
			if err := db.Unsubscribe(ctx, id(u.n), u.list, now); err != nil {
				t.Fatal(err)
			}
		}
		must(db.Suppress(ctx, []campaign.Suppression{{Email: "person03@example.org", At: now}}))(t)

		for _, limit := range []int{1, 3, 100} {
			var got []string
			var after campaign.ContactID
			for {
				page := must(db.AudiencePage(ctx, campaign.Audience{Lists: []campaign.ListID{b, a, b}, Exclude: []campaign.ListID{x}}, after, limit))(t)
				if len(page) == 0 {
					break
				}
				for _, m := range page {
					if m.ID <= after {
						t.Fatalf("contact %d after %d", m.ID, after)
					}
					after = m.ID
					mark := ""
					if !m.Subscribed {
						mark += "-"
					}
					if m.Suppressed {
						mark += "!"
					}
					got = append(got, m.Email[6:8]+mark)
				}
			}
			// 9 left the excluded list, and is excluded all the same.
			want := []string{"01-", "02", "03!", "04", "05", "06", "07-", "08", "12", "13", "14", "15"}
			if !slices.Equal(got, want) {
				t.Errorf("pages of %d: %q, want %q", limit, got, want)
			}
		}
		shown := campaign.Audience{Lists: []campaign.ListID{a}, Exclude: []campaign.ListID{x}, ShowExcluded: true}
		for _, m := range must(db.AudiencePage(ctx, shown, 0, 100))(t) {
			if excluded := m.Email == "Person09@example.org" || m.Email == "Person10@example.org"; m.Excluded != excluded {
				t.Errorf("%s: excluded %v", m.Email, m.Excluded)
			}
		}
		if last, members, err := db.LastMember(ctx, []campaign.ListID{a, b}); err != nil || last != id(15) || members != 20 {
			t.Errorf("last member %d of %d, %v", last, members, err)
		}
		if page := must(db.AudiencePage(ctx, campaign.Audience{}, 0, 10))(t); len(page) != 0 {
			t.Errorf("no lists: %+v", page)
		}
		if page := must(db.AudiencePage(ctx, campaign.Audience{Lists: []campaign.ListID{a}}, 0, 1))(t); len(page) != 1 || string(page[0].Attributes) != `{"n":1}` {
			t.Errorf("one list: %+v", page)
		}
	})
}
