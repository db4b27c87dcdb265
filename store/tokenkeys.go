package store

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"
)

// TokenKey is a key of the tokens in messages.
type TokenKey struct {
	Number  int // from 1
	Secret  []byte
	Created time.Time // zero for the first
}

// TokenKeys returns all keys in order of number, without a gap. The first is made when
// it is first asked for.
func (db *DB) TokenKeys(ctx context.Context) ([]TokenKey, error) {
	first, err := db.Secret(ctx, "tokens")
	if err != nil {
		return nil, err
	}
	var rows []struct {
		Number  int
		Secret  []byte
		Created int64
	}
	if err := db.selectAll(ctx, &rows, "SELECT number, secret, created FROM token_keys ORDER BY number"); err != nil {
		return nil, fmt.Errorf("read the keys of tokens: %w", err)
	}
	keys := []TokenKey{{Number: 1, Secret: first}}
	for _, r := range rows {
		keys = append(keys, TokenKey{r.Number, r.Secret, fromMillis(r.Created)})
	}
	return keys, nil
}

// AddTokenKey adds a key of 32 random bytes under the next number. Older keys stay.
func (db *DB) AddTokenKey(ctx context.Context, now time.Time) (TokenKey, error) {
	k := TokenKey{Secret: make([]byte, 32), Created: fromMillis(millis(now))}
	rand.Read(k.Secret) // never fails
	err := db.change(ctx, func(t *tx) error {
		return t.get(ctx, &k.Number, "INSERT INTO token_keys (number, secret, created) SELECT COALESCE(MAX(number), 1) + 1, ?, ? FROM token_keys RETURNING number", k.Secret, millis(now))
	})
	if err != nil {
		return TokenKey{}, fmt.Errorf("add a key of tokens: %w", err)
	}
	return k, nil
}
