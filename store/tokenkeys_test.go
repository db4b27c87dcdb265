package store_test

import (
	"bytes"
	"errors"
	"slices"
	"testing"
	"time"

	"broadside/campaign"
	"broadside/store"
)

func TestTokenKeys(t *testing.T) { // X8
	each(t, func(t *testing.T, db *store.DB, _ string) {
		ctx := t.Context()
		first := must(db.Secret(ctx, "tokens"))(t)
		keys := must(db.TokenKeys(ctx))(t)
		if len(keys) != 1 || keys[0].Number != 1 || !bytes.Equal(keys[0].Secret, first) || !keys[0].Created.IsZero() {
			t.Fatalf("%+v", keys)
		}
		for n := 2; n <= 3; n++ {
			at := now.Add(time.Duration(n) * time.Hour)
			k := must(db.AddTokenKey(ctx, at))(t)
			keys = must(db.TokenKeys(ctx))(t)
			last := keys[len(keys)-1]
			if k.Number != n || len(keys) != n || last.Number != n || !bytes.Equal(last.Secret, k.Secret) || len(k.Secret) != 32 || !last.Created.Equal(at) {
				t.Errorf("key %+v of %+v", k, keys)
			}
		}
		for range 2 { // the second time changes nothing
			for n := 1; n <= 2; n++ {
				if err := db.RetireTokenKey(ctx, n); err != nil {
					t.Fatal(err)
				}
			}
		}
		keys = must(db.TokenKeys(ctx))(t)
		if len(keys) != 3 || !keys[0].Retired || !bytes.Equal(keys[0].Secret, first) || !keys[1].Retired || keys[1].Secret != nil || keys[2].Retired || len(keys[2].Secret) != 32 {
			t.Errorf("retired: %+v", keys)
		}
		if err := db.RetireTokenKey(ctx, 9); !errors.Is(err, campaign.ErrNotFound) {
			t.Errorf("no key: %v", err)
		}
		if k := must(db.AddTokenKey(ctx, now))(t); k.Number != 4 {
			t.Errorf("a number is given again: %d", k.Number)
		}
	})
}

// A process from before keys were retired has the rows of token_keys for the keys 2, 3, …
// and what stands there for their secrets: nothing that anybody knows. A row that said that
// the first is retired, as it was said before, says so still.
func TestRetiredKeysBesideAnOlderProcess(t *testing.T) { // X8
	each(t, func(t *testing.T, db *store.DB, url string) {
		ctx := t.Context()
		second := must(db.AddTokenKey(ctx, now))(t)
		must(db.AddTokenKey(ctx, now.Add(time.Hour)))(t)
		for n := 1; n <= 2; n++ {
			if err := db.RetireTokenKey(ctx, n); err != nil {
				t.Fatal(err)
			}
		}
		raw := rawDB(t, url)
		rows := must(raw.Query("SELECT number, secret FROM token_keys ORDER BY number"))(t)
		defer rows.Close()
		var numbers []int
		for rows.Next() {
			var n int
			var secret []byte
			if err := rows.Scan(&n, &secret); err != nil {
				t.Fatal(err)
			}
			numbers = append(numbers, n)
			if len(secret) < 16 || bytes.Equal(secret, second.Secret) {
				t.Errorf("key %d has %d bytes", n, len(secret))
			}
		}
		if err := rows.Err(); err != nil || !slices.Equal(numbers, []int{2, 3}) {
			t.Errorf("rows of the keys %v, %v", numbers, err)
		}
		for _, statement := range []string{"DELETE FROM secrets WHERE name <> 'tokens'", "UPDATE token_keys SET secret = '' WHERE number = 2", "INSERT INTO token_keys (number, secret, created) VALUES (1, '', 0)"} {
			must(raw.Exec(statement))(t)
		}
		keys := must(db.TokenKeys(ctx))(t)
		if len(keys) != 3 || !keys[0].Retired || !keys[1].Retired || keys[2].Retired || keys[2].Number != 3 {
			t.Errorf("as it was said before: %+v", keys)
		}
	})
}
