package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"broadside/campaign"
)

const campaignColumns = "id, spec, created, updated, archived"

type campaignRow struct {
	ID                         int64
	Spec                       string // hash
	Created, Updated, Archived int64
}

func (db *DB) campaign(ctx context.Context, r campaignRow) (campaign.Campaign, error) {
	spec, err := db.spec(ctx, db.read, r.Spec)
	return campaign.Campaign{ID: campaign.CampaignID(r.ID), Spec: spec, Created: fromMillis(r.Created), Updated: fromMillis(r.Updated), Archived: fromMillis(r.Archived)}, err
}

// CreateCampaign stores a new campaign; campaign.ErrExists when its name is taken.
func (db *DB) CreateCampaign(ctx context.Context, s campaign.Spec, now time.Time) (campaign.Campaign, error) {
	var r campaignRow
	err := db.change(ctx, func(t *tx) error {
		hash, err := db.internSpec(ctx, t, s)
		if err != nil {
			return err
		}
		err = t.get(ctx, &r, "INSERT INTO campaigns (name, spec, created, updated) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING "+campaignColumns,
			s.Name, hash, millis(now), millis(now))
		if err != nil {
			return err
		}
		return t.noteSegments(ctx, r.ID, slices.Concat(s.Segments, s.ExcludeSegments)...)
	})
	if errors.Is(err, sql.ErrNoRows) {
		err = campaign.ErrExists
	}
	if err != nil {
		return campaign.Campaign{}, fmt.Errorf("create campaign %q: %w", s.Name, err)
	}
	return db.campaign(ctx, r)
}

// UpdateCampaign replaces a campaign's spec, not that of its runs.
// campaign.ErrNotFound, or campaign.ErrExists when another campaign has the name.
func (db *DB) UpdateCampaign(ctx context.Context, id campaign.CampaignID, s campaign.Spec, now time.Time) (campaign.Campaign, error) {
	var r campaignRow
	err := db.change(ctx, func(t *tx) error {
		hash, err := db.internSpec(ctx, t, s)
		if err != nil {
			return err
		}
		var old string
		err = t.get(ctx, &old, "SELECT spec FROM campaigns WHERE id = ?", id)
		if errors.Is(err, sql.ErrNoRows) {
			return campaign.ErrNotFound
		}
		if err != nil {
			return err
		}
		err = t.get(ctx, &r, `
			UPDATE campaigns SET name = ?, spec = ?, updated = ?
			WHERE id = ? AND NOT EXISTS (SELECT 1 FROM campaigns o WHERE o.name = ? AND o.id <> campaigns.id)
			RETURNING `+campaignColumns, s.Name, hash, millis(now), id, s.Name)
		if errors.Is(err, sql.ErrNoRows) {
			return campaign.ErrExists
		}
		if err != nil {
			return err
		}
		if err := t.noteSegments(ctx, r.ID, slices.Concat(s.Segments, s.ExcludeSegments)...); err != nil {
			return err
		}
		return t.sweepSpec(ctx, old)
	})
	if err != nil {
		return campaign.Campaign{}, fmt.Errorf("update campaign %d to %q: %w", id, s.Name, err)
	}
	return db.campaign(ctx, r)
}

// CampaignByName finds a campaign; campaign.ErrNotFound.
func (db *DB) CampaignByName(ctx context.Context, name string) (campaign.Campaign, error) {
	var r campaignRow
	err := db.get(ctx, fmt.Sprintf("campaign %q", name), &r, "SELECT "+campaignColumns+" FROM campaigns WHERE name = ?", name)
	if err != nil {
		return campaign.Campaign{}, err
	}
	return db.campaign(ctx, r)
}

// Campaigns pages through the campaigns that are archived, or that are not, newest first;
// before 0 starts.
func (db *DB) Campaigns(ctx context.Context, archived bool, before campaign.CampaignID, limit int) ([]campaign.Campaign, error) {
	which := "archived = 0"
	if archived {
		which = "archived > 0"
	}
	var rows []campaignRow
	err := db.selectAll(ctx, &rows, "SELECT "+campaignColumns+" FROM campaigns WHERE id < ? AND "+which+" ORDER BY id DESC LIMIT ?", beforeOrAll(int64(before)), limit)
	if err != nil {
		return nil, fmt.Errorf("read the campaigns: %w", err)
	}
	list := make([]campaign.Campaign, len(rows))
	for i, r := range rows {
		if list[i], err = db.campaign(ctx, r); err != nil {
			return nil, fmt.Errorf("campaign %d: %w", r.ID, err)
		}
	}
	return list, nil
}

// ArchiveCampaign puts a campaign away, or takes it back when at is zero.
// campaign.ErrNotFound, or campaign.ErrConflict when it is being sent or is to be.
func (db *DB) ArchiveCampaign(ctx context.Context, id campaign.CampaignID, at time.Time) (campaign.Campaign, error) {
	var r campaignRow
	err := db.change(ctx, func(t *tx) error {
		var there int64
		err := t.get(ctx, &there, "SELECT id FROM campaigns WHERE id = ?", id)
		if errors.Is(err, sql.ErrNoRows) {
			return campaign.ErrNotFound
		}
		if err != nil {
			return err
		}
		err = t.get(ctx, &r, `
			UPDATE campaigns SET archived = ?
			WHERE id = ? AND NOT EXISTS (SELECT 1 FROM runs r WHERE r.campaign = campaigns.id AND r.state IN ('scheduled', 'running', 'paused'))
				AND NOT EXISTS (SELECT 1 FROM recurrences c WHERE c.campaign = campaigns.id)
			RETURNING `+campaignColumns, millis(at), id)
		if errors.Is(err, sql.ErrNoRows) {
			return campaign.ErrConflict
		}
		return err
	})
	if err != nil {
		return campaign.Campaign{}, fmt.Errorf("archive campaign %d: %w", id, err)
	}
	return db.campaign(ctx, r)
}
