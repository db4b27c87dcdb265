package store

import (
	"context"
	"fmt"
	"time"

	"broadside/campaign"
	"broadside/campaign/webhook"
)

// AppendRecipients appends one page of the snapshot and moves the run's cursor in
// the same transaction. campaign.ErrConflict when the cursor is not at from, or the
// snapshot or the run is over.
func (db *DB) AppendRecipients(ctx context.Context, id campaign.RunID, from, to campaign.ContactID, rows []campaign.NewRecipient, done bool) error {
	err := db.change(ctx, func(t *tx) error {
		n, err := t.exec(ctx, `
			UPDATE runs SET snapshot_cursor = ?, snapshot_done = ?
			WHERE id = ? AND snapshot_cursor = ? AND NOT snapshot_done AND state IN ('scheduled', 'running', 'paused')`, to, done, id, from)
		if err != nil {
			return err
		}
		if n == 0 {
			return campaign.ErrConflict
		}
		if err := db.insertLedger(ctx, t, id, rows); err != nil {
			return err
		}
		if db.postgres {
			if err := t.mark(ctx, id, rows, from == 0); err != nil {
				return err
			}
		}
		counts := make(deltas)
		for _, r := range rows {
			counts.add(id, r.Lane, r.State, r.Reason, 1, false)
		}
		if err := counts.write(ctx, t); err != nil {
			return err
		}
		if err := t.countWaves(ctx, id, rows); err != nil {
			return err
		}
		if err := variantsAdded(id, rows).write(ctx, t); err != nil {
			return err
		}
		if done {
			if err := t.tellRun(ctx, id, webhook.RunComplete, "", time.Now()); err != nil {
				return err
			}
		}
		if db.postgres && (from == 0 || done) {
			return t.analyze(ctx, id)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("append %d recipients to run %d after contact %d: %w", len(rows), id, from, err)
	}
	return nil
}

// variantsAdded counts the recipients of a page by variant, if any has one.
func variantsAdded(id campaign.RunID, rows []campaign.NewRecipient) variantDeltas {
	counts, tested := variantDeltas{}, false
	for _, r := range rows {
		counts[variantKey{id, r.Variant, r.State}]++
		tested = tested || r.Tested
	}
	if !tested {
		return nil
	}
	return counts
}

// analyze tells PostgreSQL's planner, at the first page, that a partition's rows are
// all of one run: without it, it expects one in two hundred, and reads and sorts the
// run where it could go by key. Growth it sees by itself.
func (t *tx) analyze(ctx context.Context, id campaign.RunID) error {
	_, err := t.ExecContext(ctx, fmt.Sprintf("ANALYZE ledger_%d", id))
	return err
}

func (db *DB) insertLedger(ctx context.Context, t *tx, id campaign.RunID, rows []campaign.NewRecipient) error {
	if db.postgres {
		columns := []string{"run", "lane", "contact", "state", "reason", "wave", "variant"}
		return t.copyRows(ctx, "ledger", columns, len(rows), func(i int) ([]any, error) {
			r := &rows[i]
			return []any{int32(id), int16(r.Lane), int64(r.Contact), int16(r.State), int16(r.Reason), int16(r.Wave), int16(r.Variant)}, nil
		})
	}
	tuple := fmt.Sprintf("(%d, ?, ?, ?, ?, ?, ?)", id)
	_, err := t.insertTuples(ctx, "INSERT INTO ledger (run, lane, contact, state, reason, wave, variant)", tuple, "", len(rows), func(args []any, i int) []any {
		r := &rows[i]
		return append(args, int64(r.Lane), int64(r.Contact), int64(r.State), int64(r.Reason), int64(r.Wave), int64(r.Variant))
	})
	return err
}
