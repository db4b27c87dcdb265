package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"broadside/campaign"
)

const segmentColumns = "id, name, expression, created, updated"

type segmentRow struct {
	ID               int64
	Name, Expression string
	Created, Updated int64
}

func (r segmentRow) segment() campaign.SavedSegment {
	return campaign.SavedSegment{ID: campaign.SegmentID(r.ID), Name: r.Name, Expression: r.Expression, Created: fromMillis(r.Created), Updated: fromMillis(r.Updated)}
}

// CreateSegment saves an expression under a name; campaign.ErrExists when it is taken.
func (db *DB) CreateSegment(ctx context.Context, name, expression string, now time.Time) (campaign.SavedSegment, error) {
	var r segmentRow
	err := db.change(ctx, func(t *tx) error {
		return t.get(ctx, &r, "INSERT INTO segments (name, expression, created, updated) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING "+segmentColumns,
			name, expression, millis(now), millis(now))
	})
	if errors.Is(err, sql.ErrNoRows) {
		err = campaign.ErrExists
	}
	if err != nil {
		return campaign.SavedSegment{}, fmt.Errorf("create segment %q: %w", name, err)
	}
	return r.segment(), nil
}

// UpdateSegment gives a segment a name and an expression. campaign.ErrNotFound, or
// campaign.ErrExists when another one has the name.
func (db *DB) UpdateSegment(ctx context.Context, id campaign.SegmentID, name, expression string, now time.Time) (campaign.SavedSegment, error) {
	var r segmentRow
	err := db.change(ctx, func(t *tx) error {
		var taken bool
		if err := t.get(ctx, &taken, "SELECT EXISTS (SELECT 1 FROM segments WHERE name = ? AND id <> ?)", name, int64(id)); err != nil {
			return err
		}
		if taken {
			return campaign.ErrExists
		}
		err := t.get(ctx, &r, "UPDATE segments SET name = ?, expression = ?, updated = ? WHERE id = ? RETURNING "+segmentColumns, name, expression, millis(now), int64(id))
		if errors.Is(err, sql.ErrNoRows) {
			return campaign.ErrNotFound
		}
		return err
	})
	if err != nil {
		return campaign.SavedSegment{}, fmt.Errorf("update segment %d to %q: %w", id, name, err)
	}
	return r.segment(), nil
}

// DeleteSegment deletes a segment, whoever refers to it; campaign.ErrNotFound.
func (db *DB) DeleteSegment(ctx context.Context, id campaign.SegmentID) error {
	err := db.change(ctx, func(t *tx) error {
		n, err := t.exec(ctx, "DELETE FROM segments WHERE id = ?", int64(id))
		if err == nil && n == 0 {
			return campaign.ErrNotFound
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("delete segment %d: %w", id, err)
	}
	return nil
}

// SegmentByName finds a segment; campaign.ErrNotFound.
func (db *DB) SegmentByName(ctx context.Context, name string) (campaign.SavedSegment, error) {
	var r segmentRow
	err := db.get(ctx, fmt.Sprintf("segment %q", name), &r, "SELECT "+segmentColumns+" FROM segments WHERE name = ?", name)
	return r.segment(), err
}

// SegmentByID finds a segment; campaign.ErrNotFound.
func (db *DB) SegmentByID(ctx context.Context, id campaign.SegmentID) (campaign.SavedSegment, error) {
	var r segmentRow
	err := db.get(ctx, fmt.Sprintf("segment %d", id), &r, "SELECT "+segmentColumns+" FROM segments WHERE id = ?", int64(id))
	return r.segment(), err
}

// Segments returns all segments in order of name.
func (db *DB) Segments(ctx context.Context) ([]campaign.SavedSegment, error) {
	var rows []segmentRow
	if err := db.selectAll(ctx, &rows, "SELECT "+segmentColumns+" FROM segments ORDER BY name"); err != nil {
		return nil, fmt.Errorf("read the segments: %w", err)
	}
	list := make([]campaign.SavedSegment, len(rows))
	for i, r := range rows {
		list[i] = r.segment()
	}
	return list, nil
}

// SegmentUsers names the campaigns that refer to a segment as they stand, in order.
func (db *DB) SegmentUsers(ctx context.Context, name string) ([]string, error) {
	var names []string
	err := db.selectAll(ctx, &names, "SELECT c.name FROM segment_users u JOIN campaigns c ON c.id = u.campaign WHERE u.segment = ? ORDER BY c.name", name)
	if err != nil {
		return nil, fmt.Errorf("read who uses segment %q: %w", name, err)
	}
	return names, nil
}

// noteSegments keeps which segments a campaign refers to.
func (t *tx) noteSegments(ctx context.Context, campaign int64, names ...string) error {
	if _, err := t.exec(ctx, "DELETE FROM segment_users WHERE campaign = ?", campaign); err != nil {
		return err
	}
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		if _, err := t.exec(ctx, "INSERT INTO segment_users (segment, campaign) VALUES (?, ?)", name, campaign); err != nil {
			return err
		}
	}
	return nil
}

// SelectionOf returns what was frozen for a run; campaign.ErrNotFound when nothing was.
func (db *DB) SelectionOf(ctx context.Context, id campaign.RunID) (campaign.Selection, error) {
	var s campaign.Selection
	var text []byte
	what := fmt.Sprintf("selection of run %d", id)
	if err := db.get(ctx, what, &text, "SELECT selection FROM run_selections WHERE run = ?", int64(id)); err != nil {
		return s, err
	}
	if err := json.Unmarshal(text, &s); err != nil {
		return s, fmt.Errorf("%s: %w", what, err)
	}
	return s, nil
}

// FreezeSelection keeps a run's selection for good and returns it: an earlier one stays.
func (db *DB) FreezeSelection(ctx context.Context, id campaign.RunID, s campaign.Selection) (campaign.Selection, error) {
	text, err := json.Marshal(s)
	if err != nil {
		return s, err
	}
	err = db.change(ctx, func(t *tx) error {
		_, err := t.exec(ctx, "INSERT INTO run_selections (run, selection) VALUES (?, ?) ON CONFLICT DO NOTHING", int64(id), string(text))
		return err
	})
	if err != nil {
		return s, fmt.Errorf("freeze the selection of run %d: %w", id, err)
	}
	return db.SelectionOf(ctx, id)
}
