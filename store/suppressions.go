package store

import (
	"context"
	"fmt"
	"strings"

	"broadside/campaign"
)

const suppressionColumns = "id, who, list, reason, detail, at"

type suppressionRow struct {
	ID             int64
	Who            string
	List           campaign.ListID
	Reason, Detail string
	At             int64
}

func (r suppressionRow) suppression() campaign.Suppression {
	s := campaign.Suppression{ID: r.ID, List: r.List, Reason: r.Reason, Detail: r.Detail, At: fromMillis(r.At)}
	switch {
	case strings.HasPrefix(r.Who, campaign.HashPrefix):
		s.Hash = r.Who
	case strings.Contains(r.Who, "@"):
		s.Email = r.Who
	default:
		s.Domain = r.Who
	}
	return s
}

func suppressionsOf(rows []suppressionRow) []campaign.Suppression {
	list := make([]campaign.Suppression, len(rows))
	for i, r := range rows {
		list[i] = r.suppression()
	}
	return list
}

// Suppress adds addresses, domains and hashes; those already there stay as they are. It
// returns how many are new. Their ids are committed in ascending order, so that a
// reader who asks for what is above the last id it saw misses none.
// campaign.ErrNotFound when a list that one of them is for is gone.
func (db *DB) Suppress(ctx context.Context, entries []campaign.Suppression) (int64, error) {
	var added int64
	err := db.change(ctx, func(t *tx) error {
		held := map[campaign.ListID]bool{0: true}
		for _, e := range entries {
			if held[e.List] {
				continue
			}
			if err := db.holdList(ctx, t, e.List); err != nil {
				return err
			}
			held[e.List] = true
		}
		var err error
		added, err = db.suppress(ctx, t, entries)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("suppress %d entries: %w", len(entries), err)
	}
	return added, nil
}

func (db *DB) suppress(ctx context.Context, t *tx, entries []campaign.Suppression) (int64, error) {
	if err := db.lock(ctx, t, lockSuppressions); err != nil {
		return 0, err
	}
	return t.insertRows(ctx, "INSERT INTO suppressions (who, list, reason, detail, at)", 5, "ON CONFLICT DO NOTHING", len(entries), func(args []any, i int) []any {
		e := &entries[i]
		return append(args, strings.ToLower(e.Who()), int64(e.List), e.Reason, e.Detail, millis(e.At))
	})
}

// Unsuppress lets mail go again to an address (whether it is kept as it is or as a
// hash), a domain or a hash, as far as it was suppressed whatever the list;
// campaign.ErrNotFound.
func (db *DB) Unsuppress(ctx context.Context, who string) error {
	return db.UnsuppressOn(ctx, 0, who)
}

// UnsuppressOn does so for what is suppressed on one list; a list of 0 is Unsuppress.
func (db *DB) UnsuppressOn(ctx context.Context, list campaign.ListID, who string) error {
	keys := []string{strings.ToLower(who)}
	if strings.Contains(who, "@") {
		keys = append(keys, db.hashes.one(address(who)))
	}
	return db.change(ctx, func(t *tx) error {
		n, err := t.exec(ctx, "DELETE FROM suppressions WHERE list = ? AND "+db.in("who"), int64(list), db.array(keys))
		if err == nil && n == 0 {
			err = campaign.ErrNotFound
		}
		if err != nil {
			return fmt.Errorf("suppression of %s: %w", who, err)
		}
		return nil
	})
}

// Suppressions pages through all suppressions in order of arrival.
func (db *DB) Suppressions(ctx context.Context, after int64, limit int) ([]campaign.Suppression, error) {
	var rows []suppressionRow
	err := db.selectAll(ctx, &rows, "SELECT "+suppressionColumns+" FROM suppressions WHERE id > ? ORDER BY id LIMIT ?", after, limit)
	if err != nil {
		return nil, fmt.Errorf("read the suppression list: %w", err)
	}
	return suppressionsOf(rows), nil
}

// SearchSuppressions pages through the suppressions whose address, domain or hash
// begins with a prefix, in that order; after "" starts. A page ends with all lists of
// its last entry, so that it may be longer than limit.
func (db *DB) SearchSuppressions(ctx context.Context, prefix, after string, limit int) ([]campaign.Suppression, error) {
	where, args := prefixRange("who", prefix, after)
	var last []string
	err := db.selectAll(ctx, &last, "SELECT who FROM (SELECT who FROM suppressions WHERE "+where+" ORDER BY who LIMIT ?) p ORDER BY who DESC LIMIT 1", append(args, limit)...)
	if err != nil {
		return nil, fmt.Errorf("search suppressions %q: %w", prefix, err)
	}
	if len(last) == 0 {
		return []campaign.Suppression{}, nil
	}
	var rows []suppressionRow
	err = db.selectAll(ctx, &rows, "SELECT "+suppressionColumns+" FROM suppressions WHERE "+where+" AND who <= ? ORDER BY who, list", append(args, last[0])...)
	if err != nil {
		return nil, fmt.Errorf("search suppressions %q: %w", prefix, err)
	}
	return suppressionsOf(rows), nil
}

// SuppressionOf finds what keeps mail from an address whatever the list: its own entry,
// its domain's or its hash; campaign.ErrNotFound.
func (db *DB) SuppressionOf(ctx context.Context, email string) (campaign.Suppression, error) {
	all, err := db.SuppressionsOf(ctx, email)
	if err != nil {
		return campaign.Suppression{}, err
	}
	for _, s := range all {
		if s.List == 0 {
			return s, nil
		}
	}
	return campaign.Suppression{}, fmt.Errorf("suppression of %s: %w", email, campaign.ErrNotFound)
}

// SuppressionsOf returns everything that keeps mail from an address, on any list, in
// order of arrival.
func (db *DB) SuppressionsOf(ctx context.Context, email string) ([]campaign.Suppression, error) {
	a := address(email)
	var rows []suppressionRow
	err := db.selectAll(ctx, &rows, "SELECT "+suppressionColumns+" FROM suppressions WHERE "+db.in("who")+" ORDER BY id", db.array(append(domains(a), a, db.hashes.one(a))))
	if err != nil {
		return nil, fmt.Errorf("suppressions of %s: %w", email, err)
	}
	return suppressionsOf(rows), nil
}
