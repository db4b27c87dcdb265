package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"broadside/campaign"
)

// The library's texts are rows of templates.
const starterColumns = "id, name, content, updated"

type starterRow struct {
	ID      int64
	Name    string
	Content []byte
	Updated int64
}

func (r starterRow) starter() (campaign.Starter, error) {
	s := campaign.Starter{Key: strconv.FormatInt(r.ID, 10), Name: r.Name, Updated: fromMillis(r.Updated)}
	if err := json.Unmarshal(r.Content, &s.Content); err != nil {
		return s, fmt.Errorf("text %d of the library: %w", r.ID, err)
	}
	return s, nil
}

// CreateStarter saves a text; campaign.ErrExists when its name is taken.
func (db *DB) CreateStarter(ctx context.Context, name string, c campaign.StarterContent, now time.Time) (campaign.Starter, error) {
	text, err := json.Marshal(c)
	if err != nil {
		return campaign.Starter{}, err
	}
	var r starterRow
	err = db.change(ctx, func(t *tx) error {
		return t.get(ctx, &r, "INSERT INTO templates (name, content, created, updated) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING "+starterColumns,
			name, string(text), millis(now), millis(now))
	})
	if errors.Is(err, sql.ErrNoRows) {
		err = campaign.ErrExists
	}
	if err != nil {
		return campaign.Starter{}, fmt.Errorf("save text %q: %w", name, err)
	}
	return r.starter()
}

// UpdateStarter gives a text a name and a content. campaign.ErrNotFound, or
// campaign.ErrExists when another one has the name.
func (db *DB) UpdateStarter(ctx context.Context, id int64, name string, c campaign.StarterContent, now time.Time) (campaign.Starter, error) {
	text, err := json.Marshal(c)
	if err != nil {
		return campaign.Starter{}, err
	}
	var r starterRow
	err = db.change(ctx, func(t *tx) error {
		var taken bool
		if err := t.get(ctx, &taken, "SELECT EXISTS (SELECT 1 FROM templates WHERE name = ? AND id <> ?)", name, id); err != nil {
			return err
		}
		if taken {
			return campaign.ErrExists
		}
		err := t.get(ctx, &r, "UPDATE templates SET name = ?, content = ?, updated = ? WHERE id = ? RETURNING "+starterColumns, name, string(text), millis(now), id)
		if errors.Is(err, sql.ErrNoRows) {
			return campaign.ErrNotFound
		}
		return err
	})
	if err != nil {
		return campaign.Starter{}, fmt.Errorf("change text %d to %q: %w", id, name, err)
	}
	return r.starter()
}

// DeleteStarter deletes a text; campaign.ErrNotFound.
func (db *DB) DeleteStarter(ctx context.Context, id int64) error {
	err := db.change(ctx, func(t *tx) error {
		n, err := t.exec(ctx, "DELETE FROM templates WHERE id = ?", id)
		if err == nil && n == 0 {
			return campaign.ErrNotFound
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("delete text %d: %w", id, err)
	}
	return nil
}

// StarterByID finds a text; campaign.ErrNotFound.
func (db *DB) StarterByID(ctx context.Context, id int64) (campaign.Starter, error) {
	var r starterRow
	if err := db.get(ctx, fmt.Sprintf("text %d of the library", id), &r, "SELECT "+starterColumns+" FROM templates WHERE id = ?", id); err != nil {
		return campaign.Starter{}, err
	}
	return r.starter()
}

// Starters returns all texts in order of name.
func (db *DB) Starters(ctx context.Context) ([]campaign.Starter, error) {
	var rows []starterRow
	if err := db.selectAll(ctx, &rows, "SELECT "+starterColumns+" FROM templates ORDER BY name"); err != nil {
		return nil, fmt.Errorf("read the library: %w", err)
	}
	list := make([]campaign.Starter, len(rows))
	for i, r := range rows {
		var err error
		if list[i], err = r.starter(); err != nil {
			return nil, err
		}
	}
	return list, nil
}
