package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"broadside/campaign"
)

const recurrenceColumns = "campaign, spec, next, note"

type recurrenceRow struct {
	Campaign int64
	Spec     string // hash
	Next     int64
	Note     string
}

func (db *DB) recurrence(ctx context.Context, r recurrenceRow) (campaign.Recurrence, error) {
	spec, err := db.spec(ctx, db.read, r.Spec)
	return campaign.Recurrence{Campaign: campaign.CampaignID(r.Campaign), Spec: spec, Next: fromMillis(r.Next), Note: r.Note}, err
}

// SetRecurrence has a campaign sent again and again, as it stands; campaign.ErrNotFound
// when a list that it names is gone.
func (db *DB) SetRecurrence(ctx context.Context, c campaign.Campaign, next time.Time) (campaign.Recurrence, error) {
	var r recurrenceRow
	err := db.change(ctx, func(t *tx) error {
		hash, err := db.internSpec(ctx, t, c.Spec)
		if err != nil {
			return err
		}
		if err := db.holdAudience(ctx, t, c.Spec); err != nil {
			return err
		}
		var old string
		err = t.get(ctx, &old, "SELECT spec FROM recurrences WHERE campaign = ?", int64(c.ID))
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		err = t.get(ctx, &r, `INSERT INTO recurrences (campaign, spec, next) VALUES (?, ?, ?)
			ON CONFLICT (campaign) DO UPDATE SET spec = excluded.spec, next = excluded.next, note = '' RETURNING `+recurrenceColumns, c.ID, hash, millis(next))
		if err != nil {
			return err
		}
		return t.sweepSpec(ctx, old)
	})
	if err != nil {
		return campaign.Recurrence{}, fmt.Errorf("have campaign %q sent again and again: %w", c.Spec.Name, err)
	}
	return db.recurrence(ctx, r)
}

// RecurrenceOf finds a campaign's recurrence; campaign.ErrNotFound.
func (db *DB) RecurrenceOf(ctx context.Context, id campaign.CampaignID) (campaign.Recurrence, error) {
	var r recurrenceRow
	if err := db.get(ctx, fmt.Sprintf("recurrence of campaign %d", id), &r, "SELECT "+recurrenceColumns+" FROM recurrences WHERE campaign = ?", int64(id)); err != nil {
		return campaign.Recurrence{}, err
	}
	return db.recurrence(ctx, r)
}

// NextTimes returns when those campaigns that repeat, of some, are sent next.
func (db *DB) NextTimes(ctx context.Context, campaigns []campaign.CampaignID) (map[campaign.CampaignID]time.Time, error) {
	ids := make([]int64, len(campaigns))
	for i, id := range campaigns {
		ids[i] = int64(id)
	}
	var rows []struct {
		Campaign campaign.CampaignID
		Next     int64
	}
	if err := db.selectAll(ctx, &rows, "SELECT campaign, next FROM recurrences WHERE "+db.in("campaign"), db.array(ids)); err != nil {
		return nil, fmt.Errorf("read when %d campaigns are sent next: %w", len(ids), err)
	}
	next := make(map[campaign.CampaignID]time.Time, len(rows))
	for _, r := range rows {
		next[r.Campaign] = fromMillis(r.Next)
	}
	return next, nil
}

// DueRecurrences are those whose next time has come.
func (db *DB) DueRecurrences(ctx context.Context, now time.Time) ([]campaign.Recurrence, error) {
	var rows []recurrenceRow
	if err := db.selectAll(ctx, &rows, "SELECT "+recurrenceColumns+" FROM recurrences WHERE next <= ? ORDER BY next", millis(now)); err != nil {
		return nil, fmt.Errorf("read the recurrences: %w", err)
	}
	list := make([]campaign.Recurrence, len(rows))
	for i, r := range rows {
		var err error
		if list[i], err = db.recurrence(ctx, r); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// Recur moves a recurrence to its next time and begins the run that was due, unless its
// campaign has an open one or a list that it names is gone, in one transaction; moved is false when somebody else was
// faster.
func (db *DB) Recur(ctx context.Context, was, next campaign.Recurrence, due, now time.Time) (run campaign.RunID, moved bool, err error) {
	err = db.change(ctx, func(t *tx) error {
		run, moved = 0, false
		n, err := t.exec(ctx, "UPDATE recurrences SET next = ?, note = ? WHERE campaign = ? AND next = ?", millis(next.Next), next.Note, int64(was.Campaign), millis(was.Next))
		if err != nil || n == 0 {
			return err
		}
		moved = true
		if due.IsZero() {
			return nil
		}
		var hash string
		if err := t.get(ctx, &hash, "SELECT spec FROM recurrences WHERE campaign = ?", int64(was.Campaign)); err != nil {
			return err
		}
		spec, err := db.spec(ctx, t, hash)
		if err != nil {
			return err
		}
		leaveOut := func(why string) error {
			_, err := t.exec(ctx, "UPDATE recurrences SET note = ? WHERE campaign = ?", "left out "+campaign.Noted(due)+": "+why, int64(was.Campaign))
			return err
		}
		err = db.holdAudience(ctx, t, spec)
		if errors.Is(err, campaign.ErrNotFound) {
			return leaveOut(err.Error())
		}
		if err != nil {
			return err
		}
		r, err := db.insertRun(ctx, t, was.Campaign, hash, campaign.RunRunning, due, now)
		if errors.Is(err, campaign.ErrConflict) {
			return leaveOut("the run before was not over")
		}
		run = campaign.RunID(r.ID)
		return err
	})
	if err != nil {
		return 0, false, fmt.Errorf("begin the next run of campaign %q: %w", was.Spec.Name, err)
	}
	return run, moved, nil
}

// StopRecurrence forgets a campaign's recurrence; campaign.ErrNotFound.
func (db *DB) StopRecurrence(ctx context.Context, id campaign.CampaignID) error {
	err := db.change(ctx, func(t *tx) error {
		if err := db.lock(ctx, t, lockSpecs); err != nil {
			return err
		}
		var hash string
		err := t.get(ctx, &hash, "DELETE FROM recurrences WHERE campaign = ? RETURNING spec", int64(id))
		if errors.Is(err, sql.ErrNoRows) {
			return campaign.ErrNotFound
		}
		if err != nil {
			return err
		}
		return t.sweepSpec(ctx, hash)
	})
	if err != nil {
		return fmt.Errorf("stop the recurrence of campaign %d: %w", id, err)
	}
	return nil
}
