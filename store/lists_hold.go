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
// a list that is gone. On PostgreSQL that is an advisory lock, and not one on the list's
// row: who waits to take a row keeps back those who hold it already and are about to
// change its counts. On SQLite there is one writer anyway.

// lockLists is the class of the advisory locks on lists, beside their id.
const lockLists = 827

// holdList keeps a list from being deleted until the transaction ends;
// campaign.ErrNotFound.
func (db *DB) holdList(ctx context.Context, t *tx, id campaign.ListID) error {
	if err := db.holdLists(ctx, t, []int64{int64(id)}); err != nil {
		return err
	}
	var name string
	err := t.get(ctx, &name, "SELECT name FROM lists WHERE id = ?", int64(id))
	if errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("list %d: %w", id, campaign.ErrNotFound)
	}
	return err
}

// holdLists keeps lists from being deleted, if they are there; the ids ascend.
func (db *DB) holdLists(ctx context.Context, t *tx, ids []int64) error {
	if !db.postgres {
		return nil
	}
	for _, id := range ids {
		if _, err := t.exec(ctx, "SELECT pg_advisory_xact_lock_shared(?::int, ?::int)", lockLists, id); err != nil {
			return err
		}
	}
	return nil
}

// holdAudience is holdList for all lists that a campaign names.
func (db *DB) holdAudience(ctx context.Context, t *tx, s campaign.Spec) error {
	names := slices.Concat(s.Lists, s.Exclude)
	if len(names) == 0 {
		return nil
	}
	var ids []int64
	if err := t.SelectContext(ctx, &ids, t.Rebind("SELECT id FROM lists WHERE "+db.in("name")+" ORDER BY id"), db.array(names)); err != nil {
		return err
	}
	if err := db.holdLists(ctx, t, ids); err != nil {
		return err
	}
	var there []string // still
	if err := t.SelectContext(ctx, &there, t.Rebind("SELECT name FROM lists WHERE "+db.in("id")), db.array(ids)); err != nil {
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
	if db.postgres {
		if _, err := t.exec(ctx, "SELECT pg_advisory_xact_lock(?::int, ?::int)", lockLists, int64(id)); err != nil {
			return "", err
		}
	}
	var name string
	err := t.get(ctx, &name, "SELECT name FROM lists WHERE id = ?", int64(id))
	if errors.Is(err, sql.ErrNoRows) {
		err = campaign.ErrNotFound
	}
	return name, err
}
