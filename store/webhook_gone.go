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
	query, args := db.goneQuery(d)
	var gone bool
	err := db.get(ctx, "whom an event is about", &gone, query, args...)
	return gone, err
}

func (db *DB) goneQuery(d webhook.Data) (query string, args []any) {
	ways := []string{"FALSE"}
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
	return "SELECT " + strings.Join(ways, " OR "), args
}

// holdContacts keeps contacts, by number or address, from being erased until the
// transaction ends: an erasure waits, and then finds what was written. It is the first lock
// on contacts, in the order in which erasures take them.
func (db *DB) holdContacts(ctx context.Context, t *tx, ids []int64, addresses []string) error {
	if !db.postgres || len(ids)+len(addresses) == 0 {
		return nil // SQLite has one writer
	}
	var held []int64
	return t.SelectContext(ctx, &held, t.Rebind("SELECT id FROM contacts WHERE "+db.in("id")+" OR "+db.in("address")+" ORDER BY id FOR KEY SHARE"),
		db.array(ids), db.array(addresses))
}
