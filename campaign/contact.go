package campaign

import "time"

// ContactID, ListID and the like are keys given by the store, ascending, from 1.
type (
	ContactID int64
	ListID    int64
	ImportID  int64
)

// Contact is a person with an address.
type Contact struct {
	ID ContactID
	// Email is normalised: the local part as given, the domain in lower-case
	// A-labels (RFC 5890). Two contacts never share it when compared with their
	// local parts in lower case.
	Email string
	// Attributes is a JSON object of strings, numbers, booleans and nulls; never nil.
	Attributes []byte
	Created    time.Time
	Updated    time.Time
}

// List is a named set of contacts.
type List struct {
	ID      ListID
	Name    string
	Created time.Time
	// Subscribed and Unsubscribed are kept counts of its members.
	Subscribed, Unsubscribed int64
	// Tracking is the most that may be measured of its members.
	Tracking Tracking
}

// Membership is a list that a contact is in, or has left.
type Membership struct {
	List    List
	Status  MemberStatus
	Changed time.Time
}

// MemberStatus says whether a member of a list wants its mail.
type MemberStatus uint8

// The statuses are stored: never renumber them.
const (
	Subscribed MemberStatus = 0
	// OptedOut members left the list; no import brings them back.
	OptedOut MemberStatus = 1
)
