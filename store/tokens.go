package store

import (
	"context"
	"fmt"
	"time"

	"broadside/campaign"
	"broadside/campaign/account"
)

const tokenColumns = "id, user_id, name, hint, scopes, created, expires, used"

type tokenRow struct {
	ID     int64
	UserID int64 `db:"user_id"`
	Name   string
	Hint   string
	Scopes uint8

	Created, Expires, Used int64
}

func (r tokenRow) token() account.Token {
	return account.Token{
		ID: r.ID, User: account.UserID(r.UserID), Name: r.Name, Hint: r.Hint, Scopes: account.Permission(r.Scopes),
		Created: fromMillis(r.Created), Expires: fromMillis(r.Expires), Used: fromMillis(r.Used),
	}
}

// CreateToken stores a token under the hash of its text.
func (db *DB) CreateToken(ctx context.Context, t account.Token, hash []byte) (account.Token, error) {
	var r tokenRow
	err := db.change(ctx, func(tx *tx) error {
		return tx.get(ctx, &r, "INSERT INTO api_tokens (user_id, name, hint, scopes, hash, created, expires) VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING "+tokenColumns,
			int64(t.User), t.Name, t.Hint, int64(t.Scopes), hash, millis(t.Created), millis(t.Expires))
	})
	if err != nil {
		return account.Token{}, fmt.Errorf("create token %q: %w", t.Name, err)
	}
	return r.token(), nil
}

// TokenByHash finds a token; campaign.ErrNotFound.
func (db *DB) TokenByHash(ctx context.Context, hash []byte) (account.Token, error) {
	var r tokenRow
	err := db.get(ctx, "token", &r, "SELECT "+tokenColumns+" FROM api_tokens WHERE hash = ?", hash)
	return r.token(), err
}

// Tokens lists a user's tokens, oldest first.
func (db *DB) Tokens(ctx context.Context, user account.UserID) ([]account.Token, error) {
	var rows []tokenRow
	if err := db.selectAll(ctx, &rows, "SELECT "+tokenColumns+" FROM api_tokens WHERE user_id = ? ORDER BY id", int64(user)); err != nil {
		return nil, fmt.Errorf("read the tokens of user %d: %w", user, err)
	}
	tokens := make([]account.Token, len(rows))
	for i, r := range rows {
		tokens[i] = r.token()
	}
	return tokens, nil
}

// DeleteToken removes a token of a user; campaign.ErrNotFound.
func (db *DB) DeleteToken(ctx context.Context, user account.UserID, id int64) error {
	return db.change(ctx, func(t *tx) error {
		n, err := t.exec(ctx, "DELETE FROM api_tokens WHERE id = ? AND user_id = ?", id, int64(user))
		if err == nil && n == 0 {
			err = campaign.ErrNotFound
		}
		if err != nil {
			return fmt.Errorf("delete token %d: %w", id, err)
		}
		return nil
	})
}

// TokenUsed notes when a token was last used.
func (db *DB) TokenUsed(ctx context.Context, id int64, at time.Time) error {
	return db.change(ctx, func(t *tx) error {
		_, err := t.exec(ctx, "UPDATE api_tokens SET used = ? WHERE id = ?", millis(at), id)
		return err
	})
}
