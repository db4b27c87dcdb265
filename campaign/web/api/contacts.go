package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"broadside/campaign"
	"broadside/campaign/account"
)

// Contact is a person with an address.
type Contact struct {
	ID         int64          `json:"id"`
	Email      string         `json:"email"`
	Attributes map[string]any `json:"attributes" doc:"Strings, numbers, booleans and nulls by name."`
	Created    time.Time      `json:"created"`
	Updated    time.Time      `json:"updated"`
}

func contactOf(c campaign.Contact) Contact {
	attributes := map[string]any{}
	dec := json.NewDecoder(strings.NewReader(string(c.Attributes)))
	dec.UseNumber()             // 20 digits stay 20 digits
	_ = dec.Decode(&attributes) // the store keeps nothing else
	return Contact{int64(c.ID), c.Email, attributes, c.Created, c.Updated}
}

// Membership is a list that a contact is in, or has left.
type Membership struct {
	List    int64     `json:"list"`
	Name    string    `json:"name"`
	Status  string    `json:"status" enum:"subscribed,unsubscribed"`
	Changed time.Time `json:"changed"`
}

func membershipOf(m campaign.Membership) Membership {
	return Membership{int64(m.List.ID), m.List.Name, statusName(m.Status), m.Changed}
}

// ContactDetail is a contact with all that happened to it.
type ContactDetail struct {
	Contact
	Lists        []Membership    `json:"lists" nullable:"false"`
	Suppressions []Suppression   `json:"suppressions" nullable:"false" doc:"All that keeps mail from the address."`
	Consents     []ConsentRecord `json:"consents" nullable:"false" doc:"The records of the person's wishes, oldest first."`
	History      []History       `json:"history" nullable:"false" doc:"What was sent, or why not, newest first."`
	Readings     []Reading       `json:"readings" nullable:"false" doc:"What was opened and clicked, where the lists allow that it is known."`
}

// ConsentRecord is the record of a person's wish to get a list's mail, as it was given.
type ConsentRecord struct {
	List        int64     `json:"list"`
	At          time.Time `json:"at"`
	How         string    `json:"how" doc:"form, page (came back), api, import or person"`
	IP          string    `json:"ip,omitempty"`
	Agent       string    `json:"agent,omitempty" doc:"The browser, as it calls itself."`
	Words       string    `json:"words,omitempty" doc:"What was agreed to."`
	Form        int64     `json:"form,omitempty"`
	FormVersion int64     `json:"form_version,omitempty"`
	Confirmed   time.Time `json:"confirmed,omitzero"`
	ConfirmedIP string    `json:"confirmed_ip,omitempty"`
	Until       time.Time `json:"until,omitzero"`
}

func consentOf(c campaign.Consent) ConsentRecord {
	return ConsentRecord{int64(c.List), c.At, c.How, c.IP, c.Agent, c.Form, c.SignupForm, c.FormVersion, c.Confirmed, c.ConfirmedIP, c.Until}
}

// Reading is what a contact did with a message.
type Reading struct {
	Campaign string    `json:"campaign"`
	Run      int64     `json:"run"`
	What     string    `json:"what" enum:"opened,clicked"`
	Link     string    `json:"link,omitempty" doc:"Where it leads."`
	Person   int64     `json:"person" doc:"How often, by the person."`
	Machine  int64     `json:"machine" doc:"How often, by machines."`
	First    time.Time `json:"first"`
	Last     time.Time `json:"last"`
}

func readingOf(r campaign.Reading) Reading {
	return Reading{r.Campaign, int64(r.Run), r.What(), r.Target, r.Person, r.Machine, r.First, r.Last}
}

// History is what one run did about a contact.
type History struct {
	Campaign string    `json:"campaign"`
	RunState string    `json:"run_state"`
	Outcome  Recipient `json:"outcome"`
	Attempts []Attempt `json:"attempts" nullable:"false" doc:"Each that was not simply accepted."`
}

func historyOf(h campaign.HistoryRow) History {
	return History{h.Campaign, string(h.RunState), recipientOf(campaign.RecipientRow{Row: h.Row, Person: h.Person}), attemptsOf(h.Attempts)}
}

