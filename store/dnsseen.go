package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"broadside/campaign"
)

// RecordSeen returns when a DNS record of ours was last seen with a value, zero when it
// never was.
func (db *DB) RecordSeen(ctx context.Context, name, value string) (time.Time, error) {
	var at int64
	err := db.get(ctx, name, &at, "SELECT at FROM dns_seen WHERE name = ? AND value = ?", name, value)
	if errors.Is(err, campaign.ErrNotFound) {
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("look up the DNS record %s: %w", name, err)
	}
	return fromMillis(at), nil
}

// SawRecord notes that a DNS record of ours was seen with a value; with an empty value,
// that it was seen gone.
func (db *DB) SawRecord(ctx context.Context, name, value string, now time.Time) error {
	err := db.change(ctx, func(t *tx) error {
		_, err := t.exec(ctx, "INSERT INTO dns_seen (name, value, at) VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value, at = excluded.at", name, value, millis(now))
		return err
	})
	if err != nil {
		return fmt.Errorf("note the DNS record %s: %w", name, err)
	}
	return nil
}
