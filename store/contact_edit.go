package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"broadside/campaign"
)

// EditContact sets attributes of a contact: those of the same name are replaced, others
// stay, and null empties one. campaign.ErrNotFound.
func (db *DB) EditContact(ctx context.Context, id campaign.ContactID, given []byte, now time.Time) (campaign.Contact, error) {
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
		merged, changed, err := mergeAttributes(r.Attributes, given)
		if err != nil || !changed {
			return err
		}
		r.Attributes, r.Updated = merged, millis(now)
		if _, err := t.exec(ctx, "UPDATE contacts SET attributes = ?, updated = ? WHERE id = ?", string(merged), r.Updated, int64(id)); err != nil {
			return err
		}
		return t.addFields(ctx, given)
	})
	if err != nil {
		return campaign.Contact{}, fmt.Errorf("edit contact %d: %w", id, err)
	}
	return r.contact(), nil
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
