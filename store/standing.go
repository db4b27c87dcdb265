package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"broadside/campaign"
)

// standingRun is the condition that a run r takes the messages of a campaign c as that
// is now.
const standingRun = "r.campaign = c.id AND r.spec = c.spec AND r.standing = 1 AND r.state IN ('running', 'paused')"

// StandingRun returns a campaign with the run that takes its messages; the zero Run when
// there is none that was begun with what the campaign is now. campaign.ErrNotFound.
func (db *DB) StandingRun(ctx context.Context, template string) (campaign.Campaign, campaign.Run, error) {
	c, err := db.CampaignByName(ctx, template)
	if err != nil {
		return c, campaign.Run{}, err
	}
	runs, err := db.runs(ctx, "WHERE id IN (SELECT r.id FROM runs r JOIN campaigns c ON "+standingRun+" WHERE c.id = ?)", int64(c.ID))
	if err != nil || len(runs) == 0 {
		return c, campaign.Run{}, err
	}
	return c, runs[0], nil
}

// OpenStandingRun makes the run that takes a campaign's messages, unless it is there, and
// lets another that the campaign had come to its end.
func (db *DB) OpenStandingRun(ctx context.Context, c campaign.CampaignID, now time.Time) (campaign.Run, error) {
	var r runRow
	err := db.change(ctx, func(t *tx) error {
		// One at a time, also beside an edit of the campaign.
		if _, err := t.exec(ctx, "UPDATE campaigns SET updated = updated WHERE id = ?", int64(c)); err != nil {
			return err
		}
		err := t.get(ctx, &r, "SELECT "+runColumns+" FROM runs WHERE id IN (SELECT r.id FROM runs r JOIN campaigns c ON "+standingRun+" WHERE c.id = ?)", int64(c))
		if !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		if _, err := t.exec(ctx, "UPDATE runs SET standing = 2 WHERE campaign = ? AND standing = 1", int64(c)); err != nil {
			return err
		}
		err = t.get(ctx, &r, `INSERT INTO runs (campaign, spec, state, started, snapshot_done, standing, whole_counts)
			SELECT id, spec, 'running', ?, ?, 1, TRUE FROM campaigns WHERE id = ? ON CONFLICT DO NOTHING RETURNING `+runColumns, millis(now), true, int64(c))
		if errors.Is(err, sql.ErrNoRows) {
			return fmt.Errorf("the campaign has an open run: %w", campaign.ErrConflict)
		}
		if err != nil || !db.postgres {
			return err
		}
		return t.addPartition(ctx, r.ID)
	})
	if err != nil {
		return campaign.Run{}, fmt.Errorf("open a run for messages of campaign %d: %w", c, err)
	}
	return db.run(ctx, r)
}

// CloseStandingRun has a run take no more messages; it ends when those it has do.
func (db *DB) CloseStandingRun(ctx context.Context, id campaign.RunID) error {
	_, err := db.moveRun(ctx, id, "close", "UPDATE runs SET standing = 2 WHERE id = ? AND standing = 1", int64(id))
	return err
}
