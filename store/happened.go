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

// happenings are where it is kept that something happened: rows h of a contact and a run.
var happenings = map[campaign.Happening]string{
	// What came back later did not arrive, whatever the server said first.
	campaign.Received: "FROM ledger h WHERE h.state = 1 AND NOT EXISTS (SELECT 1 FROM feedback f WHERE f.contact = h.contact AND f.kind IN (1, 2, 3) AND f.run = h.run)",
	// What machines did is no sign of the person.
	campaign.Opened:  "FROM hits h WHERE h.person > 0",
	campaign.Clicked: "FROM hits h WHERE h.person > 0 AND h.link > 0",
}

// Happened returns those of some contacts to whom it happened in one of the runs. Each
// contact is looked up by contact and run in an index.
func (db *DB) Happened(ctx context.Context, what campaign.Happening, runs []campaign.RunID, contacts []campaign.ContactID) (map[campaign.ContactID]bool, error) {
	from, ok := happenings[what]
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
	err := db.selectAll(ctx, &ids, "SELECT h.contact "+from+" AND "+db.in("h.contact")+" AND h.run IN ("+literal(runIDs)+")", db.array(contactIDs))
	if err != nil {
		return nil, fmt.Errorf("read who %s the messages of %d runs: %w", what, len(runs), err)
	}
	for _, id := range ids {
		found[id] = true
	}
	return found, nil
}