// Attempt is one try to deliver a message.
type Attempt struct {
	Number   int       `json:"number"`
	State    string    `json:"state"`
	Reason   string    `json:"reason,omitempty"`
	Code     int       `json:"code,omitempty"`
	Enhanced string    `json:"enhanced,omitempty"`
	Reply    string    `json:"reply,omitempty"`
	Host     string    `json:"host,omitempty"`
	At       time.Time `json:"at"`
}

func attemptsOf(attempts []campaign.Attempt) []Attempt {
	out := []Attempt{}
	for _, a := range attempts {
		out = append(out, Attempt{int(a.Number), a.State.String(), a.Reason.String(), int(a.Code), a.Enhanced, a.Reply, a.Host, a.At})
	}
	return out
}

// ContactPath names a contact.
type ContactPath struct {
	Contact int64 `path:"contact" minimum:"1" doc:"The contact's id."`
}

// Search is how a page of those whose address begins with a text is asked for.
type Search struct {
	Prefix string `query:"prefix" maxLength:"254" doc:"The beginning of the address, in any case."`
	Paging
}

func (a *API) addContacts() {
	add(a, Operation{Method: "GET", Path: "/contacts", ID: "search-contacts", Tag: "contacts", Summary: "Contacts whose address begins so, in order of address", Need: account.See}, a.searchContacts)
	add(a, Operation{Method: "GET", Path: "/contacts/{contact}", ID: "show-contact", Tag: "contacts", Summary: "A contact, its lists, and all that was sent to it or why not", Need: account.See}, a.showContact)
	add(a, Operation{Method: "PATCH", Path: "/contacts/{contact}", ID: "edit-contact", Tag: "contacts", Summary: "Change the address and attributes of a contact", Means: "Attributes of the same name are replaced, others stay, and null empties one. An address that another contact has, or that would get around a suppression, is refused.", Need: account.Lists, Action: "edit contact"}, a.editContact)
	add(a, Operation{Method: "POST", Path: "/contacts/{contact}/export", ID: "export-contact", Tag: "contacts", Summary: "All that is kept about a person, to be handed to them", Means: "GDPR, articles 15 and 20. It is a POST so that the audit log knows who took it away.", Need: account.Lists, Action: "export contact"}, a.exportContact)
	add(a, Operation{Method: "DELETE", Path: "/contacts/{contact}", ID: "erase-contact", Tag: "contacts", Summary: "Erase a person for good", Means: "Runs keep their numbers, and a keyed hash keeps the address suppressed, also in runs that are under way; nothing else remains.", Need: account.Lists, Action: "erase contact"}, a.eraseContact)
	add(a, Operation{Method: "POST", Path: "/contacts/{contact}/unsubscribe", ID: "unsubscribe-contact", Tag: "contacts", Summary: "Let a contact leave a list, or all", Means: "No import brings it back. Asking twice changes nothing.", Need: account.Lists, Action: "unsubscribe contact", Status: http.StatusNoContent}, a.unsubscribe)
	add(a, Operation{Method: "POST", Path: "/contacts/{contact}/suppress", ID: "suppress-contact", Tag: "contacts", Summary: "Send nothing to a contact any more, whatever the list", Means: "Asking twice changes nothing.", Need: account.Lists, Action: "suppress contact", Status: http.StatusNoContent}, a.suppressContact)
}

func (a *API) searchContacts(ctx context.Context, _ *call, in *Search) (*body[Page[Contact]], error) {
	contacts, err := a.Store.SearchContacts(ctx, in.Prefix, in.After, in.Limit)
	return answer(pageOf(contacts, in.Limit, contactOf, func(c campaign.Contact) string { return c.Email }), err)
}

// historyRows are the latest runs that a contact is shown with.
const historyRows = 200

func (a *API) contact(ctx context.Context, c *call, in *ContactPath) (campaign.Contact, error) {
	contact, err := a.Store.ContactByID(ctx, campaign.ContactID(in.Contact))
	c.object = contact.Email
	return contact, err
}

