package web

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"broadside/campaign"
	"broadside/campaign/account"
)

const contactsPage = 50

type contactsView struct {
	Query    string
	Contacts []campaign.Contact
	Next     string // address to go on from
	First    bool
}

func showContacts(v *visit) error {
	q := v.r.URL.Query()
	body := contactsView{Query: strings.TrimSpace(q.Get("q")), First: q.Get("after") == ""}
	var err error
	body.Contacts, err = v.app.Store.SearchContacts(v.r.Context(), body.Query, q.Get("after"), contactsPage)
	if err != nil {
		return err
	}
	if len(body.Contacts) == contactsPage {
		body.Next = body.Contacts[contactsPage-1].Email
	}
	return v.render(http.StatusOK, "contacts", "Contacts", body)
}

type contactView struct {
	Form
	Edited      []attribute // what a person typed, when it cannot be saved
	Joinable    []campaign.List
	Older       *campaign.Recipient // where older history goes on
	First       bool                // the history begins with the newest
	Contact     campaign.Contact
	Attributes  []attribute
	Memberships []campaign.Membership
	Suppression *campaign.Suppression
	History     []campaign.HistoryRow
	Readings    []campaign.Reading
	Consents    []consentView
}

// consentView is the record of a consent, with the name of its list.
type consentView struct {
	campaign.Consent
	Name string
}

// attribute is one that a contact has. Its kind is text, number, yes (or no), or none.
type attribute struct{ Name, Kind, Value string }

// attributesOf lists attributes in order of name; numbers stay as they were written.
func attributesOf(text []byte) ([]attribute, error) {
	values := map[string]any{}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	if err := dec.Decode(&values); err != nil {
		return nil, fmt.Errorf("attributes: %w", err)
	}
	var list []attribute
	for _, name := range slices.Sorted(maps.Keys(values)) {
		switch value := values[name].(type) {
		case nil:
			list = append(list, attribute{name, "none", ""})
		case bool:
			list = append(list, attribute{name, "yes", map[bool]string{true: "yes", false: "no"}[value]})
		case json.Number:
			list = append(list, attribute{name, "number", value.String()})
		default:
			list = append(list, attribute{name, "text", fmt.Sprint(value)})
		}
	}
	return list, nil
}

// Brief is the first attributes of a contact, for a line of a table.
func (v view) Brief(text []byte) string {
	list, err := attributesOf(text)
	if err != nil {
		return ""
	}
	var words []string
	for _, a := range list {
		if a.Kind != "none" && len(words) < 4 {
			words = append(words, a.Value)
		}
	}
	return strings.Join(words, " · ")
}

// What a page of a contact's history has: runs, and what was read in them.
const (
	historyRows  = 50
	readingsMost = 10 * historyRows
)

func showContact(v *visit) error {
	body, err := v.contact()
	if err != nil {
		return err
	}
	return v.contactPage(http.StatusOK, body)
}

func (v *visit) contactPage(status int, body contactView) error {
	lists, err := v.app.Store.Lists(v.r.Context())
	if err != nil {
		return err
	}
	for _, l := range lists {
		if !slices.ContainsFunc(body.Memberships, func(m campaign.Membership) bool { return m.List.ID == l.ID }) {
			body.Joinable = append(body.Joinable, l)
		}
	}
	return v.render(status, "contact", body.Contact.Email, body)
}

// contact is all that is known about a person.
func (v *visit) contact() (contactView, error) {
	var body contactView
	ctx, store := v.r.Context(), v.app.Store
	id, err := v.id("id")
	if err != nil {
		return body, err
	}
	if body.Contact, err = store.ContactByID(ctx, campaign.ContactID(id)); err != nil {
		return body, err
	}
	v.object = body.Contact.Email
	if body.Attributes, err = attributesOf(body.Contact.Attributes); err != nil {
		return body, err
	}
	if body.Memberships, err = store.MembershipsOf(ctx, body.Contact.ID); err != nil {
		return body, err
	}
	s, err := store.SuppressionOf(ctx, body.Contact.Email)
	if err == nil {
		body.Suppression = &s
	} else if !errors.Is(err, campaign.ErrNotFound) {
		return body, err
	}
	if err := v.history(&body); err != nil {
		return body, err
	}
	consents, err := store.ConsentsOf(ctx, body.Contact.ID)
	for _, c := range consents {
		name := "a list that is gone"
		for _, m := range body.Memberships {
			if m.List.ID == c.List {
				name = m.List.Name
			}
		}
		body.Consents = append(body.Consents, consentView{c, name})
	}
	return body, err
}

