package campaign

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Suppression says who is never mailed again: exactly one of Email, Domain and Hash is
// set.
type Suppression struct {
	ID     int64  // ascending, in order of arrival
	Email  string // an address, normalised, local part in lower case
	Domain string // all addresses of a domain and of the domains below it, in lower-case A-labels
	// Hash is an address of which only a keyed hash is kept, because the person was
	// erased: "hash:" and what the store makes of it.
	Hash   string
	List   ListID // to which it applies, 0: whatever the list
	Reason string // "unsubscribed", "bounced", "complained", "manual", …
	Detail string // free text: the reply, the operator's note
	At     time.Time
}

// HashPrefix begins the written form of a hash.
const HashPrefix = "hash:"

// Who is the address, the domain or the hash: its form tells which.
func (s Suppression) Who() string { return s.Email + s.Domain + s.Hash }

// ParseSuppressed reads who is to be suppressed as people and files write it: an
// address, a domain ("example.org" or "@example.org"), or a hash of an earlier export.
func ParseSuppressed(text string) (Suppression, error) {
	text = strings.TrimSpace(text)
	if digits, ok := strings.CutPrefix(text, HashPrefix); ok {
		if digits == "" || strings.Trim(digits, "0123456789abcdef-") != "" {
			return Suppression{}, errors.New("not a hash as an export writes it")
		}
		return Suppression{Hash: text}, nil
	}
	domain := strings.TrimPrefix(text, "@")
	if !strings.Contains(domain, "@") && strings.Contains(domain, ".") {
		ascii, err := appendDomain(nil, []byte(domain))
		if err != nil {
			return Suppression{}, fmt.Errorf("%q: %w", domain, err)
		}
		return Suppression{Domain: string(ascii)}, nil
	}
	address, err := ParseAddress(text)
	if err != nil {
		return Suppression{}, err
	}
	return Suppression{Email: AddressKey(address.Email)}, nil
}

// Addressee is a contact with the address that a message of theirs goes to.
type Addressee struct {
	Contact ContactID
	Email   string // normalised; "" when the contact was erased
}
