package signup

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"time"

	"broadside/campaign"
	"broadside/campaign/locale"
	"broadside/campaign/token"
)

// LinkLife is how long the link of a confirmation mail works.
const LinkLife = 7 * 24 * time.Hour

// What strangers can do before anybody has confirmed: so many sign-ups from one network
// (an IPv6 client has a /64) and for one address.
const (
	perNetwork    = 10
	networkWindow = time.Hour
	perAddress    = 3
	addressWindow = 24 * time.Hour
)

// Errors that pages tell apart.
var (
	// ErrTooMany: too many sign-ups came from one network.
	ErrTooMany = errors.New("too many sign-ups from this network: try again in an hour")
	// ErrLink: the link of a mail is not ours, too old, or was used.
	ErrLink = errors.New("the link is not valid any more")
)

// Desk is what is done with forms and sign-ups. Make it with New; Run hands over the mail.
type Desk struct {
	store     Store
	service   *campaign.Service // makes the templates, and sends by them
	tokens    *token.Maker
	publicURL string
	log       *slog.Logger
	now       func() time.Time
	poke      chan struct{} // somebody signed up
}

// New makes a desk, whose links lead to the service's PublicURL.
func New(store Store, service *campaign.Service, tokens *token.Maker, log *slog.Logger, now func() time.Time) *Desk {
	return &Desk{
		store: store, service: service, tokens: tokens, publicURL: strings.TrimSuffix(service.PublicURL, "/"),
		log: log, now: now, poke: make(chan struct{}, 1),
	}
}

// Create makes a form of a list, and the template of its mail unless there is one for the
// same sender. Problems when it cannot be as it is.
func (d *Desk) Create(ctx context.Context, list campaign.ListID, s Spec) (Form, error) {
	if err := d.prepare(ctx, &s); err != nil {
		return Form{}, err
	}
	now := d.now()
	return d.store.CreateForm(ctx, Form{Slug: newSlug(), List: list, Version: 1, Created: now, Updated: now, Spec: s})
}

// Edit gives a form another version. Problems, campaign.ErrNotFound.
func (d *Desk) Edit(ctx context.Context, id FormID, s Spec) (Form, error) {
	if err := d.prepare(ctx, &s); err != nil {
		return Form{}, err
	}
	return d.store.EditForm(ctx, id, s, d.now())
}

func (d *Desk) prepare(ctx context.Context, s *Spec) error {
	if d.publicURL == "" {
		return Problems{{"from", "cannot ask for confirmation, because public_url is not configured"}}
	}
	if err := s.check(); err != nil {
		return err
	}
	return d.template(ctx, *s)
}

// Close lets a form take nobody, or again. Links that were mailed keep working.
func (d *Desk) Close(ctx context.Context, id FormID, closed bool) (Form, error) {
	return d.store.CloseForm(ctx, id, closed, d.now())
}

// Form finds a form; campaign.ErrNotFound.
func (d *Desk) Form(ctx context.Context, id FormID) (Form, error) { return d.store.FormByID(ctx, id) }

// Open finds the form of a page's address, unless it is closed; campaign.ErrNotFound.
func (d *Desk) Open(ctx context.Context, slug string) (Form, error) {
	f, err := d.store.FormBySlug(ctx, slug)
	if err == nil && f.Closed {
		err = fmt.Errorf("form %d is closed: %w", f.ID, campaign.ErrNotFound)
	}
	return f, err
}

// Forms returns a list's forms in order of id.
func (d *Desk) Forms(ctx context.Context, list campaign.ListID) ([]Form, error) {
	return d.store.FormsOf(ctx, list)
}

// Waiting counts who has not confirmed a form yet.
func (d *Desk) Waiting(ctx context.Context, id FormID) (int64, error) {
	return d.store.Waiting(ctx, id)
}

// URL is the address of a form's page.
func (d *Desk) URL(f Form) string { return d.publicURL + "/join/" + f.Slug }

// Request is what somebody filled in.
type Request struct {
	Email    string
	Values   map[string]string // by attribute
	Language string
	IP       netip.Addr
	Agent    string
}

