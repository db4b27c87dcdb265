package store_test

import (
	"bytes"
	"errors"
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
		if len(keys) != 3 || !keys[0].Retired || !bytes.Equal(keys[0].Secret, first) || !keys[1].Retired || len(keys[1].Secret) != 0 || keys[2].Retired || len(keys[2].Secret) != 32 {
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
