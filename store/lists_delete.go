package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"broadside/campaign"
)

// DeleteList removes a list with its memberships, its sign-up forms, the record of its
// imports and what was suppressed on it alone; with contacts, those too that are in no
// other list and that no open run has. What was sent, and the records of consents, stay.
// campaign.ErrNotFound, or campaign.ErrConflict while a run is under way or scheduled
// that names the list.
//
// Contacts go some at a time: when that is interrupted the list is there, smaller, and can
// be deleted again. The list itself goes in one transaction.
func (db *DB) DeleteList(ctx context.Context, id campaign.ListID, contacts bool) (campaign.ListDeletion, error) {
	var gone campaign.ListDeletion
	if err := db.change(ctx, func(t *tx) error { return db.unused(ctx, t, id) }); err != nil {
		return gone, fmt.Errorf("delete list %d: %w", id, err)
	}
	if contacts {
		if err := db.deleteMembers(ctx, id, &gone); err != nil {
			return gone, fmt.Errorf("delete the contacts of list %d: %w", id, err)
		}
	}
	err := db.change(ctx, func(t *tx) error {
		if err := db.lockContacts(ctx, t); err != nil {
			return err
		}
		if err := db.unused(ctx, t, id); err != nil {
			return err
		}
		return db.deleteList(ctx, t, id, &gone)
	})
	if err != nil {
		return gone, fmt.Errorf("delete list %d: %w", id, err)
	}
	return gone, nil
}

// unused finds a run that needs the list.
func (db *DB) unused(ctx context.Context, t *tx, id campaign.ListID) error {
	var name string
	err := t.get(ctx, &name, "SELECT name FROM lists WHERE id = ?", int64(id))
	if errors.Is(err, sql.ErrNoRows) {
		return campaign.ErrNotFound
	}
	if err != nil {
		return err
	}
	open, err := db.runs(ctx, "WHERE state IN ('scheduled', 'running', 'paused') ORDER BY id")
	if err != nil {
		return err
	}
	for _, r := range open {
		if slices.Contains(r.Spec.Lists, name) || slices.Contains(r.Spec.Exclude, name) {
			return fmt.Errorf("campaign %q is %s with it: wait for run %d, or cancel it: %w", r.Spec.Name, r.State, r.ID, campaign.ErrConflict)
		}
	}
	return nil
}

// ofOtherUse is the condition that a contact m.contact stays when the list goes.
const ofOtherUse = `EXISTS (SELECT 1 FROM members o WHERE o.contact = m.contact AND o.list <> m.list)
	OR EXISTS (SELECT 1 FROM ledger l JOIN runs r ON r.id = l.run WHERE l.contact = m.contact AND r.state IN ('scheduled', 'running', 'paused'))
	OR EXISTS (SELECT 1 FROM messages s JOIN runs r ON r.id = s.run WHERE s.contact = m.contact AND r.state IN ('scheduled', 'running', 'paused'))`

// deleteMembers deletes the contacts that are members of this list alone.
func (db *DB) deleteMembers(ctx context.Context, id campaign.ListID, gone *campaign.ListDeletion) error {
	for after := int64(0); ; {
		var page []struct {
			Contact int64
			Stays   bool
		}
		err := db.change(ctx, func(t *tx) error {
			if err := db.lockContacts(ctx, t); err != nil {
				return err
			}
			err := t.SelectContext(ctx, &page, t.Rebind("SELECT m.contact, ("+ofOtherUse+") AS stays FROM (SELECT * FROM members WHERE list = ? AND contact > ? ORDER BY contact LIMIT ?) m ORDER BY m.contact"),
				int64(id), after, expireChunk)
			if err != nil {
				return err
			}
			for _, m := range page {
				after = m.Contact
				if m.Stays {
					continue
				}
				e := campaign.Erasure{}
				if err := t.eraseContact(ctx, m.Contact, &e); err != nil {
					return err
				}
				gone.Contacts++
				gone.Memberships += e.Memberships
			}
			return nil
		})
		if err != nil || len(page) < expireChunk {
			return err
		}
	}
}

func (db *DB) deleteList(ctx context.Context, t *tx, id campaign.ListID, gone *campaign.ListDeletion) error {
	n, err := t.exec(ctx, "DELETE FROM members WHERE list = ?", int64(id))
	if err != nil {
		return err
	}
	gone.Memberships += n
	for _, statement := range []string{
		"DELETE FROM signups WHERE form IN (SELECT id FROM forms WHERE list = ?)",
		"DELETE FROM form_versions WHERE form IN (SELECT id FROM forms WHERE list = ?)",
		"DELETE FROM forms WHERE list = ?",
		"DELETE FROM import_changes WHERE import IN (SELECT id FROM imports WHERE list = ?)",
		"DELETE FROM imports WHERE list = ?",
		"DELETE FROM suppressions WHERE list = ?",
		"DELETE FROM lists WHERE id = ?",
	} {
		if _, err := t.exec(ctx, statement, int64(id)); err != nil {
			return err
		}
	}
	return nil
}