// SignUp takes a request. Problems say what to mend, ErrTooMany that there were too many
// from there, campaign.ErrNotFound that the form is gone with its list. Whatever else is the case, the answer is the same: nobody learns whether an
// address is known, and the mail to it is sent later, not by the request.
func (d *Desk) SignUp(ctx context.Context, f Form, r Request) error {
	words := f.Speak(r.Language)
	s, err := f.read(r, words)
	if err != nil {
		return err
	}
	now := d.now()
	s.At = now
	added, err := d.store.AddSignUp(ctx, s, Limits{
		PerNetwork: perNetwork, NetworkSince: now.Add(-networkWindow), PerAddress: perAddress, AddressSince: now.Add(-addressWindow),
	})
	if err != nil {
		return err
	}
	if !added {
		d.log.Info("sign-up: an address was asked for too often, and gets no further mail today", "form", f.ID)
		return nil
	}
	select {
	case d.poke <- struct{}{}:
	default: // it knows
	}
	return nil
}

// maxValue bounds what a field may hold, in characters.
const maxValue = 200

// Check says what is wrong with what was filled in, in its language; nil for nothing.
func (f *Form) Check(r Request) Problems {
	_, err := f.read(r, f.Speak(r.Language))
	problems, _ := errors.AsType[Problems](err)
	return problems
}

// read makes a sign-up of what was filled in.
func (f *Form) read(r Request, words *locale.Words) (SignUp, error) {
	var p Problems
	address, err := campaign.ParseAddress(r.Email)
	if err != nil {
		p.add("email", "%s", words.Say("join/bad-address"))
	}
	values := map[string]json.RawMessage{}
	for _, field := range f.Fields {
		v := strings.TrimSpace(r.Values[field.Name])
		switch {
		case v == "" && field.Required:
			p.add(field.Name, "%s", words.Say("join/missing"))
		case !line(v, 0, maxValue):
			p.add(field.Name, "%s", words.Say("join/too-long"))
		case v != "":
			values[field.Name], _ = json.Marshal(v) // a text
		}
	}
	if err := p.err(); err != nil {
		return SignUp{}, err
	}
	values["language"], _ = json.Marshal(words.Tag)
	attributes, err := campaign.Attributes(values)
	if err != nil {
		return SignUp{}, err
	}
	return SignUp{
		Form: f.ID, Version: f.Version, Email: address.Email, Attributes: attributes, Language: words.Tag,
		IP: addr(r.IP), Network: networkOf(r.IP), Agent: r.Agent,
	}, nil
}

func addr(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.Unmap().WithZone("").String()
}

// networkOf is the part of an address that one client has.
func networkOf(a netip.Addr) string {
	a = a.Unmap().WithZone("")
	if a.Is6() {
		if p, err := a.Prefix(64); err == nil {
			return p.String()
		}
	}
	return addr(a)
}

// Asked finds what a mail's link is about; ErrLink.
func (d *Desk) Asked(ctx context.Context, link string) (SignUp, Form, error) {
	form, id, err := d.tokens.Read(token.SignUp, link)
	if err != nil {
		return SignUp{}, Form{}, ErrLink
	}
	s, err := d.store.SignUpByID(ctx, ID(id))
	if errors.Is(err, campaign.ErrNotFound) || err == nil && (s.Form != FormID(form) || !d.now().Before(s.At.Add(LinkLife))) {
		return SignUp{}, Form{}, ErrLink
	}
	if err != nil {
		return s, Form{}, err
	}
	f, err := d.store.FormVersion(ctx, s.Form, s.Version)
	if errors.Is(err, campaign.ErrNotFound) {
		err = ErrLink // the list was deleted just now
	}
	return s, f, err
}

// Confirm subscribes whom a mail's link is for; ErrLink. It returns what keeps mail from
// them all the same, which a confirmation does not lift: a complaint, a mailbox that is
// gone, a decision of the team's.
func (d *Desk) Confirm(ctx context.Context, link string, ip netip.Addr) (f Form, held bool, err error) {
	s, f, err := d.Asked(ctx, link)
	if err != nil {
		return f, false, err
	}
	c, err := d.store.Confirm(ctx, s.ID, Confirmation{At: d.now(), IP: addr(ip)})
	if errors.Is(err, campaign.ErrNotFound) {
		return f, false, ErrLink // by another click
	}
	if err != nil {
		return f, false, err
	}
	all, err := d.service.Store.SuppressionsOf(ctx, c.Email)
	for _, suppression := range all {
		held = held || suppression.List == 0 || suppression.List == f.List
	}
	return f, held, err
}

func newSlug() string { return strings.ToLower(rand.Text())[:16] }
