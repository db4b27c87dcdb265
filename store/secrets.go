package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
)

// Secret returns the 32 random bytes of a name, which are made when they are first
// asked for and are the same for all processes from then on.
func (db *DB) Secret(ctx context.Context, name string) ([]byte, error) {
	const query = "SELECT value FROM secrets WHERE name = ?"
	var value []byte
	err := db.read.GetContext(ctx, &value, db.read.Rebind(query), name)
	if !errors.Is(err, sql.ErrNoRows) {
		return value, err
	}
	fresh := make([]byte, 32)
	rand.Read(fresh) // never fails
	err = db.change(ctx, func(t *tx) error {
		if _, err := t.exec(ctx, "INSERT INTO secrets (name, value) VALUES (?, ?) ON CONFLICT DO NOTHING", name, fresh); err != nil {
			return err
		}
		return t.get(ctx, &value, query, name)
	})
	if err != nil {
		return nil, fmt.Errorf("secret %s: %w", name, err)
	}
	return value, nil
}
