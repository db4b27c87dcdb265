package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"broadside/campaign"
	"broadside/campaign/signup"
)

// Confirm subscribes who signed up: the contact, its attributes and membership, the record
// of the consent and the end of the sign-up are one transaction. That the person had left
// the list is lifted, and a suppression on the list because of that; no other is.
// campaign.ErrNotFound when there is no such sign-up, or not any more.
func (db *DB) Confirm(ctx context.Context, id signup.ID, c signup.Confirmation) (campaign.Contact, error) {
	var contact contactRow
	err := db.change(ctx, func(t *tx) error {
		if err := db.lockContacts(ctx, t); err != nil {
			return err
		}
		var s signUpRow
		err := t.get(ctx, &s, "DELETE FROM signups WHERE id = ? RETURNING "+signUpColumns, int64(id))
		if errors.Is(err, sql.ErrNoRows) {
			return campaign.ErrNotFound
		}
		if err != nil {
			return err
		}
		var row formRow
		if err := t.get(ctx, &row, formSelect+"WHERE f.id = ? AND v.version = ?", int64(s.Form), s.Version); err != nil {
			return err
		}
		form, err := row.form()
		if err != nil {
			return err
		}
		if contact, err = db.confirmContact(ctx, t, s, millis(c.At)); err != nil {
			return err
		}
		if err := t.resubscribe(ctx, form.List, contact.ID, millis(c.At)); err != nil {
			return err
		}
		_, err = t.exec(ctx, "DELETE FROM suppressions WHERE list = ? AND reason = 'unsubscribed' AND "+db.in("who"),
			int64(form.List), db.array([]string{contact.Address, db.hashes.one(contact.Address)}))
		if err != nil {
			return err
		}
		return t.recordConsent(ctx, campaign.Consent{
			Contact: campaign.ContactID(contact.ID), List: form.List, At: fromMillis(s.At), How: "form", IP: s.IP, Agent: s.Agent,
			Form: form.Texts[s.Language].Consent, SignupForm: int64(s.Form), FormVersion: s.Version,
			Confirmed: c.At, ConfirmedIP: c.IP,
		})
	})
	if err != nil {
		return campaign.Contact{}, fmt.Errorf("confirm sign-up %d: %w", id, err)
	}
	return contact.contact(), nil
}

// confirmContact finds or makes the contact of a sign-up, and gives it what was filled in.
func (db *DB) confirmContact(ctx context.Context, t *tx, s signUpRow, now int64) (contactRow, error) {
	var c contactRow
	id, err := db.contactFor(ctx, t, s.Email, fromMillis(now))
	if err != nil {
		return c, err
	}
	if err := t.get(ctx, &c, "SELECT "+contactColumns+" FROM contacts c WHERE c.id = ?", int64(id)); err != nil {
		return c, err
	}
	merged, changed, err := mergeAttributes(c.Attributes, s.Attributes)
	if err != nil || !changed {
		return c, err
	}
	c.Attributes, c.Updated = merged, now
	if _, err := t.exec(ctx, "UPDATE contacts SET attributes = ?, updated = ? WHERE id = ?", string(merged), now, c.ID); err != nil {
		return c, err
	}
	return c, t.addFields(ctx, s.Attributes)
}

// resubscribe subscribes a contact to a list, also one that it had left.
func (t *tx) resubscribe(ctx context.Context, list campaign.ListID, contact, now int64) error {
	joined, err := t.exec(ctx, "INSERT INTO members (list, contact, status, changed, import) VALUES (?, ?, 0, ?, 0) ON CONFLICT DO NOTHING", int64(list), contact, now)
	if err != nil {
		return err
	}
	returned, err := t.exec(ctx, "UPDATE members SET status = 0, changed = ?, left_by = 0 WHERE list = ? AND contact = ? AND status = 1", now, int64(list), contact)
	if err != nil || joined+returned == 0 {
		return err
	}
	_, err = t.exec(ctx, "UPDATE lists SET subscribed = subscribed + 1, unsubscribed = unsubscribed - ? WHERE id = ?", returned, int64(list))
	return err
}
