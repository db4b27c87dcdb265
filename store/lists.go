package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"broadside/campaign"
)

const listColumns = "id, name, created, subscribed, unsubscribed, tracking, title, description, visible"

type listRow struct {
	ID                       int64
	Name                     string
	Created                  int64
	Subscribed, Unsubscribed int64
	Tracking                 uint8
	Title, Description       string
	Visible                  bool
}

func (r listRow) list() campaign.List {
	return campaign.List{
		ID:           campaign.ListID(r.ID),
		Name:         r.Name,
		Created:      fromMillis(r.Created),
		Subscribed:   r.Subscribed,
		Unsubscribed: r.Unsubscribed,
		Tracking:     campaign.Tracking(r.Tracking),
		Presentation: campaign.Presentation{Title: r.Title, Description: r.Description, Visible: r.Visible},
	}
}

// CreateList makes an empty list; campaign.ErrExists when the name is taken.
func (db *DB) CreateList(ctx context.Context, name string, now time.Time) (campaign.List, error) {
	var r listRow
	err := db.change(ctx, func(t *tx) error {
		return t.get(ctx, &r, "INSERT INTO lists (name, created) VALUES (?, ?) ON CONFLICT DO NOTHING RETURNING "+listColumns, name, millis(now))
	})
	if errors.Is(err, sql.ErrNoRows) {
		err = campaign.ErrExists
	}
	if err != nil {
		return campaign.List{}, fmt.Errorf("create list %q: %w", name, err)
	}
	return r.list(), nil
}

// ListByName finds a list; campaign.ErrNotFound.
func (db *DB) ListByName(ctx context.Context, name string) (campaign.List, error) {
	var r listRow
	if err := db.get(ctx, fmt.Sprintf("list %q", name), &r, "SELECT "+listColumns+" FROM lists WHERE name = ?", name); err != nil {
		return campaign.List{}, err
	}
	return r.list(), nil
}

// ListsNamed returns those of some lists that are there, by name.
func (db *DB) ListsNamed(ctx context.Context, names []string) (map[string]campaign.List, error) {
	var rows []listRow
	if err := db.selectAll(ctx, &rows, "SELECT "+listColumns+" FROM lists WHERE "+db.in("name"), db.array(append([]string{}, names...))); err != nil {
		return nil, fmt.Errorf("read %d lists: %w", len(names), err)
	}
	lists := make(map[string]campaign.List, len(rows))
	for _, r := range rows {
		lists[r.Name] = r.list()
	}
	return lists, nil
}

// Lists returns all lists in order of name.
func (db *DB) Lists(ctx context.Context) ([]campaign.List, error) {
	var rows []listRow
	if err := db.selectAll(ctx, &rows, "SELECT "+listColumns+" FROM lists ORDER BY name"); err != nil {
		return nil, fmt.Errorf("read the lists: %w", err)
	}
	lists := make([]campaign.List, len(rows))
	for i, r := range rows {
		lists[i] = r.list()
	}
	return lists, nil
}

// ListContacts pages through a list's members in contact order.
func (db *DB) ListContacts(ctx context.Context, list campaign.ListID, after campaign.ContactID, limit int) ([]campaign.Member, error) {
	var rows []struct {
		contactRow
		Status uint8
	}
	err := db.selectAll(ctx, &rows, `
		SELECT `+contactColumns+`, m.status
		FROM members m JOIN`+db.contactOf("m.contact")+`
		WHERE m.list = ? AND m.contact > ? ORDER BY m.contact LIMIT ?`, list, after, limit)
	if err != nil {
		return nil, fmt.Errorf("read the members of list %d: %w", list, err)
	}
	members := make([]campaign.Member, len(rows))
	for i, r := range rows {
		members[i] = campaign.Member{Contact: r.contact(), Status: campaign.MemberStatus(r.Status)}
	}
	return members, nil
}

// PresentList sets what its members see of a list; campaign.ErrNotFound.
func (db *DB) PresentList(ctx context.Context, id campaign.ListID, p campaign.Presentation) (campaign.List, error) {
	var r listRow
	err := db.change(ctx, func(t *tx) error {
		return t.get(ctx, &r, "UPDATE lists SET title = ?, description = ?, visible = ? WHERE id = ? RETURNING "+listColumns, p.Title, p.Description, p.Visible, int64(id))
	})
	if errors.Is(err, sql.ErrNoRows) {
		err = campaign.ErrNotFound
	}
	if err != nil {
		return campaign.List{}, fmt.Errorf("list %d: %w", id, err)
	}
	return r.list(), nil
}

// DropEmptyList removes a list that never got anything: it was made for an import
// that failed, or was a dry run. A list that is in use stays.
func (db *DB) DropEmptyList(ctx context.Context, id campaign.ListID) error {
	err := db.change(ctx, func(t *tx) error {
		_, err := db.takeList(ctx, t, id)
		if errors.Is(err, campaign.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		_, err = t.exec(ctx, `DELETE FROM lists WHERE id = ? AND subscribed = 0 AND unsubscribed = 0
			AND NOT EXISTS (SELECT 1 FROM imports WHERE list = lists.id) AND NOT EXISTS (SELECT 1 FROM forms WHERE list = lists.id)`, int64(id))
		return err
	})
	if err != nil {
		return fmt.Errorf("drop list %d: %w", id, err)
	}
	return nil
}
