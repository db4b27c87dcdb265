// Package storetest fills stores for tests, by what the program fills them with. It keeps
// nothing.
package storetest

import (
	"context"
	"errors"
	"slices"
	"time"

	"broadside/campaign"
	"broadside/store"
)

// List makes a list and imports people into it, whose rows are numbered in their order.
// Their addresses must be valid; attributes are a JSON object.
func List(ctx context.Context, db *store.DB, name string, now time.Time, people ...campaign.ImportRow) (campaign.List, campaign.ImportID, error) {
	list, err := db.CreateList(ctx, name, now)
	if err != nil {
		return list, 0, err
	}
	tx, err := db.BeginImport(ctx, list.ID, name+".csv", false, now)
	if err != nil {
		return list, 0, err
	}
	people = slices.Clone(people) // the caller's stay as they are
	for i := range people {
		people[i].Row = int64(i + 1)
	}
	if err := tx.Put(ctx, people); err != nil {
		return list, 0, errors.Join(err, tx.Abort())
	}
	id, _, err := tx.Finish(ctx, nil)
	return list, id, err
}
