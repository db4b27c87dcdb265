package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"broadside/campaign"
	"broadside/delivery"
)

// PullBrake pauses a running run with a note, and keeps that it did so, in one
// transaction; campaign.ErrConflict when it is not running.
func (db *DB) PullBrake(ctx context.Context, id campaign.RunID, note string, now time.Time) error {
	err := db.change(ctx, func(t *tx) error {
		n, err := t.exec(ctx, "UPDATE runs SET state = 'paused', note = ? WHERE id = ? AND state = 'running'", storable(note), id)
		if err == nil && n == 0 {
			err = campaign.ErrConflict
		}
		if err != nil {
			return err
		}
		_, err = t.exec(ctx, "INSERT INTO run_brakes (run, at, note) VALUES (?, ?, ?) ON CONFLICT (run) DO NOTHING", id, millis(now), storable(note))
		return err
	})
	if err != nil {
		return fmt.Errorf("pull the brake of run %d: %w", id, err)
	}
	return nil
}

// BrakePulled tells when a run's brake was pulled; zero when it was not.
func (db *DB) BrakePulled(ctx context.Context, id campaign.RunID) (time.Time, error) {
	pull, err := db.BrakeOf(ctx, id)
	return pull.At, err
}

// BrakeOf returns when and why a run's brake was pulled; the zero value when it was not.
func (db *DB) BrakeOf(ctx context.Context, id campaign.RunID) (campaign.BrakePull, error) {
	var row struct {
		At   int64
		Note string
	}
	err := db.get(ctx, "brake", &row, "SELECT at, note FROM run_brakes WHERE run = ?", id)
	if errors.Is(err, campaign.ErrNotFound) || errors.Is(err, sql.ErrNoRows) {
		return campaign.BrakePull{}, nil
	}
	return campaign.BrakePull{At: fromMillis(row.At), Note: row.Note}, err
}

// ReplyOf returns the words that a server said to one of a run's recipients in a lane who
// is in a state for a reason; "" when there are none.
func (db *DB) ReplyOf(ctx context.Context, id campaign.RunID, lane campaign.Lane, s campaign.State, because campaign.Reason) (string, error) {
	rows, err := db.RecipientsBecause(ctx, id, s, because, campaign.Recipient{Run: id, Lane: lane}, 1)
	if err != nil || len(rows) == 0 || rows[0].Lane != lane {
		return "", err
	}
	r := &rows[0]
	if r.Code == 0 {
		return r.Reply, nil
	}
	return fmt.Sprintf("%d %s", r.Code, r.Reply), nil
}

// SetRunWeight changes an open run's weight; campaign.ErrNotFound, campaign.ErrConflict
// when the run is over.
func (db *DB) SetRunWeight(ctx context.Context, id campaign.RunID, weight int) (campaign.Run, error) {
	run, err := db.RunByID(ctx, id)
	if err != nil {
		return run, err
	}
	run.Spec.Weight = weight
	err = db.change(ctx, func(t *tx) error {
		hash, err := db.internSpec(ctx, t, run.Spec)
		if err != nil {
			return err
		}
		n, err := t.exec(ctx, "UPDATE runs SET spec = ? WHERE id = ? AND state IN ('scheduled', 'running', 'paused')", hash, id)
		if err == nil && n == 0 {
			err = fmt.Errorf("it is %s: %w", run.State, campaign.ErrConflict)
		}
		return err
	})
	if err != nil {
		return campaign.Run{}, fmt.Errorf("set the weight of run %d: %w", id, err)
	}
	return run, nil
}

// SetSiteLimit says what a site is allowed at most, in place of what was said before; a
// limit of nothing but zeros is taken away.
func (db *DB) SetSiteLimit(ctx context.Context, l delivery.SiteLimit) error {
	err := db.change(ctx, func(t *tx) error {
		if l.Rate == 0 && l.Connections == 0 {
			_, err := t.exec(ctx, "DELETE FROM site_limits WHERE site = ?", l.Site)
			return err
		}
		_, err := t.exec(ctx, `INSERT INTO site_limits (site, rate, connections, since, who) VALUES (?, ?, ?, ?, ?)
			ON CONFLICT (site) DO UPDATE SET rate = excluded.rate, connections = excluded.connections, since = excluded.since, who = excluded.who`,
			l.Site, l.Rate, l.Connections, millis(l.Since), l.Who)
		return err
	})
	if err != nil {
		return fmt.Errorf("limit site %s: %w", l.Site, err)
	}
	return nil
}

// SiteLimits implements delivery.SiteLimitStore.
func (db *DB) SiteLimits(ctx context.Context) ([]delivery.SiteLimit, error) {
	var rows []struct {
		Site, Who   string
		Rate        float64
		Connections int
		Since       int64
	}
	if err := db.selectAll(ctx, &rows, "SELECT site, rate, connections, since, who FROM site_limits ORDER BY site"); err != nil {
		return nil, fmt.Errorf("read the limits of sites: %w", err)
	}
	list := make([]delivery.SiteLimit, len(rows))
	for i, r := range rows {
		list[i] = delivery.SiteLimit{Site: r.Site, Rate: r.Rate, Connections: r.Connections, Since: fromMillis(r.Since), Who: r.Who}
	}
	return list, nil
}
