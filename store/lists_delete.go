package store

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"broadside/campaign"
)

// DeleteList removes a list with its memberships, its sign-up forms, the record of its
// imports and what was suppressed on it alone; with contacts, those too that are in no
// other list and that no open run has. What was sent, and the records of consents, stay.
// campaign.ErrNotFound, or campaign.ErrConflict while a run is under way or scheduled
// that names the list, or a campaign that does is sent again and again.
//
// Contacts go some at a time: when that is interrupted, or a run of the list begins, the
// list is there, smaller, and can be deleted again. The list itself goes in one
// transaction.
func (db *DB) DeleteList(ctx context.Context, id campaign.ListID, contacts bool) (campaign.ListDeletion, error) {
	var gone campaign.ListDeletion
	for after, done := int64(0), false; !done; {
		var part campaign.ListDeletion
		err := db.change(ctx, func(t *tx) error {
			if err := db.takeUnused(ctx, t, id); err != nil {
				return err
			}
			if done = !contacts; contacts {
				var err error
				if after, done, err = db.deleteMembers(ctx, t, id, after, &part); err != nil {
					return err
				}
			}
			if !done {
				return nil
			}
			return db.deleteList(ctx, t, id, &part)
		})
		if err != nil {
			return gone, fmt.Errorf("delete list %d: %w", id, err)
		}
		gone.Contacts += part.Contacts
		gone.Memberships += part.Memberships
	}
	return gone, nil
}

// takeUnused takes a list for deletion; campaign.ErrConflict when a run needs it, or a
// campaign that is sent again and again. An import into it that is under way ends first,
// and so does whoever signs up for it, leaves it, or begins a run of it.
func (db *DB) takeUnused(ctx context.Context, t *tx, id campaign.ListID) error {
	if err := db.lockContacts(ctx, t); err != nil {
		return err
	}
	name, err := db.takeList(ctx, t, id)
	if err != nil {
		return err
	}
	open, err := db.runsFrom(ctx, t, "WHERE state IN ('scheduled', 'running', 'paused') ORDER BY id")
	if err != nil {
		return err
	}
	for _, r := range open {
		if namesList(r.Spec, name) {
			return fmt.Errorf("campaign %q is %s with it: wait for run %d, or cancel it: %w", r.Spec.Name, r.State, r.ID, campaign.ErrConflict)
		}
	}
	var repeated []string
	if err := t.SelectContext(ctx, &repeated, "SELECT spec FROM recurrences ORDER BY campaign"); err != nil {
		return err
	}
	for _, hash := range repeated {
		spec, err := db.spec(ctx, t, hash)
		if errors.Is(err, campaign.ErrNotFound) {
			continue // it was stopped meanwhile
		}
		if err != nil {
			return err
		}
		if namesList(spec, name) {
			return fmt.Errorf("campaign %q is sent to it again and again: stop that first: %w", spec.Name, campaign.ErrConflict)
		}
	}
	return nil
}

func namesList(s campaign.Spec, name string) bool {
	return slices.Contains(s.Lists, name) || slices.Contains(s.Exclude, name)
}

// ofOtherUse is the condition that a contact m.contact stays when the list goes.
func ofOtherUse(ctx context.Context, q querier) (string, error) {
	waits, err := inOpenLedger(ctx, q, "m.contact")
	return `EXISTS (SELECT 1 FROM members o WHERE o.contact = m.contact AND o.list <> m.list)
	OR ` + waits + `
	OR EXISTS (SELECT 1 FROM messages s JOIN runs r ON r.id = s.run WHERE s.contact = m.contact AND r.state IN ('scheduled', 'running', 'paused'))`, err
}

// deleteChunk contacts are deleted in one transaction: who leaves the list waits for it.
const deleteChunk = 500

// deleteMembers deletes, of the next members of a list, the contacts that are in this list
// alone; done when there are no further ones.
func (db *DB) deleteMembers(ctx context.Context, t *tx, id campaign.ListID, after int64, gone *campaign.ListDeletion) (last int64, done bool, err error) {
	var page []struct {
		Contact int64
		Stays   bool
	}
	used, err := ofOtherUse(ctx, t)
	if err != nil {
		return after, false, err
	}
	err = t.SelectContext(ctx, &page, t.Rebind("SELECT m.contact, ("+used+") AS stays FROM (SELECT * FROM members WHERE list = ? AND contact > ? ORDER BY contact LIMIT ?) m ORDER BY m.contact"),
		int64(id), after, deleteChunk)
	if err != nil {
		return after, false, err
	}
	for _, m := range page {
		after = m.Contact
		if m.Stays {
			continue
		}
		e := campaign.Erasure{}
		if err := db.eraseContact(ctx, t, m.Contact, &e); err != nil {
			return after, false, err
		}
		gone.Contacts++
		gone.Memberships += e.Memberships
	}
	return after, len(page) < deleteChunk, nil
}

func (db *DB) deleteList(ctx context.Context, t *tx, id campaign.ListID, gone *campaign.ListDeletion) error {
	n, err := t.exec(ctx, "DELETE FROM members WHERE list = ?", int64(id))
	if err != nil {
		return err
	}
	gone.Memberships += n
	if _, err := db.dropSignUps(ctx, t, "form IN (SELECT id FROM forms WHERE list = ?)", int64(id)); err != nil {
		return err
	}
	for _, statement := range []string{
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
