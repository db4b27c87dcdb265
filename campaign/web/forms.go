package web

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strings"

	"broadside/campaign"
	"broadside/campaign/locale"
	"broadside/campaign/signup"
)

// formView is the page on which a sign-up form is made or changed.
type formView struct {
	Form      // of the page
	List      campaign.List
	SignUp    signup.Form // zero for a new one
	URL       string
	Waiting   int64 // who has not confirmed
	Languages []*locale.Words
	Rows      []int // of attributes that are asked for
}

// formRows are as many attributes as a form may ask for.
const formRows = 8

// formNames are the fields of the page.
func formNames() []string {
	names := []string{"from", "redirect", "origins"}
	for _, w := range locale.Languages() {
		names = append(names, "title-"+w.Tag, "intro-"+w.Tag, "consent-"+w.Tag)
	}
	for i := range formRows {
		names = append(names, fmt.Sprintf("field-%d", i), fmt.Sprintf("required-%d", i))
		for _, w := range locale.Languages() {
			names = append(names, fmt.Sprintf("label-%d-%s", i, w.Tag))
		}
	}
	return names
}

// signUpSpec reads what the page's fields say. A language without any words is not spoken.
func signUpSpec(values map[string]string) signup.Spec {
	s := signup.Spec{From: values["from"], Redirect: values["redirect"], Origins: strings.Fields(values["origins"]), Texts: map[string]signup.Text{}}
	for _, w := range locale.Languages() {
		t := signup.Text{Title: values["title-"+w.Tag], Intro: values["intro-"+w.Tag], Consent: values["consent-"+w.Tag]}
		if strings.TrimSpace(t.Title+t.Intro+t.Consent) != "" {
			s.Texts[w.Tag] = t
		}
	}
	for i := range formRows {
		f := signup.Field{Name: values[fmt.Sprintf("field-%d", i)], Required: values[fmt.Sprintf("required-%d", i)] != "", Labels: map[string]string{}}
		if strings.TrimSpace(f.Name) == "" {
			continue
		}
		for tag := range s.Texts {
			f.Labels[tag] = values[fmt.Sprintf("label-%d-%s", i, tag)]
		}
		s.Fields = append(s.Fields, f)
	}
	return s
}

// signUpValues is the opposite of signUpSpec.
func signUpValues(s signup.Spec) map[string]string {
	values := map[string]string{"from": s.From, "redirect": s.Redirect, "origins": strings.Join(s.Origins, "\n")}
	for tag, t := range s.Texts {
		maps.Copy(values, map[string]string{"title-" + tag: t.Title, "intro-" + tag: t.Intro, "consent-" + tag: t.Consent})
	}
	for i, f := range s.Fields {
		values[fmt.Sprintf("field-%d", i)] = f.Name
		if f.Required {
			values[fmt.Sprintf("required-%d", i)] = "yes"
		}
		for tag, label := range f.Labels {
			values[fmt.Sprintf("label-%d-%s", i, tag)] = label
		}
	}
	return values
}

// Label is the name of an input of a row.
func (formView) Label(row int, tag string) string { return fmt.Sprintf("label-%d-%s", row, tag) }

// Name is the name of another input of a row.
func (formView) Name(what string, row int) string { return fmt.Sprintf("%s-%d", what, row) }

// Value is what an input holds.
func (b formView) Value(name string) string { return b.Values[name] }

// Wrong is what is wrong with it.
func (b formView) Wrong(name string) string { return b.Errors[name] }

func (v *visit) renderForm(status int, body formView) error {
	body.Languages = locale.Languages()
	for i := range formRows {
		body.Rows = append(body.Rows, i)
	}
	title := "New sign-up form"
	if body.SignUp.ID != 0 {
		title, body.URL = "Sign-up form", v.app.SignUps.URL(body.SignUp)
		var err error
		if body.Waiting, err = v.app.SignUps.Waiting(v.r.Context(), body.SignUp.ID); err != nil {
			return err
		}
	}
	return v.render(status, "form", title, body)
}

func showNewForm(v *visit) error {
	list, err := v.list()
	if err != nil {
		return err
	}
	words := locale.Choose()
	values := map[string]string{"title-" + words.Tag: list.PublicTitle(), "field-0": "first_name", v.nameLabel(words): "First name"}
	return v.renderForm(http.StatusOK, formView{List: list, Form: Form{Values: values}})
}

func (v *visit) nameLabel(w *locale.Words) string { return formView{}.Label(0, w.Tag) }

func createForm(v *visit) error {
	list, err := v.list()
	if err != nil {
		return err
	}
	f, err := v.readForm(formNames()...)
	if err != nil {
		return err
	}
	form, err := v.app.SignUps.Create(v.r.Context(), list.ID, signUpSpec(f.Values))
	if f.takeSignUp(err) {
		return v.renderForm(http.StatusUnprocessableEntity, formView{List: list, Form: f})
	}
	if err != nil {
		return err
	}
	v.object = fmt.Sprintf("form %d of %s", form.ID, list.Name)
	v.flash("The form is open.")
	return v.redirect(fmt.Sprintf("/forms/%d", form.ID))
}

// takeSignUp puts the problems of an error beside their fields; false when it has none.
func (f Form) takeSignUp(err error) bool {
	problems, ok := errors.AsType[signup.Problems](err)
	for _, p := range problems {
		f.Errors[p.Field] = p.Text
	}
	return ok
}

// signUpForm finds the form that the path names, with its list.
func (v *visit) signUpForm() (signup.Form, campaign.List, error) {
	id, err := v.id("id")
	if err != nil {
		return signup.Form{}, campaign.List{}, err
	}
	form, err := v.app.SignUps.Form(v.r.Context(), signup.FormID(id))
	if err != nil {
		return form, campaign.List{}, err
	}
	list, err := v.app.Store.ListByID(v.r.Context(), form.List)
	v.object = fmt.Sprintf("form %d of %s", form.ID, list.Name)
	return form, list, err
}

func showForm(v *visit) error {
	form, list, err := v.signUpForm()
	if err != nil {
		return err
	}
	return v.renderForm(http.StatusOK, formView{List: list, SignUp: form, Form: Form{Values: signUpValues(form.Spec)}})
}

func editForm(v *visit) error {
	form, list, err := v.signUpForm()
	if err != nil {
		return err
	}
	f, err := v.readForm(formNames()...)
	if err != nil {
		return err
	}
	_, err = v.app.SignUps.Edit(v.r.Context(), form.ID, signUpSpec(f.Values))
	if f.takeSignUp(err) {
		return v.renderForm(http.StatusUnprocessableEntity, formView{List: list, SignUp: form, Form: f})
	}
	if err != nil {
		return err
	}
	v.flash("The form is saved. What it said before is kept, for those who agreed to that.")
	return v.redirect(fmt.Sprintf("/forms/%d", form.ID))
}

func closeForm(v *visit) error {
	form, _, err := v.signUpForm()
	if err != nil {
		return err
	}
	f, err := v.readForm("closed")
	if err != nil {
		return err
	}
	form, err = v.app.SignUps.Close(v.r.Context(), form.ID, f.Values["closed"] != "")
	if err != nil {
		return err
	}
	if form.Closed {
		v.flash("The form is closed. Links that were mailed keep working.")
	} else {
		v.flash("The form is open.")
	}
	return v.redirect(fmt.Sprintf("/forms/%d", form.ID))
}
