package store

import (
	"context"
	"fmt"
	"slices"

	"broadside/campaign"
)

// LeftOf tells for each contact whether it is subscribed to none of the named lists,
// in one query.
func (db *DB) LeftOf(ctx context.Context, lists []string, contacts []campaign.ContactID) ([]bool, error) {
	ids := make([]int64, len(contacts))
	for i, id := range contacts {
		ids[i] = int64(id)
	}
	var stay []int64
	err := db.selectAll(ctx, &stay, "SELECT contact FROM members WHERE status = 0 AND list IN (SELECT id FROM lists WHERE "+
		db.in("name")+") AND "+db.in("contact"), db.array(lists), db.array(ids))
	if err != nil {
		return nil, fmt.Errorf("look up who left: %w", err)
	}
	left := make([]bool, len(contacts))
	for i, id := range ids {
		left[i] = !slices.Contains(stay, id)
	}
	return left, nil
}
