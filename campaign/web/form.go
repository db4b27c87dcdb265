package web

import (
	"net/http"

	"broadside/campaign/account"
)

// Form is what a person typed, and what is wrong with it, by field.
type Form struct {
	Values map[string]string
	Errors map[string]string
}

// maxForm bounds a form without files; a campaign's text is a megabyte at most.
const maxForm = 4 << 20

// readForm reads the named fields.
func (v *visit) readForm(fields ...string) (Form, error) {
	v.r.Body = http.MaxBytesReader(v.w, v.r.Body, maxForm)
	f := Form{Values: map[string]string{}, Errors: map[string]string{}}
	if err := v.r.ParseForm(); err != nil {
		return f, &account.Problem{Field: "form", Text: "could not be read: " + err.Error()}
	}
	for _, name := range fields {
		f.Values[name] = v.r.PostForm.Get(name)
	}
	return f, nil
}

// queried reads the named fields of a page's address.
func (v *visit) queried(fields ...string) Form {
	f, query := Form{Values: map[string]string{}, Errors: map[string]string{}}, v.r.URL.Query()
	for _, name := range fields {
		f.Values[name] = query.Get(name)
	}
	return f
}

// take puts the problems of an error beside their fields; false when it is none of those.
func (f Form) take(err error) bool {
	problems := account.Problems(err)
	for _, p := range problems {
		f.Errors[p.Field] = p.Text
	}
	return len(problems) > 0
}
