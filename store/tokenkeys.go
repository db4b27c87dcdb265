package store

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"broadside/campaign"
)

// TokenKey is a key of the tokens in messages.
type TokenKey struct {
	Number  int // from 1
	Secret  []byte
	Created time.Time // zero for the first
	// Retired: the secret is gone, but for that of the first, which makes Message-IDs.
	Retired bool
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
		if r.Number == 1 { // says only that the first is retired
			keys[0].Retired = true
			continue
		}
		keys = append(keys, TokenKey{r.Number, r.Secret, fromMillis(r.Created), len(r.Secret) == 0})
	}
	return keys, nil
}

// RetireTokenKey takes a key's secret away for ever; its number is not given again.
// campaign.ErrNotFound. It is for the caller to know that the key is not in use.
func (db *DB) RetireTokenKey(ctx context.Context, number int) error {
	err := db.change(ctx, func(t *tx) error {
		if number == 1 {
			_, err := t.exec(ctx, "INSERT INTO token_keys (number, secret, created) VALUES (1, ?, 0) ON CONFLICT DO NOTHING", []byte{})
			return err
		}
		n, err := t.exec(ctx, "UPDATE token_keys SET secret = ? WHERE number = ?", []byte{}, number)
		if err == nil && n == 0 {
			err = campaign.ErrNotFound
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("retire key %d of tokens: %w", number, err)
	}
	return nil
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
