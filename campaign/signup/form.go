package signup

import (
	"context"
	"time"

	"broadside/campaign"
	"broadside/campaign/locale"
)

// FormID and ID are keys given by the store, ascending, from 1.
type (
	FormID int64
	ID     int64 // of a sign-up
)

// Form is a form by which people join a list.
type Form struct {
	ID      FormID
	Slug    string // in the address of its page; it says nothing
	List    campaign.ListID
	Version int64 // of Spec, from 1; each edit is a new one
	Closed  bool  // takes nobody
	Created time.Time
	Updated time.Time
	Spec
}

// Spec is what a person says about a form. Its JSON is what the store keeps.
type Spec struct {
	From     string          `json:"from"`  // of the confirmation mail: "News <news@example.org>"
	Texts    map[string]Text `json:"texts"` // by language, of those that package locale has
	Fields   []Field         `json:"fields,omitempty"`
	Redirect string          `json:"redirect,omitempty"` // where who signed up is led; "": a page of ours
	Origins  []string        `json:"origins,omitempty"`  // whose scripts may sign people up
}

// Text is what a form says in one language.
type Text struct {
	Title   string `json:"title"`
	Intro   string `json:"intro,omitempty"`
	Consent string `json:"consent"` // the words that are agreed to
}

// Field is an attribute that is asked for, beside the address.
type Field struct {
	Name     string            `json:"name"` // of the attribute
	Required bool              `json:"required,omitempty"`
	Labels   map[string]string `json:"labels"` // by language
}

// Speak returns the first wish that the form speaks, or else a language that it does.
func (s Spec) Speak(wishes ...string) *locale.Words {
	for _, wish := range wishes {
		if wish == "" {
			continue
		}
		if w := locale.Choose(wish); s.Texts[w.Tag].Title != "" {
			return w
		}
	}
	for _, w := range s.Languages() {
		return w
	}
	return locale.Choose()
}

// Languages are those that the form speaks.
func (s Spec) Languages() (all []*locale.Words) {
	for _, w := range locale.Languages() {
		if _, ok := s.Texts[w.Tag]; ok {
			all = append(all, w)
		}
	}
	return all
}

// SignUp is somebody who asked to join and has not confirmed it yet.
type SignUp struct {
	ID         ID
	Form       FormID
	Version    int64  // of the form that was seen
	Email      string // normalised
	Attributes []byte // JSON object
	Language   string
	At         time.Time
	IP         string
	Network    string // of one client
	Agent      string // the browser, as it calls itself
	Mailed     time.Time
}

// Confirmation is the click that makes a sign-up good.
type Confirmation struct {
	At time.Time
	IP string
}

// Limits bound how many may sign up and not confirm.
type Limits struct {
	PerNetwork, PerAddress     int
	NetworkSince, AddressSince time.Time
}

// Store keeps forms and sign-ups.
type Store interface {
	CreateForm(ctx context.Context, f Form) (Form, error)
	// EditForm adds a version of a form. campaign.ErrNotFound
	EditForm(ctx context.Context, id FormID, s Spec, now time.Time) (Form, error)
	CloseForm(ctx context.Context, id FormID, closed bool, now time.Time) (Form, error) // campaign.ErrNotFound
	FormByID(ctx context.Context, id FormID) (Form, error)                              // campaign.ErrNotFound
	FormBySlug(ctx context.Context, slug string) (Form, error)                          // campaign.ErrNotFound
	// FormVersion is a form as it was. campaign.ErrNotFound
	FormVersion(ctx context.Context, id FormID, version int64) (Form, error)
	// FormsOf returns a list's forms in order of id.
	FormsOf(ctx context.Context, list campaign.ListID) ([]Form, error)
	// Waiting counts who has not confirmed a form yet.
	Waiting(ctx context.Context, id FormID) (int64, error)

	// AddSignUp writes a sign-up, unless its network (ErrTooMany) or its address (false)
	// has too many that are not confirmed.
	AddSignUp(ctx context.Context, s SignUp, l Limits) (bool, error)
	SignUpByID(ctx context.Context, id ID) (SignUp, error) // campaign.ErrNotFound
	// Unmailed pages through those of after a time whose confirmation mail was not handed
	// over, in order of id.
	Unmailed(ctx context.Context, since time.Time, after ID, limit int) ([]SignUp, error)
	Mailed(ctx context.Context, id ID, now time.Time) error
	// Confirm subscribes the person: the contact, its membership, the record of the
	// consent, and the end of the sign-up are one. It lifts that the person had left the
	// list, and no other suppression than "unsubscribed" from it. campaign.ErrNotFound
	// when there is no such sign-up, or not any more.
	Confirm(ctx context.Context, id ID, c Confirmation) (campaign.Contact, error)
}
