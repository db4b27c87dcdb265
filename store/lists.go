package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"broadside/campaign"
)

const listColumns = "id, name, created, subscribed, unsubscribed, tracking"

type listRow struct {
	ID                       int64
	Name                     string
	Created                  int64
	Subscribed, Unsubscribed int64
	Tracking                 uint8
}

func (r listRow) list() campaign.List {
	return campaign.List{
		ID:           campaign.ListID(r.ID),
		Name:         r.Name,
		Created:      fromMillis(r.Created),
		Subscribed:   r.Subscribed,
		Unsubscribed: r.Unsubscribed,
		Tracking:     campaign.Tracking(r.Tracking),
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

// Unsubscribe marks a contact as having left a list, or every list that it is in
// when list is 0. Leaving a list twice changes nothing. A contact that was never in
// the list leaves it all the same, so that no import adds it later;
// campaign.ErrNotFound when there is no such contact or list.
func (db *DB) Unsubscribe(ctx context.Context, contact campaign.ContactID, list campaign.ListID, now time.Time) error {
	err := db.change(ctx, func(t *tx) error {
		var left []int64
		err := t.SelectContext(ctx, &left, t.Rebind(`
			UPDATE members SET status = 1, changed = ?
			WHERE contact = ? AND (list = ? OR ? = 0) AND status = 0 RETURNING list`), millis(now), contact, list, list)
		if err != nil {
			return err
		}
		for _, l := range left {
			if _, err := t.exec(ctx, "UPDATE lists SET subscribed = subscribed - 1, unsubscribed = unsubscribed + 1 WHERE id = ?", l); err != nil {
				return err
			}
		}
		if len(left) > 0 || list == 0 {
			return nil
		}
		return t.leaveUnjoined(ctx, contact, list, now)
	})
	if err != nil {
		return fmt.Errorf("unsubscribe contact %d from list %d: %w", contact, list, err)
	}
	return nil
}

func (t *tx) leaveUnjoined(ctx context.Context, contact campaign.ContactID, list campaign.ListID, now time.Time) error {
	var known bool
	err := t.get(ctx, &known, "SELECT EXISTS (SELECT 1 FROM contacts WHERE id = ?) AND EXISTS (SELECT 1 FROM lists WHERE id = ?)", contact, list)
	if err != nil {
		return err
	}
	if !known {
		return campaign.ErrNotFound
	}
	n, err := t.exec(ctx, "INSERT INTO members (list, contact, status, changed, import) VALUES (?, ?, 1, ?, 0) ON CONFLICT DO NOTHING", list, contact, millis(now))
	if err != nil || n == 0 {
		return err
	}
	_, err = t.exec(ctx, "UPDATE lists SET unsubscribed = unsubscribed + 1 WHERE id = ?", list)
	return err
}

// DropEmptyList removes a list that never got anything: it was made for an import
// that failed, or was a dry run. A list that is in use stays.
func (db *DB) DropEmptyList(ctx context.Context, id campaign.ListID) error {
	err := db.change(ctx, func(t *tx) error {
		_, err := t.exec(ctx, `DELETE FROM lists WHERE id = ? AND subscribed = 0 AND unsubscribed = 0
			AND NOT EXISTS (SELECT 1 FROM imports WHERE list = lists.id)`, int64(id))
		return err
	})
	if err != nil {
		return fmt.Errorf("drop list %d: %w", id, err)
	}
	return nil
}
