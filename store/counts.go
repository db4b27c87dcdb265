package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"broadside/campaign"
)

// countKey is a line of run_counts.
type countKey struct {
	run    campaign.RunID
	lane   campaign.Lane
	state  campaign.State
	reason campaign.Reason
}

type countDelta struct{ n, resent int64 }

// deltas are changes of the kept counts, summed until they are written.
type deltas map[countKey]countDelta

func (d deltas) add(run campaign.RunID, lane campaign.Lane, s campaign.State, r campaign.Reason, n int64, resent bool) {
	key := countKey{run, lane, s, r}
	delta := d[key]
	delta.n += n
	if resent {
		delta.resent += n
	}
	d[key] = delta
}

// write adds the deltas to the kept counts. All writers do so in one order, so that
// they cannot lock each other out.
func (d deltas) write(ctx context.Context, t *tx) error {
	keys := make([]countKey, 0, len(d))
	for key, delta := range d {
		if delta != (countDelta{}) {
			keys = append(keys, key)
		}
	}
	slices.SortFunc(keys, func(a, b countKey) int {
		return cmp.Or(cmp.Compare(a.run, b.run), cmp.Compare(a.lane, b.lane), cmp.Compare(a.state, b.state), cmp.Compare(a.reason, b.reason))
	})
	_, err := t.insertRows(ctx, "INSERT INTO run_counts (run, lane, state, reason, n, resent)", 6,
		"ON CONFLICT (run, lane, state, reason) DO UPDATE SET n = run_counts.n + excluded.n, resent = run_counts.resent + excluded.resent",
		len(keys), func(args []any, i int) []any {
			k := keys[i]
			return append(args, int64(k.run), int64(k.lane), int64(k.state), int64(k.reason), d[k].n, d[k].resent)
		})
	return err
}

// Counts returns the kept counts of a run.
func (db *DB) Counts(ctx context.Context, id campaign.RunID) (campaign.Counts, error) {
	c, err := db.counts(ctx, "SELECT state, SUM(n), SUM(resent) FROM run_counts WHERE run = ? GROUP BY state", int64(id))
	if err != nil {
		return campaign.Counts{}, fmt.Errorf("read the counts of run %d: %w", id, err)
	}
	return c, nil
}

// Recount counts the ledger rows themselves: what Counts must equal.
func (db *DB) Recount(ctx context.Context, id campaign.RunID) (campaign.Counts, error) {
	c, err := db.counts(ctx, "SELECT state, COUNT(*), SUM(CASE WHEN resent THEN 1 ELSE 0 END) FROM ledger WHERE "+ofRun("run", id)+" GROUP BY state")
	if err != nil {
		return campaign.Counts{}, fmt.Errorf("count the recipients of run %d: %w", id, err)
	}
	return c, nil
}

func (db *DB) counts(ctx context.Context, query string, args ...any) (campaign.Counts, error) {
	var c campaign.Counts
	rows, err := db.read.QueryContext(ctx, db.read.Rebind(query), args...)
	if err != nil {
		return c, err
	}
	defer rows.Close()
	for rows.Next() {
		var state uint8
		var n, resent int64
		if err := rows.Scan(&state, &n, &resent); err != nil {
			return c, err
		}
		c.Add(campaign.State(state), n)
		c.Resent += resent
	}
	return c, rows.Err()
}

// RunLanes returns the kept counts of a run by lane, state and reason.
func (db *DB) RunLanes(ctx context.Context, id campaign.RunID) ([]campaign.LaneCount, error) {
	var lanes []campaign.LaneCount
	err := db.selectAll(ctx, &lanes, "SELECT lane, state, reason, n FROM run_counts WHERE run = ? AND n > 0 ORDER BY lane, state, reason", id)
	if err != nil {
		return nil, fmt.Errorf("read the lanes of run %d: %w", id, err)
	}
	return lanes, nil
}
