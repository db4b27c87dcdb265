package store

import (
	"context"
	"fmt"
	"strings"

	"broadside/campaign"
)

// address is what makes two spellings of an address one contact.
func address(email string) string { return strings.ToLower(email) }

// spelling is what is stored beside the address: "" when they are the same.
func spelling(email, address string) string {
	if email == address {
		return ""
	}
	return email
}

// contactColumns are the columns of contactRow, of a table called c.
const contactColumns = "c.id, c.address, c.spelling, c.attributes, c.created, c.updated"

// contactOf is what follows JOIN to find the contact c of an id by its key. LATERAL
// keeps PostgreSQL from merging a page with all contacts before it.
func (db *DB) contactOf(id string) string {
	if db.postgres {
		return " LATERAL (SELECT * FROM contacts WHERE id = " + id + " OFFSET 0) c ON TRUE "
	}
	return " contacts c ON c.id = " + id + " "
}

type contactRow struct {
	ID                int64
	Address, Spelling string
	Attributes        []byte
	Created, Updated  int64
}

func (r contactRow) email() string {
	if r.Spelling != "" {
		return r.Spelling
	}
	return r.Address
}

func (r contactRow) contact() campaign.Contact {
	return campaign.Contact{
		ID:         campaign.ContactID(r.ID),
		Email:      r.email(),
		Attributes: r.Attributes,
		Created:    fromMillis(r.Created),
		Updated:    fromMillis(r.Updated),
	}
}

// ContactByEmail finds a contact by its normalised address, in any case of the
// local part; campaign.ErrNotFound.
func (db *DB) ContactByEmail(ctx context.Context, email string) (campaign.Contact, error) {
	var r contactRow
	err := db.get(ctx, "contact "+email, &r, "SELECT "+contactColumns+" FROM contacts c WHERE c.address = ?", address(email))
	if err != nil {
		return campaign.Contact{}, fmt.Errorf("find a contact: %w", err)
	}
	return r.contact(), nil
}

// Fields are the attribute names that contacts have had, in order.
func (db *DB) Fields(ctx context.Context) ([]string, error) {
	var names []string
	if err := db.selectAll(ctx, &names, "SELECT name FROM fields ORDER BY name"); err != nil {
		return nil, fmt.Errorf("read the attribute names: %w", err)
	}
	return names, nil
}
