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

// EditContact changes a contact's address and attributes. *campaign.AddressRefusal when it
// cannot have the address; campaign.ErrNotFound.
func (db *DB) EditContact(ctx context.Context, id campaign.ContactID, edit campaign.ContactEdit, now time.Time) (campaign.Contact, error) {
	var r contactRow
	err := db.change(ctx, func(t *tx) error {
		// As an import: it neither waits for this row nor overwrites it.
		if err := db.lockContacts(ctx, t); err != nil {
			return err
		}
		err := t.get(ctx, &r, "SELECT "+contactColumns+" FROM contacts c WHERE c.id = ?", int64(id))
		if errors.Is(err, sql.ErrNoRows) {
			return campaign.ErrNotFound
		}
		if err != nil {
			return err
		}
		before := r
		if edit.Email != "" {
			if err := db.moveAddress(ctx, t, &r, edit.Email); err != nil {
				return err
			}
		}
		if r.Attributes, err = editAttributes(r.Attributes, edit); err != nil {
			return err
		}
		if before.email() == r.email() && string(before.Attributes) == string(r.Attributes) {
			return nil
		}
		r.Updated = millis(now)
		_, err = t.exec(ctx, "UPDATE contacts SET address = ?, spelling = ?, attributes = ?, updated = ? WHERE id = ?",
			r.Address, r.Spelling, string(r.Attributes), r.Updated, int64(id))
		if err != nil || edit.Set == nil {
			return err
		}
		return t.addFields(ctx, edit.Set)
	})
	if err != nil {
		return campaign.Contact{}, fmt.Errorf("edit contact %d: %w", id, err)
	}
	return r.contact(), nil
}

// moveAddress gives a contact another address, if nothing is against it.
func (db *DB) moveAddress(ctx context.Context, t *tx, r *contactRow, email string) error {
	to := address(email)
	if to == r.Address {
		r.Spelling = spelling(email, to) // another spelling of the same
		return nil
	}
	var other campaign.ContactID
	err := t.get(ctx, &other, "SELECT id FROM contacts WHERE address = ?", to)
	if err == nil {
		return &campaign.AddressRefusal{Email: email, Contact: other}
	}
	if !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	var erased bool
	if err := t.get(ctx, &erased, "SELECT EXISTS (SELECT 1 FROM suppressions WHERE who = ?)", db.hashes.one(to)); err != nil {
		return err
	}
	if erased {
		return &campaign.AddressRefusal{Email: email, Why: "is the address of a person who was erased: it is neither stored nor mailed"}
	}
	var reasons []string
	if err := t.SelectContext(ctx, &reasons, t.Rebind("SELECT reason FROM suppressions WHERE who = ? ORDER BY list"), r.Address); err != nil {
		return err
	}
	// A mailbox that is gone says nothing about the person; all else is their wish.
	for _, reason := range reasons {
		if reason != "bounced" {
			return &campaign.AddressRefusal{Email: email, Why: fmt.Sprintf("cannot be taken instead: the present address is suppressed (%s), and mail to another one would go around that; lift the suppression first", reason)}
		}
	}
	r.Address, r.Spelling = to, spelling(email, to)
	return nil
}

func editAttributes(old []byte, edit campaign.ContactEdit) ([]byte, error) {
	if len(edit.Remove) > 0 {
		have, err := appendAttributes(nil, old)
		if err != nil {
			return nil, err
		}
		keys := make([]string, len(edit.Remove))
		for i, name := range edit.Remove {
			key, err := json.Marshal(name)
			if err != nil {
				return nil, err
			}
			keys[i] = string(key)
		}
		old = objectOf(slices.DeleteFunc(have, func(a attribute) bool { return slices.Contains(keys, string(a.key)) }))
	}
	if edit.Set == nil {
		return old, nil
	}
	merged, _, err := mergeAttributes(old, edit.Set)
	return merged, err
}

// addFields makes the names of a contact's attributes known.
func (t *tx) addFields(ctx context.Context, object []byte) error {
	attributes, err := appendAttributes(nil, object)
	if err != nil {
		return err
	}
	for _, a := range attributes {
		name, err := keyName(a.key)
		if err != nil {
			return fmt.Errorf("attribute name %s: %w", a.key, err)
		}
		if _, err := t.exec(ctx, "INSERT INTO fields (name) VALUES (?) ON CONFLICT DO NOTHING", name); err != nil {
			return err
		}
	}
	return nil
}
