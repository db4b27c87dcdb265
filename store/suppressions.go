package store

import (
	"context"
	"fmt"

	"broadside/campaign"
)

// Suppress adds addresses; those already there stay as they are. It returns how many
// are new. Their ids are committed in ascending order, so that a reader who asks
// for what is above the last id it saw misses none.
func (db *DB) Suppress(ctx context.Context, entries []campaign.Suppression) (int64, error) {
	var added int64
	err := db.change(ctx, func(t *tx) error {
		var err error
		added, err = db.suppress(ctx, t, entries)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("suppress %d addresses: %w", len(entries), err)
	}
	return added, nil
}

func (db *DB) suppress(ctx context.Context, t *tx, entries []campaign.Suppression) (int64, error) {
	if err := db.lock(ctx, t, lockSuppressions); err != nil {
		return 0, err
	}
	return t.insertRows(ctx, "INSERT INTO suppressions (address, reason, detail, at)", 4, "ON CONFLICT DO NOTHING", len(entries), func(args []any, i int) []any {
		e := &entries[i]
		return append(args, address(e.Email), e.Reason, storable(e.Detail), millis(e.At))
	})
}

// Unsuppress takes an address off the suppression list; campaign.ErrNotFound.
func (db *DB) Unsuppress(ctx context.Context, email string) error {
	return db.change(ctx, func(t *tx) error {
		n, err := t.exec(ctx, "DELETE FROM suppressions WHERE address = ?", address(email))
		if err == nil && n == 0 {
			err = campaign.ErrNotFound
		}
		if err != nil {
			return fmt.Errorf("suppression of %s: %w", email, err)
		}
		return nil
	})
}

// Suppressions pages through the suppression list in order of arrival.
func (db *DB) Suppressions(ctx context.Context, after int64, limit int) ([]campaign.Suppression, error) {
	var rows []suppressionRow
	err := db.selectAll(ctx, &rows, "SELECT id, address, reason, detail, at FROM suppressions WHERE id > ? ORDER BY id LIMIT ?", after, limit)
	if err != nil {
		return nil, fmt.Errorf("read the suppression list: %w", err)
	}
	list := make([]campaign.Suppression, len(rows))
	for i, r := range rows {
		list[i] = r.suppression()
	}
	return list, nil
}

// SuppressedOf tells for each address whether it is on the suppression list, in one
// query.
func (db *DB) SuppressedOf(ctx context.Context, emails []string) ([]bool, error) {
	addresses := make([]string, len(emails))
	for i, email := range emails {
		addresses[i] = address(email)
	}
	var found []string
	if err := db.selectAll(ctx, &found, "SELECT address FROM suppressions WHERE "+db.in("address"), db.array(addresses)); err != nil {
		return nil, fmt.Errorf("look up %d suppressions: %w", len(emails), err)
	}
	set := make(map[string]bool, len(found))
	for _, a := range found {
		set[a] = true
	}
	suppressed := make([]bool, len(emails))
	for i, a := range addresses {
		suppressed[i] = set[a]
	}
	return suppressed, nil
}
