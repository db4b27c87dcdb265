package campaign

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
)

// ContactEdit is what a person changes about a contact.
type ContactEdit struct {
	// Email is another address, normalised; "" keeps the one there is.
	Email string
	// Set are attributes as Attributes makes them: those of the same name are replaced,
	// others stay, and null empties one; nil changes none.
	Set []byte
	// Remove names attributes that go altogether.
	Remove []string
}

// EditContact changes a contact. Its lists, what was sent to it and its consents stay with
// it; suppressions stay with the address. An *Unfit when something given cannot be, or
// would let mail through to somebody who does not want it; ErrNotFound.
func (s *Service) EditContact(ctx context.Context, id ContactID, email string, set map[string]json.RawMessage, remove []string) (Contact, error) {
	edit := ContactEdit{Remove: remove}
	if email != "" {
		address, err := ParseAddress(email)
		if err != nil {
			return Contact{}, unfit("email", "is not an address: "+err.Error())
		}
		edit.Email = address.Email
	}
	if len(set) > 0 {
		var err error
		if edit.Set, err = Attributes(set); err != nil {
			return Contact{}, unfit("attributes", err.Error())
		}
	}
	c, err := s.Store.EditContact(ctx, id, edit, s.Now())
	if refusal, ok := errors.AsType[*AddressRefusal](err); ok {
		return c, unfit("email", refusal.Error())
	}
	return c, err
}

// AddressRefusal says why a contact cannot have an address.
type AddressRefusal struct {
	Email string
	// Contact has the address already; 0: Why says what is against it.
	Contact ContactID
	Why     string
}

func (r *AddressRefusal) Error() string {
	if r.Contact != 0 {
		return fmt.Sprintf("%s is the address of another contact, number %d: erase one of the two, or keep both", r.Email, r.Contact)
	}
	return r.Why
}
