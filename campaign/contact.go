package campaign

import (
	"cmp"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

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
	Presentation
}

// Presentation is what the members of a list see of it.
type Presentation struct {
	Title       string // "": the list's name
	Description string
	Visible     bool // its members see it among their lists
}

// The bounds of a presentation, in characters.
const (
	maxTitle       = 100
	maxDescription = 300
)

// Check trims a presentation, and finds the field that is not as it must be.
func (p *Presentation) Check() (field string, err error) {
	p.Title, p.Description = strings.TrimSpace(p.Title), strings.TrimSpace(p.Description)
	if utf8.RuneCountInString(p.Title) > maxTitle || strings.ContainsFunc(p.Title, unicode.IsControl) {
		return "title", fmt.Errorf("must have at most %d characters on one line", maxTitle)
	}
	if utf8.RuneCountInString(p.Description) > maxDescription || strings.ContainsFunc(p.Description, unicode.IsControl) {
		return "description", fmt.Errorf("must have at most %d characters on one line", maxDescription)
	}
	return "", nil
}

// PublicTitle is what the list is called where its members read it.
func (l List) PublicTitle() string { return cmp.Or(l.Title, l.Name) }

// Membership is a list that a contact is in, or has left.
type Membership struct {
	List    List
	Status  MemberStatus
	Changed time.Time
	// ByPerson: the contact left the list itself, and may come back by itself.
	ByPerson bool
}

// MemberStatus says whether a member of a list wants its mail.
type MemberStatus uint8

// The statuses are stored: never renumber them.
const (
	Subscribed MemberStatus = 0
	// OptedOut members left the list; no import brings them back.
	OptedOut MemberStatus = 1
)
