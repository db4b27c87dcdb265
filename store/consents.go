package store

import (
	"context"
	"fmt"

	"broadside/campaign"
)

// RecordConsent keeps the record of a consent, and has the contact's subscription to
// the list end with it. It subscribes nobody.
func (db *DB) RecordConsent(ctx context.Context, c campaign.Consent) error {
	err := db.change(ctx, func(t *tx) error { return t.recordConsent(ctx, c) })
	if err != nil {
		return fmt.Errorf("record the consent of contact %d: %w", c.Contact, err)
	}
	return nil
}

func (t *tx) recordConsent(ctx context.Context, c campaign.Consent) error {
	_, err := t.exec(ctx, `INSERT INTO consents (contact, list, at, how, ip, agent, form, signup_form, form_version, confirmed, confirmed_ip, until)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		int64(c.Contact), int64(c.List), millis(c.At), c.How, c.IP, c.Agent, c.Form, c.SignupForm, c.FormVersion, millis(c.Confirmed), c.ConfirmedIP, millis(c.Until))
	if err != nil {
		return err
	}
	_, err = t.exec(ctx, "UPDATE members SET consent_until = ? WHERE list = ? AND contact = ?", millis(c.Until), int64(c.List), int64(c.Contact))
	return err
}

// ConsentsOf returns the records of a contact's consents, oldest first.
func (db *DB) ConsentsOf(ctx context.Context, contact campaign.ContactID) ([]campaign.Consent, error) {
	var rows []struct {
		List                 campaign.ListID
		At                   int64
		How, IP, Agent, Form string
		SignupForm           int64 `db:"signup_form"`
		FormVersion          int64 `db:"form_version"`
		Confirmed            int64
		ConfirmedIP          string `db:"confirmed_ip"`
		Until                int64
	}
	err := db.selectAll(ctx, &rows, `SELECT list, at, how, ip, agent, form, signup_form, form_version, confirmed, confirmed_ip, until
		FROM consents WHERE contact = ? ORDER BY id`, int64(contact))
	if err != nil {
		return nil, fmt.Errorf("read the consents of contact %d: %w", contact, err)
	}
	list := make([]campaign.Consent, len(rows))
	for i, r := range rows {
		list[i] = campaign.Consent{
			Contact: contact, List: r.List, At: fromMillis(r.At), How: r.How, IP: r.IP, Agent: r.Agent,
			Form: r.Form, SignupForm: r.SignupForm, FormVersion: r.FormVersion,
			Confirmed: fromMillis(r.Confirmed), ConfirmedIP: r.ConfirmedIP, Until: fromMillis(r.Until),
		}
	}
	return list, nil
}
