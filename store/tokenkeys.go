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

// An older process, that knows of no retired keys, takes the rows of token_keys for the keys
// 2, 3, … and every secret for one that is in use: one that anybody knows, as an empty one,
// would let anybody make tokens there. So a retired key has random bytes in the place of its
// secret, fewer than those, and that the first is retired stands among the secrets.
const (
	tokenKeySize   = 32
	retiredKeySize = tokenKeySize / 2
	firstRetired   = "tokens retired"
)

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
	if err := db.get(ctx, "whether the first key is retired", &keys[0].Retired, "SELECT EXISTS (SELECT 1 FROM secrets WHERE name = ?)", firstRetired); err != nil {
		return nil, err
	}
	for _, r := range rows {
		if r.Number == 1 { // says that the first is retired, as it was said before
			keys[0].Retired = true
			continue
		}
		k := TokenKey{Number: r.Number, Secret: r.Secret, Created: fromMillis(r.Created), Retired: len(r.Secret) < tokenKeySize}
		if k.Retired {
			k.Secret = nil
		}
		keys = append(keys, k)
	}
	return keys, nil
}

// RetireTokenKey takes a key's secret away for ever; its number is not given again.
// campaign.ErrNotFound. It is for the caller to know that the key is not in use.
func (db *DB) RetireTokenKey(ctx context.Context, number int) error {
	err := db.change(ctx, func(t *tx) error {
		if number == 1 {
			_, err := t.exec(ctx, "INSERT INTO secrets (name, value) VALUES (?, ?) ON CONFLICT DO NOTHING", firstRetired, []byte{})
			return err
		}
		nobodys := make([]byte, retiredKeySize)
		rand.Read(nobodys) // never fails
		n, err := t.exec(ctx, "UPDATE token_keys SET secret = ? WHERE number = ?", nobodys, number)
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
	k := TokenKey{Secret: make([]byte, tokenKeySize), Created: fromMillis(millis(now))}
	rand.Read(k.Secret) // never fails
	err := db.change(ctx, func(t *tx) error {
		return t.get(ctx, &k.Number, "INSERT INTO token_keys (number, secret, created) SELECT COALESCE(MAX(number), 1) + 1, ?, ? FROM token_keys RETURNING number", k.Secret, millis(now))
	})
	if err != nil {
		return TokenKey{}, fmt.Errorf("add a key of tokens: %w", err)
	}
	return k, nil
}
