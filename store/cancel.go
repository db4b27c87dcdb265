package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"broadside/campaign"
)

// CancelOpen makes up to limit open recipients of a cancelled run Cancelled, or
// Unknown if a copy of theirs may have arrived, and returns how many. It goes through the run once, in order of lane and contact, and
// keeps its place: no row behind it can open again. 0 for a run that is not
// cancelled.
func (db *DB) CancelOpen(ctx context.Context, id campaign.RunID, limit int, now time.Time) (int64, error) {
	var cancelled int64
	err := db.change(ctx, func(t *tx) error {
		lock := ""
		if db.postgres {
			lock = " FOR UPDATE"
		}
		var place struct {
			Lane    campaign.Lane      `db:"cancel_lane"`
			Contact campaign.ContactID `db:"cancel_contact"`
		}
		err := t.get(ctx, &place, "SELECT cancel_lane, cancel_contact FROM runs WHERE id = ? AND state = 'cancelled'"+lock, id)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		// Keeps the recorder out.
		if _, err := t.exec(ctx, "UPDATE checkpoints SET seq = seq WHERE name = 'events'"); err != nil {
			return err
		}
		var open []struct {
			Lane    campaign.Lane
			Contact campaign.ContactID
			State   campaign.State
			Reason  campaign.Reason
			Resent  bool
			Variant campaign.Variant
		}
		err = t.SelectContext(ctx, &open, t.Rebind(`
			SELECT lane, contact, state, reason, resent, variant FROM ledger
			WHERE `+ofRun("run", id)+` AND (lane, contact) > (?, ?) AND state IN (0, 2) ORDER BY lane, contact LIMIT ?`), place.Lane, place.Contact, limit)
		if err != nil || len(open) == 0 {
			return err
		}
		last := open[len(open)-1]
		cancelled, err = t.exec(ctx, `
			UPDATE ledger SET state = CASE WHEN state = 2 AND resent THEN 4 ELSE 6 END,
				reason = CASE WHEN state = 2 AND resent THEN 25 ELSE 0 END, due = 0, at = ?
			WHERE `+ofRun("run", id)+` AND (lane, contact) > (?, ?) AND (lane, contact) <= (?, ?) AND state IN (0, 2)`,
			millis(now), place.Lane, place.Contact, last.Lane, last.Contact)
		if err != nil {
			return err
		}
		tested, err := db.tested(ctx, t, id)
		if err != nil {
			return err
		}
		counts, variants := make(deltas), variantDeltas{}
		ids := make([]campaign.ContactID, 0, len(open))
		for _, r := range open {
			ids = append(ids, r.Contact)
			counts.add(id, r.Lane, r.State, r.Reason, -1, r.Resent)
			to, why := campaign.Cancelled, campaign.NoReason
			if r.State == campaign.Deferred && r.Resent {
				to, why = campaign.Unknown, campaign.PossiblyAccepted
			}
			counts.add(id, r.Lane, to, why, 1, r.Resent)
			if tested {
				variants[variantKey{id, r.Variant, r.State}]--
				variants[variantKey{id, r.Variant, to}]++
			}
		}
		if err := counts.write(ctx, t); err != nil {
			return err
		}
		if err := variants.write(ctx, t); err != nil {
			return err
		}
		if err := db.dropData(ctx, t, ids); err != nil {
			return err
		}
		_, err = t.exec(ctx, "UPDATE runs SET cancel_lane = ?, cancel_contact = ? WHERE id = ?", last.Lane, last.Contact, id)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("cancel the open recipients of run %d: %w", id, err)
	}
	return cancelled, nil
}
