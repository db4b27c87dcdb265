package store_test

import (
	"slices"
	"testing"

	"broadside/campaign"
	"broadside/store"
)

func TestLeftOf(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, _ string) {
		ctx := t.Context()
		a, b := newList(t, db, "a"), newList(t, db, "b")
		runImport(t, db, a, false, row(1, "ann@example.org", `{}`), row(2, "ben@example.org", `{}`))
		runImport(t, db, b, false, row(1, "ann@example.org", `{}`), row(2, "cleo@example.org", `{}`))
		who := []campaign.ContactID{1, 2, 3, 99}
		check := func(lists []string, want ...bool) {
			t.Helper()
			if got := must(db.LeftOf(ctx, lists, who))(t); !slices.Equal(got, want) {
				t.Errorf("left %v: %v, want %v", lists, got, want)
			}
		}
		check([]string{"a"}, false, false, true, true)
		check([]string{"a", "b"}, false, false, false, true)
		if err := db.Unsubscribe(ctx, 1, a, now); err != nil {
			t.Fatal(err)
		}
		check([]string{"a"}, true, false, true, true)
		check([]string{"a", "b"}, false, false, false, true) // still in b
		if err := db.Unsubscribe(ctx, 1, 0, now); err != nil {
			t.Fatal(err)
		}
		check([]string{"a", "b"}, true, false, false, true)
	})
}
