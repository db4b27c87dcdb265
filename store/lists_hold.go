package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"broadside/campaign"
)

// Whoever writes down something that hangs on a list (a membership, a form, a run that
// names it) holds the list first, and DeleteList takes it alone: then nothing is left of
// a list that is gone. On PostgreSQL that is a lock on the list's row, which lets its
// counts change; on SQLite there is one writer anyway.

// holdList keeps a list from being deleted until the transaction ends;
// campaign.ErrNotFound.
func (db *DB) holdList(ctx context.Context, t *tx, id campaign.ListID) error {
	var name string
	err := t.get(ctx, &name, "SELECT name FROM lists WHERE id = ?"+db.forKeyShare(), int64(id))
	if errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("list %d: %w", id, campaign.ErrNotFound)
	}
	return err
}

// holdAudience is holdList for all lists that a campaign names.
func (db *DB) holdAudience(ctx context.Context, t *tx, s campaign.Spec) error {
	names := slices.Concat(s.Lists, s.Exclude)
	if len(names) == 0 {
		return nil
	}
	var there []string
	err := t.SelectContext(ctx, &there, t.Rebind("SELECT name FROM lists WHERE "+db.in("name")+" ORDER BY id"+db.forKeyShare()), db.array(names))
	if err != nil {
		return err
	}
	for _, name := range names {
		if !slices.Contains(there, name) {
			return fmt.Errorf("the list %q: %w", name, campaign.ErrNotFound)
		}
	}
	return nil
}

// takeList waits for those who hold a list and lets nobody hold it until the transaction
// ends; it returns the list's name, or campaign.ErrNotFound.
func (db *DB) takeList(ctx context.Context, t *tx, id campaign.ListID) (string, error) {
	query := "SELECT name FROM lists WHERE id = ?"
	if db.postgres {
		query += " FOR UPDATE"
	}
	var name string
	err := t.get(ctx, &name, query, int64(id))
	if errors.Is(err, sql.ErrNoRows) {
		err = campaign.ErrNotFound
	}
	return name, err
}

func (db *DB) forKeyShare() string {
	if db.postgres {
		return " FOR KEY SHARE"
	}
	return ""
}
