package store

import (
	"context"
	"fmt"
	"time"

	"broadside/campaign"
)

const feedSelect = `
	SELECT l.run, l.lane, l.contact, l.state, l.attempts, l.due, l.first_tried, l.resent, l.wave, l.variant,
		COALESCE(c.address, ''), COALESCE(c.spelling, ''), COALESCE(c.attributes, '{}')
	FROM ledger l LEFT JOIN`

// WaitingAfter returns Waiting rows of a lane with contacts above after, in order.
func (db *DB) WaitingAfter(ctx context.Context, id campaign.RunID, lane campaign.Lane, after campaign.ContactID, limit int) ([]campaign.FeedRow, error) {
	rows, err := db.feed(ctx, limit, "WHERE "+ofRun("l.run", id)+" AND l.lane = ? AND l.contact > ? AND l.state = 0 ORDER BY l.contact LIMIT ?",
		int64(lane), int64(after), limit)
	if err != nil {
		return nil, fmt.Errorf("read the waiting of run %d in lane %s: %w", id, lane, err)
	}
	return rows, nil
}

// DeferredDue returns Deferred rows of a run whose retry was due from a time on and
// before another, oldest first.
func (db *DB) DeferredDue(ctx context.Context, id campaign.RunID, from, before time.Time, limit int) ([]campaign.FeedRow, error) {
	rows, err := db.feed(ctx, limit, "WHERE "+ofRun("l.run", id)+" AND l.state = 2 AND l.due >= ? AND l.due < ? ORDER BY l.due LIMIT ?",
		millis(from), millis(before), limit)
	if err != nil {
		return nil, fmt.Errorf("read the retries due of run %d: %w", id, err)
	}
	return rows, nil
}

// feed reads without reflection: the planner reads every recipient through it.
func (db *DB) feed(ctx context.Context, limit int, where string, args ...any) ([]campaign.FeedRow, error) {
	rows, err := db.read.QueryContext(ctx, db.read.Rebind(feedSelect+db.contactOf(personOf("l.contact"))+where), args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	list := make([]campaign.FeedRow, 0, min(limit, 4096))
	for rows.Next() {
		var f campaign.FeedRow
		var due, first int64
		var spelling string
		if err := rows.Scan(&f.Run, &f.Lane, &f.Contact, &f.State, &f.Attempts, &due, &first, &f.Resent, &f.Wave, &f.Variant, &f.Email, &spelling, &f.Attributes); err != nil {
			return nil, err
		}
		f.Due, f.FirstTried = fromMillis(due), fromMillis(first)
		if spelling != "" {
			f.Email = spelling
		}
		list = append(list, f)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	return list, db.withData(ctx, list)
}