// history is a page of what was sent to a person, and what was read of that.
func (v *visit) history(body *contactView) error {
	ctx, store := v.r.Context(), v.app.Store
	after := campaign.Recipient{Run: campaign.RunID(v.number("run")), Contact: campaign.ContactID(v.number("row"))}
	body.First = after.Run == 0
	var err error
	if body.History, err = store.HistoryOf(ctx, body.Contact.ID, after, historyRows); err != nil {
		return err
	}
	oldest := campaign.RunID(0)
	if n := len(body.History); n == historyRows {
		body.Older = &body.History[n-1].Row.Recipient
		oldest = body.Older.Run
	}
	body.Readings, err = store.ReadingsOf(ctx, body.Contact.ID, oldest, after.Run, readingsMost)
	return err
}

func suppressContact(v *visit) error {
	body, err := v.contact()
	if err != nil {
		return err
	}
	if err := v.suppress(body.Contact.Email, "by "+v.User.Email); err != nil {
		return err
	}
	v.flash("%s gets no mail any more, whatever the list.", body.Contact.Email)
	return v.redirect(fmt.Sprintf("/contacts/%d", body.Contact.ID))
}

func (v *visit) suppress(email, detail string) error {
	_, err := v.app.Store.Suppress(v.r.Context(), []campaign.Suppression{{Email: email, Reason: "manual", Detail: detail, At: v.app.Now()}})
	return err
}

func unsubscribeContact(v *visit) error {
	body, err := v.contact()
	if err != nil {
		return err
	}
	f, err := v.readForm("list")
	if err != nil {
		return err
	}
	for _, m := range body.Memberships {
		if fmt.Sprint(m.List.ID) != f.Values["list"] {
			continue
		}
		v.object += " from " + m.List.Name
		if err := v.app.Store.Unsubscribe(v.r.Context(), body.Contact.ID, m.List.ID, v.app.Now()); err != nil {
			return err
		}
		v.flash("%s has left %s.", body.Contact.Email, m.List.Name)
		return v.redirect(fmt.Sprintf("/contacts/%d", body.Contact.ID))
	}
	return fmt.Errorf("list %q: %w", f.Values["list"], campaign.ErrNotFound)
}

// exportContact hands out all that is kept about a person (GDPR, article 15).
func exportContact(v *visit) error {
	body, err := v.contact()
	if err != nil {
		return err
	}
	person, err := v.app.Service.Person(v.r.Context(), body.Contact.Email)
	if err != nil {
		return err
	}
	v.status = http.StatusOK
	v.w.Header().Set("Content-Type", "application/json")
	v.w.Header().Set("Content-Disposition", `attachment; filename="contact.json"`)
	enc := json.NewEncoder(v.w)
	enc.SetIndent("", "  ")
	return enc.Encode(person)
}

type suppressionsView struct {
	Form
	Query string
	List  []campaign.Suppression
	Next  string
	First bool
}

func showSuppressions(v *visit) error {
	return v.suppressions(http.StatusOK, Form{})
}

func (v *visit) suppressions(status int, f Form) error {
	q := v.r.URL.Query()
	body := suppressionsView{Form: f, Query: strings.TrimSpace(q.Get("q")), First: q.Get("after") == ""}
	var err error
	body.List, err = v.app.Store.SearchSuppressions(v.r.Context(), body.Query, q.Get("after"), contactsPage)
	if err != nil {
		return err
	}
	if len(body.List) >= contactsPage {
		body.Next = body.List[len(body.List)-1].Who()
	}
	return v.render(status, "suppressions", "Suppressions", body)
}

func suppressAddress(v *visit) error {
	f, err := v.readForm("email", "detail")
	if err != nil {
		return err
	}
	v.object = f.Values["email"]
	a, err := campaign.ParseAddress(f.Values["email"])
	if err != nil {
		f.take(&account.Problem{Field: "email", Text: "is not an address: " + err.Error()})
		return v.suppressions(http.StatusUnprocessableEntity, f)
	}
	if err := v.suppress(a.Email, strings.TrimSpace(f.Values["detail"]+" (by "+v.User.Email+")")); err != nil {
		return err
	}
	v.flash("%s gets no mail any more, whatever the list.", a.Email)
	return v.redirect("/suppressions?" + url.Values{"q": {a.Email}}.Encode())
}

func unsuppressAddress(v *visit) error {
	f, err := v.readForm("email")
	if err != nil {
		return err
	}
	v.object = f.Values["email"]
	if err := v.app.Store.Unsuppress(v.r.Context(), f.Values["email"]); err != nil {
		return err
	}
	v.flash("%s may get mail again, from the lists that the address is subscribed to.", f.Values["email"])
	return v.redirect("/suppressions")
}
