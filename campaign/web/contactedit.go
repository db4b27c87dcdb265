package web

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"broadside/campaign"
)

// editContact changes a contact's address and attributes.
func editContact(v *visit) error {
	body, err := v.contact()
	if err != nil {
		return err
	}
	if body.Form, err = v.readForm("email"); err != nil {
		return err
	}
	email := strings.TrimSpace(body.Values["email"])
	if email == body.Contact.Email {
		email = ""
	}
	if email != "" {
		v.object = fmt.Sprintf("contact %d", body.Contact.ID) // an erasure would not find the old address in the log
	}
	set, remove := body.readAttributes(v.r.PostForm["attribute"], v.r.PostForm["kind"], v.r.PostForm["value"], v.r.PostForm["remove"])
	if len(body.Errors) == 0 {
		edited, err := v.app.Service.EditContact(v.r.Context(), body.Contact.ID, email, set, remove)
		unfit, ok := errors.AsType[*campaign.Unfit](err)
		if err != nil && !ok {
			return err
		}
		if !ok {
			v.flash("%s is changed.", edited.Email)
			return v.redirect(fmt.Sprintf("/contacts/%d", edited.ID))
		}
		body.Errors[unfit.Findings[0].Where] = unfit.Findings[0].Text()
	}
	return v.contactPage(http.StatusUnprocessableEntity, body)
}

// readAttributes takes the rows of the form, in which the last one adds an attribute.
func (b *contactView) readAttributes(names, kinds, values, removed []string) (set map[string]json.RawMessage, remove []string) {
	set = map[string]json.RawMessage{}
	for i := range min(len(names), len(kinds), len(values)) {
		a := attribute{strings.TrimSpace(names[i]), kinds[i], values[i]}
		if a.Name == "" {
			if a.Value != "" {
				b.Errors["attributes"] = fmt.Sprintf("%q has no name", a.Value)
			}
			continue
		}
		b.Edited = append(b.Edited, a)
		if slices.Contains(removed, a.Name) {
			remove = append(remove, a.Name)
			continue
		}
		value, problem := a.json()
		if problem != "" {
			b.Errors["attributes"] = a.Name + " " + problem
			continue
		}
		set[a.Name] = value
	}
	return set, remove
}

// json is an attribute's value as it is stored.
func (a attribute) json() (value json.RawMessage, problem string) {
	text := strings.TrimSpace(a.Value)
	switch a.Kind {
	case "none":
		return json.RawMessage("null"), ""
	case "yes":
		switch strings.ToLower(text) {
		case "yes", "true", "1":
			return json.RawMessage("true"), ""
		case "no", "false", "0":
			return json.RawMessage("false"), ""
		}
		return nil, "is yes or no"
	case "number":
		var n json.Number
		if err := json.Unmarshal([]byte(text), &n); err != nil || strings.HasPrefix(text, `"`) {
			return nil, fmt.Sprintf("is not a number: %q; write it like 12 or 12.5", a.Value)
		}
		return json.RawMessage(text), ""
	}
	value, _ = json.Marshal(a.Value) // a text always can be
	return value, ""
}

// joinList brings a contact into a list, under the rules of an import.
func joinList(v *visit) error {
	body, err := v.contact()
	if err != nil {
		return err
	}
	f, err := v.readForm("list")
	if err != nil {
		return err
	}
	list, err := v.app.Store.ListByName(v.r.Context(), f.Values["list"])
	if err != nil {
		return err
	}
	v.object += " to " + list.Name
	joined, err := v.app.Service.Join(v.r.Context(), list.ID, "added by "+v.User.Email, body.Contact.Email, []byte("{}"))
	if err != nil {
		return err
	}
	if joined.Effect == campaign.EffectUnsubscribed {
		v.flash("%s left %s before, and stays away.", body.Contact.Email, list.Name)
	} else {
		v.flash("%s is in %s now.", body.Contact.Email, list.Name)
	}
	return v.redirect(fmt.Sprintf("/contacts/%d", body.Contact.ID))
}

// eraseContact takes away all that is kept about a person (GDPR, article 17), when their
// address is typed. The audit log has the number of the contact, because it must not have
// the address.
func eraseContact(v *visit) error {
	body, err := v.contact()
	if err != nil {
		return err
	}
	v.object = fmt.Sprintf("contact %d", body.Contact.ID)
	if body.Form, err = v.readForm("confirm"); err != nil {
		return err
	}
	if !strings.EqualFold(strings.TrimSpace(body.Values["confirm"]), body.Contact.Email) {
		body.Errors["confirm"] = "type the address as it stands above: nobody is erased by a slip"
		return v.contactPage(http.StatusUnprocessableEntity, body)
	}
	if _, err := v.app.Service.Erase(v.r.Context(), body.Contact.Email); err != nil {
		return err
	}
	v.flash("The person is erased, and gets no mail any more. The runs keep their numbers.")
	return v.redirect("/contacts")
}
