package store

import (
	"context"
	"fmt"
	"strings"

	"broadside/campaign/account"
)

// Log appends a line to the audit log. What the database can't keep is replaced.
func (db *DB) Log(ctx context.Context, e account.Entry) error {
	clean := func(s string) string {
		s = strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
		return s[:min(len(s), 1000)]
	}
	err := db.change(ctx, func(t *tx) error {
		_, err := t.exec(ctx, "INSERT INTO audit (at, user_id, who, via, address, action, object, status) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
			millis(e.At), int64(e.User), clean(e.Who), clean(e.Via), e.Address, clean(e.Action), strings.ToValidUTF8(clean(e.Object), ""), e.Status)
		return err
	})
	if err != nil {
		return fmt.Errorf("audit log: %w", err)
	}
	return nil
}

// Entries pages through the audit log, newest first; before 0 starts.
func (db *DB) Entries(ctx context.Context, before int64, limit int) ([]account.Entry, error) {
	var rows []struct {
		ID, At int64
		UserID int64 `db:"user_id"`
		Who    string
		Via    string

		Address, Action, Object string
		Status                  int
	}
	err := db.selectAll(ctx, &rows, "SELECT id, at, user_id, who, via, address, action, object, status FROM audit WHERE id < ? ORDER BY id DESC LIMIT ?", beforeOrAll(before), limit)
	if err != nil {
		return nil, fmt.Errorf("read the audit log: %w", err)
	}
	entries := make([]account.Entry, len(rows))
	for i, r := range rows {
		entries[i] = account.Entry{
			ID: r.ID, At: fromMillis(r.At), User: account.UserID(r.UserID), Who: r.Who, Via: r.Via,
			Address: r.Address, Action: r.Action, Object: r.Object, Status: r.Status,
		}
	}
	return entries, nil
}
