package store

import (
	"context"
	"fmt"

	"broadside/campaign"
)

// RunsNamed returns the runs of the campaign of a name, newest first;
// campaign.ErrNotFound when there is no such campaign.
func (db *DB) RunsNamed(ctx context.Context, name string) ([]campaign.RunID, error) {
	what := fmt.Sprintf("campaign %q", name)
	var id int64
	if err := db.get(ctx, what, &id, "SELECT id FROM campaigns WHERE name = ?", name); err != nil {
		return nil, err
	}
	var runs []campaign.RunID
	if err := db.selectAll(ctx, &runs, "SELECT id FROM runs WHERE campaign = ? ORDER BY id DESC", id); err != nil {
		return nil, fmt.Errorf("read the runs of %s: %w", what, err)
	}
	return runs, nil
}

// happenings are the conditions under which something happened to the recipient of row l.
var happenings = map[campaign.Happening]string{
	// What came back later did not arrive, whatever the server said first.
	campaign.Received: "l.state = 1 AND NOT EXISTS (SELECT 1 FROM feedback f WHERE f.contact = l.contact AND f.kind IN (1, 2, 3) AND f.run = l.run)",
}

// Happened returns those of some contacts to whom it happened in one of the runs. Each
// contact is looked up in the index of each run.
func (db *DB) Happened(ctx context.Context, what campaign.Happening, runs []campaign.RunID, contacts []campaign.ContactID) (map[campaign.ContactID]bool, error) {
	condition, ok := happenings[what]
	if !ok {
		return nil, fmt.Errorf("store: nobody keeps who %s a campaign", what)
	}
	found := map[campaign.ContactID]bool{}
	if len(runs) == 0 || len(contacts) == 0 {
		return found, nil
	}
	runIDs, contactIDs := make([]int64, len(runs)), make([]int64, len(contacts))
	for i, r := range runs {
		runIDs[i] = int64(r)
	}
	for i, c := range contacts {
		contactIDs[i] = int64(c)
	}
	var ids []campaign.ContactID
	err := db.selectAll(ctx, &ids, "SELECT l.contact FROM ledger l WHERE "+db.in("l.contact")+" AND "+db.in("l.run")+" AND "+condition, db.array(contactIDs), db.array(runIDs))
	if err != nil {
		return nil, fmt.Errorf("read who %s the messages of %d runs: %w", what, len(runs), err)
	}
	for _, id := range ids {
		found[id] = true
	}
	return found, nil
}
