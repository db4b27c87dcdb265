package store

import (
	"context"
	"fmt"

	"broadside/campaign"
)

// RecipientOf returns a run's row about a contact, with the contact's address ("" when
// it was erased); campaign.ErrNotFound.
func (db *DB) RecipientOf(ctx context.Context, run campaign.RunID, contact campaign.ContactID) (campaign.RecipientRow, error) {
	var r struct {
		ledgerRow
		Email  string
		Person campaign.ContactID
	}
	err := db.get(ctx, fmt.Sprintf("contact %d in run %d", contact, run), &r,
		"SELECT "+rowColumns+`, COALESCE(NULLIF(c.spelling, ''), c.address, '') AS email, COALESCE(c.id, 0) AS person
		FROM ledger l LEFT JOIN replies p ON p.id = l.reply LEFT JOIN contacts c ON c.id = `+personOf("l.contact")+`
		WHERE l.contact = ? AND `+ofRun("l.run", run), int64(contact))
	if err != nil {
		return campaign.RecipientRow{}, err
	}
	return campaign.RecipientRow{Row: r.row(), Email: r.Email, Person: r.Person}, nil
}
