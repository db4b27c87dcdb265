package store

import (
	"context"
	"strings"

	"broadside/campaign/webhook"
)

// Gone reports whether the person that an event is about is not kept any more: was erased,
// of whom there is a hash and no contact, or was deleted with a list. An event may have
// been written before, with an address or a number that nothing else has now.
func (db *DB) Gone(ctx context.Context, d webhook.Data) (bool, error) {
	var ways []string
	var args []any
	if d.Contact != 0 {
		ways = append(ways, "NOT EXISTS (SELECT 1 FROM contacts WHERE id = ?)")
		args = append(args, int64(d.Contact))
	}
	if d.Message != 0 {
		ways = append(ways, "NOT EXISTS (SELECT 1 FROM messages WHERE id = ?)")
		args = append(args, int64(d.Message))
	}
	if d.Email != "" {
		ways = append(ways, "EXISTS (SELECT 1 FROM suppressions WHERE who = ? AND list = 0) AND NOT EXISTS (SELECT 1 FROM contacts WHERE address = ?)")
		args = append(args, db.hashes.one(address(d.Email)), address(d.Email))
	}
	if len(ways) == 0 {
		return false, nil
	}
	var gone bool
	err := db.get(ctx, "whom an event is about", &gone, "SELECT "+strings.Join(ways, " OR "), args...)
	return gone, err
}
