package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"broadside/campaign"
	"broadside/delivery/mtasts"
)

var _ mtasts.Store = (*DB)(nil)

// MTASTSPolicy returns the policy of a domain that is good at a time.
func (db *DB) MTASTSPolicy(ctx context.Context, domain string, at time.Time) (mtasts.Kept, bool, error) {
	var row struct {
		ID, Policy       string
		Fetched, Expires int64
	}
	err := db.get(ctx, domain, &row, "SELECT id, policy, fetched, expires FROM mta_sts WHERE domain = ? AND expires > ?", domain, millis(at))
	if errors.Is(err, campaign.ErrNotFound) {
		return mtasts.Kept{}, false, nil
	}
	if err != nil {
		return mtasts.Kept{}, false, fmt.Errorf("MTA-STS policy of %s: %w", domain, err)
	}
	return mtasts.Kept{
		Domain: domain, ID: row.ID, Text: row.Policy, Fetched: fromMillis(row.Fetched), Expires: fromMillis(row.Expires),
	}, true, nil
}

// KeepMTASTSPolicy keeps a policy in place of one of the domain that was fetched
// before it, and forgets those that are over.
func (db *DB) KeepMTASTSPolicy(ctx context.Context, k mtasts.Kept) error {
	err := db.change(ctx, func(t *tx) error {
		if _, err := t.exec(ctx, "DELETE FROM mta_sts WHERE expires <= ?", millis(k.Fetched)); err != nil {
			return err
		}
		_, err := t.exec(ctx, `INSERT INTO mta_sts (domain, id, policy, fetched, expires) VALUES (?, ?, ?, ?, ?)
			ON CONFLICT (domain) DO UPDATE SET id = excluded.id, policy = excluded.policy, fetched = excluded.fetched, expires = excluded.expires
			WHERE excluded.fetched >= mta_sts.fetched`,
			k.Domain, k.ID, k.Text, millis(k.Fetched), millis(k.Expires))
		return err
	})
	if err != nil {
		return fmt.Errorf("keep the MTA-STS policy of %s: %w", k.Domain, err)
	}
	return nil
}
