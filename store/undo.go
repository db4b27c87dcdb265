package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"broadside/campaign"
)

// undoPage rows, at most, are taken back at a time.
const undoPage = 4000

type attributesUpdate struct {
	id         int64
	attributes string
}

// setAttributes changes the attributes of contacts; now 0 keeps their time of change.
func (db *DB) setAttributes(ctx context.Context, t *tx, updates []attributesUpdate, now int64) error {
	if len(updates) == 0 {
		return nil
	}
	if db.postgres {
		ids := make([]int64, len(updates))
		attributes := make([]string, len(updates))
		for i, u := range updates {
			ids[i], attributes[i] = u.id, u.attributes
		}
		_, err := t.ExecContext(ctx, `
			UPDATE contacts c SET attributes = u.attributes::json, updated = CASE $3::bigint WHEN 0 THEN c.updated ELSE $3 END
			FROM unnest($1::bigint[], $2::text[]) u (id, attributes) WHERE c.id = u.id`, ids, attributes, now)
		return err
	}
	statement, err := t.PrepareContext(ctx, "UPDATE contacts SET attributes = ?, updated = CASE ?2 WHEN 0 THEN updated ELSE ?2 END WHERE id = ?3")
	if err != nil {
		return err
	}
	defer statement.Close()
	for _, u := range updates {
		if _, err := statement.ExecContext(ctx, u.attributes, now, u.id); err != nil {
			return err
		}
	}
	return nil
}

// UndoImport takes an import back. Its counts are what was undone: New contacts that
// went, and Updated ones that stayed and lost the membership or got their
// attributes back. A contact that the import created stays when it is in another
// list, in a run's ledger, was changed by a later import, or has left the list since:
// who unsubscribed must be remembered.
func (db *DB) UndoImport(ctx context.Context, id campaign.ImportID) (campaign.ImportCounts, error) {
	var counts campaign.ImportCounts
	err := db.change(ctx, func(t *tx) error {
		if err := db.lockContacts(ctx, t); err != nil {
			return err
		}
		u := undo{db: db, tx: t, id: id}
		err := u.run(ctx)
		counts = u.counts
		return err
	})
	if err != nil {
		return campaign.ImportCounts{}, fmt.Errorf("undo import %d: %w", id, err)
	}
	return counts, nil
}

type undo struct {
	db          *DB
	tx          *tx
	id          campaign.ImportID
	list        campaign.ListID
	first, last int64
	counts      campaign.ImportCounts
}

func (u *undo) run(ctx context.Context) error {
	var undone bool
	err := u.tx.QueryRowContext(ctx, u.tx.Rebind("SELECT list, first_contact, last_contact, undone FROM imports WHERE id = ?"), u.id).
		Scan(&u.list, &u.first, &u.last, &undone)
	if errors.Is(err, sql.ErrNoRows) {
		return campaign.ErrNotFound
	}
	if err != nil {
		return err
	}
	if undone {
		return fmt.Errorf("it is undone already: %w", campaign.ErrConflict)
	}
	if _, err := u.tx.exec(ctx, "UPDATE imports SET undone = TRUE WHERE id = ?", u.id); err != nil {
		return err
	}
	if err := u.restoreAttributes(ctx); err != nil {
		return err
	}
	left, err := u.tx.exec(ctx, "DELETE FROM members WHERE list = ? AND import = ? AND status = 0", u.list, u.id)
	if err != nil {
		return err
	}
	if _, err := u.tx.exec(ctx, "UPDATE lists SET subscribed = subscribed - ? WHERE id = ?", left, u.list); err != nil {
		return err
	}
	sent, err := u.db.inLedger(ctx, u.tx, "contacts.id")
	if err != nil {
		return err
	}
	u.counts.New, err = u.tx.exec(ctx, `
		DELETE FROM contacts WHERE id BETWEEN ? AND ? AND import = ?
			AND NOT EXISTS (SELECT 1 FROM members m WHERE m.contact = contacts.id)
			AND NOT `+sent+`
			AND NOT EXISTS (SELECT 1 FROM messages m WHERE m.contact = contacts.id)
			AND NOT EXISTS (SELECT 1 FROM import_changes i WHERE i.contact = contacts.id)`, u.first, u.last, u.id)
	// Who went lost exactly one membership: this import's.
	u.counts.Updated += left - u.counts.New
	return err
}

// restoreAttributes reads what the import changed page by page and takes it back.
func (u *undo) restoreAttributes(ctx context.Context) error {
	for after := int64(0); ; {
		var rows []struct {
			Contact                   int64
			Attributes, Before, Given []byte
			Joined                    bool
		}
		err := u.tx.SelectContext(ctx, &rows, u.tx.Rebind(`
			SELECT i.contact, c.attributes, i.before, i.given,
				EXISTS (SELECT 1 FROM members m WHERE m.list = ? AND m.contact = i.contact AND m.import = i.import AND m.status = 0) AS joined
			FROM import_changes i JOIN contacts c ON c.id = i.contact
			WHERE i.import = ? AND i.contact > ? ORDER BY i.contact LIMIT ?`), u.list, u.id, after, undoPage)
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			_, err := u.tx.exec(ctx, "DELETE FROM import_changes WHERE import = ?", u.id)
			return err
		}
		after = rows[len(rows)-1].Contact
		var updates []attributesUpdate
		for _, r := range rows {
			restored, changed, err := restoreAttributes(r.Attributes, r.Before, r.Given)
			if err != nil {
				return fmt.Errorf("contact %d: %w", r.Contact, err)
			}
			if !changed {
				continue
			}
			updates = append(updates, attributesUpdate{r.Contact, string(restored)})
			if !r.Joined { // those who joined are counted with their membership
				u.counts.Updated++
			}
		}
		if err := u.db.setAttributes(ctx, u.tx, updates, 0); err != nil {
			return err
		}
	}
}

// Imports pages through a list's imports, newest first; before 0 starts.
func (db *DB) Imports(ctx context.Context, list campaign.ListID, before campaign.ImportID, limit int) ([]campaign.Import, error) {
	var rows []struct {
		ID, List                                                     int64
		File                                                         string
		At                                                           int64
		New, Updated, Unchanged, Duplicate, Suppressed, Unsubscribed int64
		Undone                                                       bool
	}
	err := db.selectAll(ctx, &rows, `
		SELECT id, list, file, at, new, updated, unchanged, duplicate, suppressed, unsubscribed, undone
		FROM imports WHERE list = ? AND id < ? ORDER BY id DESC LIMIT ?`, list, beforeOrAll(int64(before)), limit)
	if err != nil {
		return nil, fmt.Errorf("read the imports of list %d: %w", list, err)
	}
	imports := make([]campaign.Import, len(rows))
	for i, r := range rows {
		imports[i] = campaign.Import{
			ID:     campaign.ImportID(r.ID),
			List:   campaign.ListID(r.List),
			File:   r.File,
			At:     fromMillis(r.At),
			Counts: campaign.ImportCounts{New: r.New, Updated: r.Updated, Unchanged: r.Unchanged, Duplicate: r.Duplicate, Suppressed: r.Suppressed, Unsubscribed: r.Unsubscribed},
			Undone: r.Undone,
		}
	}
	return imports, nil
}
