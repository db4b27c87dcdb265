package store_test

import (
	"bytes"
	"testing"
	"time"

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
	})
}
