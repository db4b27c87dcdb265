package store

import (
	"context"
	"fmt"

	"broadside/campaign"
)

// RecordConsent keeps the record of a consent, and has the contact's subscription to
// the list end with it. It subscribes nobody.
func (db *DB) RecordConsent(ctx context.Context, c campaign.Consent) error {
	err := db.change(ctx, func(t *tx) error {
		_, err := t.exec(ctx, "INSERT INTO consents (contact, list, at, how, ip, form, confirmed, until) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
			int64(c.Contact), int64(c.List), millis(c.At), c.How, c.IP, c.Form, millis(c.Confirmed), millis(c.Until))
		if err != nil {
			return err
		}
		_, err = t.exec(ctx, "UPDATE members SET consent_until = ? WHERE list = ? AND contact = ?", millis(c.Until), int64(c.List), int64(c.Contact))
		return err
	})
	if err != nil {
		return fmt.Errorf("record the consent of contact %d: %w", c.Contact, err)
	}
	return nil
}

// ConsentsOf returns the records of a contact's consents, oldest first.
func (db *DB) ConsentsOf(ctx context.Context, contact campaign.ContactID) ([]campaign.Consent, error) {
	var rows []struct {
		List          campaign.ListID
		At            int64
		How, IP, Form string
		Confirmed     int64
		Until         int64
	}
	err := db.selectAll(ctx, &rows, "SELECT list, at, how, ip, form, confirmed, until FROM consents WHERE contact = ? ORDER BY id", int64(contact))
	if err != nil {
		return nil, fmt.Errorf("read the consents of contact %d: %w", contact, err)
	}
	list := make([]campaign.Consent, len(rows))
	for i, r := range rows {
		list[i] = campaign.Consent{
			Contact: contact, List: r.List, At: fromMillis(r.At), How: r.How, IP: r.IP, Form: r.Form,
			Confirmed: fromMillis(r.Confirmed), Until: fromMillis(r.Until),
		}
	}
	return list, nil
}
