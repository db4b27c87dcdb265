package campaign

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Person is everything that is kept about one address, as it is handed out to whom it
// belongs (GDPR, articles 15 and 20).
type Person struct {
	Email        string              `json:"email"`
	Contact      *PersonContact      `json:"contact"` // null: none, but suppressions
	Lists        []PersonList        `json:"lists"`
	Consents     []PersonConsent     `json:"consents"`
	SignUps      []PersonSignUp      `json:"sign_ups"` // that were not confirmed
	Suppressions []PersonSuppression `json:"suppressions"`
	History      []PersonRun         `json:"history"` // newest run first
	Feedback     []PersonFeedback    `json:"feedback"`
	Readings     []PersonReading     `json:"readings"`
	Messages     []PersonMessage     `json:"messages"` // to this person alone, that are on their way
	Told         []PersonTold        `json:"told"`     // to other systems, by webhooks; newest first
}

// PersonContact is the contact itself, and where it came from.
type PersonContact struct {
	ID         ContactID       `json:"id"`
	Attributes json.RawMessage `json:"attributes"`
	Created    time.Time       `json:"created"`
	Updated    time.Time       `json:"updated"`
	Source     string          `json:"source,omitempty"` // the file that it was imported from
}

// PersonList is a list that the person is in, or has left.
type PersonList struct {
	List         string    `json:"list"`
	Subscribed   bool      `json:"subscribed"`
	Since        time.Time `json:"since"`
	ConsentUntil time.Time `json:"consent_until,omitzero"`
}

// PersonConsent is the record of a consent.
type PersonConsent struct {
	List        string    `json:"list"`
	At          time.Time `json:"at"`
	How         string    `json:"how"`
	IP          string    `json:"ip,omitempty"`
	Agent       string    `json:"agent,omitempty"` // the browser, as it calls itself
	Form        string    `json:"form,omitempty"`  // the words that were agreed to
	FormVersion int64     `json:"form_version,omitempty"`
	Confirmed   time.Time `json:"confirmed,omitzero"`
	ConfirmedIP string    `json:"confirmed_ip,omitempty"`
	Until       time.Time `json:"until,omitzero"`
}

// PersonSignUp is a wish to join a list that was not confirmed, perhaps somebody else's.
type PersonSignUp struct {
	List       string          `json:"list"`
	At         time.Time       `json:"at"`
	IP         string          `json:"ip,omitempty"`
	Agent      string          `json:"agent,omitempty"`
	Attributes json.RawMessage `json:"attributes"`
}

// PersonSuppression is one reason why the person gets no mail.
type PersonSuppression struct {
	Who    string    `json:"who"` // the address, its domain or its hash
	List   string    `json:"list,omitempty"`
	Reason string    `json:"reason"`
	Detail string    `json:"detail,omitempty"`
	At     time.Time `json:"at"`
}

// PersonRun is what one run did about the person.
type PersonRun struct {
	Campaign string          `json:"campaign"`
	Run      RunID           `json:"run"`
	State    string          `json:"state"`
	Reason   string          `json:"reason,omitempty"`
	Code     uint16          `json:"code,omitempty"`
	Reply    string          `json:"reply,omitempty"`
	At       time.Time       `json:"at,omitzero"`
	Attempts []PersonAttempt `json:"attempts,omitempty"`
}

// PersonAttempt is one try that was not simply accepted.
type PersonAttempt struct {
	Number uint16    `json:"number"`
	State  string    `json:"state"`
	Reason string    `json:"reason,omitempty"`
	Reply  string    `json:"reply,omitempty"`
	Host   string    `json:"host,omitempty"`
	At     time.Time `json:"at"`
}

// PersonFeedback is what was heard from the person's mail system.
type PersonFeedback struct {
	Run    RunID     `json:"run"`
	Kind   string    `json:"kind"`
	Detail string    `json:"detail,omitempty"`
	At     time.Time `json:"at"`
}

// PersonReading is what is known of what the person did with a message: only where their
// lists allow that it is.
type PersonReading struct {
	Run     RunID     `json:"run"`
	What    string    `json:"what"`           // "opened" or "clicked"
	Link    string    `json:"link,omitempty"` // where it leads
	Person  int64     `json:"person"`         // how often, by a person
	Machine int64     `json:"machine"`        // and by machines
	First   time.Time `json:"first"`
	Last    time.Time `json:"last"`
}

// PersonMessage is what a message to the person alone, which is on its way, is made with.
type PersonMessage struct {
	Run     RunID           `json:"run"`
	Created time.Time       `json:"created"`
	Data    json.RawMessage `json:"data"`
}

// PersonTold is what another system was told about the person, or is to be told.
type PersonTold struct {
	URL   string          `json:"url"`
	Type  string          `json:"type"`
	At    time.Time       `json:"at"`
	State string          `json:"state"`
	Event json.RawMessage `json:"event"` // as it was sent
}

// Erasure is what an erasure took away.
type Erasure struct {
	Email        string `json:"email"`
	Contact      bool   `json:"contact"`      // there was a contact
	Memberships  int64  `json:"memberships"`  // of lists
	Consents     int64  `json:"consents"`     // records
	SignUps      int64  `json:"sign_ups"`     // that were not confirmed
	Attempts     int64  `json:"attempts"`     // with the servers' replies
	Feedback     int64  `json:"feedback"`     // bounces and complaints
	Readings     int64  `json:"readings"`     // what was opened and clicked
	Suppressions int64  `json:"suppressions"` // in clear; the hash takes their place
	Audit        int64  `json:"audit"`        // lines of the audit log that named the address
}

// PersonStore keeps people as the law sees them.
type PersonStore interface {
	// PersonOf returns all that is kept about an address; ErrNotFound when that is
	// nothing.
	PersonOf(ctx context.Context, email string) (Person, error)
	// EditContact changes a contact's address and attributes. *AddressRefusal when it cannot
	// have the address; ErrNotFound.
	EditContact(ctx context.Context, id ContactID, edit ContactEdit, now time.Time) (Contact, error)
	// Erase takes away all that is kept about an address in one transaction. Its rows in
	// the ledger stay, as numbers of nobody, so that the runs balance; and a keyed hash of
	// the address stays suppressed. Erasing twice changes nothing more.
	Erase(ctx context.Context, email string, now time.Time) (Erasure, error)
}

// Person returns all that is kept about an address as a person types it.
func (s *Service) Person(ctx context.Context, email string) (Person, error) {
	address, err := ParseAddress(email)
	if err != nil {
		return Person{}, fmt.Errorf("%q is not an address: %w", email, err)
	}
	p, err := s.Store.PersonOf(ctx, address.Email)
	if errors.Is(err, ErrNotFound) {
		return p, fmt.Errorf("nothing is kept about %s: %w", address.Email, ErrNotFound)
	}
	return p, err
}

// Erase takes away all that is kept about an address. The person gets no more mail,
// also in runs that are under way, and no import brings them back.
func (s *Service) Erase(ctx context.Context, email string) (Erasure, error) {
	address, err := ParseAddress(email)
	if err != nil {
		return Erasure{}, fmt.Errorf("%q is not an address: %w", email, err)
	}
	return s.Store.Erase(ctx, address.Email, s.Now())
}
