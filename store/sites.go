package store

import (
	"context"
	"fmt"
	"time"

	"broadside/campaign"
	"broadside/delivery"
)

// PauseSite orders that a site gets no mail, in place of an earlier order. Times are
// kept in whole milliseconds.
func (db *DB) PauseSite(ctx context.Context, p delivery.SitePause) error {
	err := db.change(ctx, func(t *tx) error {
		_, err := t.exec(ctx, `INSERT INTO site_pauses (site, since, ends, why) VALUES (?, ?, ?, ?)
			ON CONFLICT (site) DO UPDATE SET since = excluded.since, ends = excluded.ends, why = excluded.why`,
			p.Site, millis(p.Since), millis(p.Until), p.Why)
		return err
	})
	if err != nil {
		return fmt.Errorf("pause site %s: %w", p.Site, err)
	}
	return nil
}

// ResumeSite ends a pause that holds at a time; campaign.ErrNotFound if none does.
func (db *DB) ResumeSite(ctx context.Context, site string, now time.Time) error {
	return db.change(ctx, func(t *tx) error {
		n, err := t.exec(ctx, "DELETE FROM site_pauses WHERE site = ? AND (ends = 0 OR ends > ?)", site, millis(now))
		if err == nil && n == 0 {
			err = campaign.ErrNotFound
		}
		if err != nil {
			return fmt.Errorf("pause of site %s: %w", site, err)
		}
		return nil
	})
}

// SitePauses implements delivery.SiteStore.
func (db *DB) SitePauses(ctx context.Context, now time.Time) ([]delivery.SitePause, error) {
	var rows []struct {
		Site, Why   string
		Since, Ends int64
	}
	err := db.selectAll(ctx, &rows, "SELECT site, since, ends, why FROM site_pauses WHERE ends = 0 OR ends > ? ORDER BY site", millis(now))
	if err != nil {
		return nil, fmt.Errorf("read the paused sites: %w", err)
	}
	list := make([]delivery.SitePause, len(rows))
	for i, r := range rows {
		list[i] = delivery.SitePause{Site: r.Site, Since: fromMillis(r.Since), Until: fromMillis(r.Ends), Why: r.Why}
	}
	return list, nil
}

// forgotten is the record in the place of one that the senders are to forget.
const forgotten = `"forget"`

// ForgetSite orders that what was learned of a site is forgotten: all of it, or with a
// source only what was learned of mail from that; campaign.ErrNotFound if nothing was.
func (db *DB) ForgetSite(ctx context.Context, site string, source *string) error {
	query, args := "UPDATE site_records SET record = ? WHERE site = ?", []any{forgotten, site}
	if source != nil {
		query, args = query+" AND kind = 'source' AND value = ?", append(args, *source)
	}
	return db.change(ctx, func(t *tx) error {
		n, err := t.exec(ctx, query, args...)
		if err == nil && n == 0 {
			err = campaign.ErrNotFound
		}
		if err != nil {
			return fmt.Errorf("forget what was learned of site %s: %w", site, err)
		}
		return nil
	})
}

// ForgottenSites implements delivery.SiteStore.
func (db *DB) ForgottenSites(ctx context.Context) ([]delivery.SiteRecord, error) {
	var list []delivery.SiteRecord
	if err := db.selectAll(ctx, &list, "SELECT kind, value, site FROM site_records WHERE record = ?", forgotten); err != nil {
		return nil, fmt.Errorf("read which sites are to be forgotten: %w", err)
	}
	return list, nil
}

// SiteRecords implements delivery.SiteStore.
func (db *DB) SiteRecords(ctx context.Context) ([]delivery.SiteRecord, error) {
	var list []delivery.SiteRecord
	if err := db.selectAll(ctx, &list, "SELECT kind, value, site, record FROM site_records WHERE record <> ? ORDER BY site, kind, value", forgotten); err != nil {
		return nil, fmt.Errorf("read what was learned of sites: %w", err)
	}
	return list, nil
}

// SaveSiteRecords implements delivery.SiteStore.
func (db *DB) SaveSiteRecords(ctx context.Context, changed, gone []delivery.SiteRecord) error {
	err := db.change(ctx, func(t *tx) error {
		_, err := t.insertRows(ctx, "INSERT INTO site_records (site, kind, value, record)", 4,
			"ON CONFLICT (site, kind, value) DO UPDATE SET record = excluded.record WHERE site_records.record <> '"+forgotten+"'", len(changed), func(args []any, i int) []any {
				r := &changed[i]
				return append(args, r.Site, r.Kind, r.Value, string(r.Record))
			})
		if err != nil {
			return err
		}
		for _, r := range gone {
			if _, err := t.exec(ctx, "DELETE FROM site_records WHERE site = ? AND kind = ? AND value = ?", r.Site, r.Kind, r.Value); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("write what was learned of %d sites: %w", len(changed)+len(gone), err)
	}
	return nil
}