func (a *API) showContact(ctx context.Context, c *call, in *ContactPath) (*body[ContactDetail], error) {
	contact, err := a.contact(ctx, c, in)
	if err != nil {
		return nil, err
	}
	p := ContactDetail{Contact: contactOf(contact)}
	lists, err := a.Store.MembershipsOf(ctx, contact.ID)
	if err != nil {
		return nil, err
	}
	p.Lists = all(lists, membershipOf).Items
	suppressions, err := a.Store.SuppressionsOf(ctx, contact.Email)
	if err != nil {
		return nil, err
	}
	p.Suppressions = all(suppressions, suppressionOf).Items
	consents, err := a.Store.ConsentsOf(ctx, contact.ID)
	if err != nil {
		return nil, err
	}
	p.Consents = all(consents, consentOf).Items
	history, err := a.Store.HistoryOf(ctx, contact.ID, campaign.Recipient{}, historyRows)
	if err != nil {
		return nil, err
	}
	p.History = all(history, historyOf).Items
	readings, err := a.Store.ReadingsOf(ctx, contact.ID, 0, 0, historyRows)
	p.Readings = all(readings, readingOf).Items
	return answer(p, err)
}

type unsubscribing struct {
	ContactPath
	Body struct {
		List int64 `json:"list" minimum:"0" doc:"The list's id; 0 for every list that the contact is in."`
	}
}

func (a *API) unsubscribe(ctx context.Context, c *call, in *unsubscribing) (*struct{}, error) {
	contact, err := a.contact(ctx, c, &in.ContactPath)
	if err != nil {
		return nil, err
	}
	c.object += fmt.Sprintf(" from list %d", in.Body.List)
	return nil, a.Store.Unsubscribe(ctx, contact.ID, campaign.ListID(in.Body.List), a.Now())
}

func (a *API) suppressContact(ctx context.Context, c *call, in *ContactPath) (*struct{}, error) {
	contact, err := a.contact(ctx, c, in)
	if err != nil {
		return nil, err
	}
	s, err := campaign.ParseSuppressed(contact.Email)
	if err != nil {
		return nil, err
	}
	s.Reason, s.Detail, s.At = "manual", "by "+c.user.Email, a.Now()
	_, err = a.Store.Suppress(ctx, []campaign.Suppression{s})
	return nil, err
}

func (a *API) exportContact(ctx context.Context, c *call, in *ContactPath) (*body[campaign.Person], error) {
	contact, err := a.contact(ctx, c, in)
	if err != nil {
		return nil, err
	}
	return answer(a.Service.Person(ctx, contact.Email))
}

func (a *API) eraseContact(ctx context.Context, c *call, in *ContactPath) (*body[campaign.Erasure], error) {
	contact, err := a.contact(ctx, c, in)
	c.object = fmt.Sprintf("contact %d", in.Contact) // the log must not keep the address
	if err != nil {
		return nil, err
	}
	erased, err := a.Service.Erase(ctx, contact.Email)
	return answer(erased, err)
}

type contactEdit struct {
	ContactPath
	Body struct {
		Email      string                     `json:"email,omitempty" maxLength:"254" doc:"Another address. Lists, consents and history stay with the contact, suppressions with the address."`
		Attributes map[string]json.RawMessage `json:"attributes,omitempty" doc:"Texts, numbers, booleans and nulls by name: small Latin letters, digits and _."`
		Remove     []string                   `json:"remove,omitempty" maxItems:"200" nullable:"false" doc:"Names of attributes that go altogether."`
	}
}

func (a *API) editContact(ctx context.Context, c *call, in *contactEdit) (*body[Contact], error) {
	contact, err := a.contact(ctx, c, &in.ContactPath)
	if err != nil {
		return nil, err
	}
	if in.Body.Email != "" {
		c.object = fmt.Sprintf("contact %d", in.Contact) // an erasure would not find the old address in the log
	}
	edited, err := a.Service.EditContact(ctx, contact.ID, in.Body.Email, in.Body.Attributes, in.Body.Remove)
	return answer(contactOf(edited), err)
}
