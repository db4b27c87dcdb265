package api

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"time"

	"broadside/campaign"
	"broadside/campaign/account"
	"broadside/campaign/signup"
)

// Form is a form by which people join a list.
type Form struct {
	ID      int64     `json:"id"`
	List    int64     `json:"list"`
	URL     string    `json:"url" doc:"Its page; forms and scripts on other sites send there, too."`
	Version int64     `json:"version" doc:"Each edit is a new one. The record of a consent names it."`
	Closed  bool      `json:"closed" doc:"It takes nobody."`
	Created time.Time `json:"created"`
	Updated time.Time `json:"updated"`
	FormSpec
}

// FormSpec is what a form says.
type FormSpec struct {
	From     string              `json:"from" minLength:"3" maxLength:"300" doc:"Of the confirmation mail."`
	Texts    map[string]FormText `json:"texts" doc:"By language: en, zh."`
	Fields   []FormField         `json:"fields,omitempty" maxItems:"8" doc:"Attributes that are asked for, beside the address."`
	Redirect string              `json:"redirect,omitempty" maxLength:"500" doc:"Where who signed up is led: an https:// address. A page of ours when it is missing."`
	Origins  []string            `json:"origins,omitempty" maxItems:"20" doc:"Sites whose scripts may sign people up, such as https://www.example.org. Plain forms need none."`
}

// FormText is what a form says in one language.
type FormText struct {
	Title   string `json:"title"`
	Intro   string `json:"intro,omitempty"`
	Consent string `json:"consent" doc:"The words that people agree to."`
}

// FormField is an attribute that a form asks for.
type FormField struct {
	Name     string            `json:"name" doc:"Of the attribute."`
	Required bool              `json:"required,omitempty"`
	Labels   map[string]string `json:"labels" doc:"By language."`
}

func (s FormSpec) spec() signup.Spec {
	out := signup.Spec{From: s.From, Texts: map[string]signup.Text{}, Redirect: s.Redirect, Origins: s.Origins}
	for tag, t := range s.Texts {
		out.Texts[tag] = signup.Text(t)
	}
	for _, f := range s.Fields {
		out.Fields = append(out.Fields, signup.Field(f))
	}
	return out
}

func (a *API) formOf(f signup.Form) Form {
	s := FormSpec{From: f.From, Texts: map[string]FormText{}, Redirect: f.Redirect, Origins: f.Origins}
	for tag, t := range f.Texts {
		s.Texts[tag] = FormText(t)
	}
	for _, field := range f.Fields {
		s.Fields = append(s.Fields, FormField(field))
	}
	return Form{int64(f.ID), int64(f.List), a.SignUps.URL(f), f.Version, f.Closed, f.Created, f.Updated, s}
}

// FormPath names a form.
type FormPath struct {
	Form int64 `path:"form" minimum:"1" doc:"The form's id."`
}

func (a *API) addForms() {
	add(a, Operation{Method: "GET", Path: "/lists/{list}/forms", ID: "list-forms", Tag: "forms", Summary: "The sign-up forms of a list", Need: account.See}, a.showForms)
	add(a, Operation{Method: "POST", Path: "/lists/{list}/forms", ID: "create-form", Tag: "forms", Summary: "Make a sign-up form", Means: "Its page is open at once. The first form of a sender makes the template of the confirmation mail.", Need: account.Lists, Action: "create form", Status: http.StatusCreated}, a.createForm)
	add(a, Operation{Method: "GET", Path: "/forms/{form}", ID: "show-form", Tag: "forms", Summary: "A sign-up form", Need: account.See}, a.showForm)
	add(a, Operation{Method: "PUT", Path: "/forms/{form}", ID: "edit-form", Tag: "forms", Summary: "Give a sign-up form other words", Means: "What it said before is kept, for those who agreed to that.", Need: account.Lists, Action: "edit form"}, a.editForm)
	add(a, Operation{Method: "PUT", Path: "/forms/{form}/closed", ID: "close-form", Tag: "forms", Summary: "Close a sign-up form, or open it again", Means: "Links that were mailed keep working.", Need: account.Lists, Action: "close form"}, a.closeForm)
	add(a, Operation{Method: "POST", Path: "/forms/{form}/sign-ups", ID: "sign-up", Tag: "forms", Summary: "Ask a person to confirm that they want to join", Means: "For programs that show a form of their own: they pass on what the person filled in, and where from. The person gets a mail, and joins by confirming. The answer does not say whether the address is known.", Need: account.Lists, Action: "sign up", Status: http.StatusAccepted}, a.signUp)
}

func (a *API) showForms(ctx context.Context, c *call, in *ListPath) (*body[Page[Form]], error) {
	l, err := a.list(ctx, c, *in)
	if err != nil {
		return nil, err
	}
	forms, err := a.SignUps.Forms(ctx, l.ID)
	return answer(all(forms, a.formOf), err)
}

type newForm struct {
	ListPath
	Body FormSpec
}

func (a *API) createForm(ctx context.Context, c *call, in *newForm) (*body[Form], error) {
	l, err := a.list(ctx, c, in.ListPath)
	if err != nil {
		return nil, err
	}
	f, err := a.SignUps.Create(ctx, l.ID, in.Body.spec())
	if err != nil {
		return nil, err
	}
	c.object = fmt.Sprintf("form %d of %s", f.ID, l.Name)
	return &body[Form]{a.formOf(f)}, nil
}

// form finds the form that the path names.
func (a *API) form(ctx context.Context, c *call, in FormPath) (signup.Form, error) {
	c.object = fmt.Sprintf("form %d", in.Form)
	return a.SignUps.Form(ctx, signup.FormID(in.Form))
}

func (a *API) showForm(ctx context.Context, c *call, in *FormPath) (*body[Form], error) {
	f, err := a.form(ctx, c, *in)
	return answer(a.formOf(f), err)
}

type formEdit struct {
	FormPath
	Body FormSpec
}

func (a *API) editForm(ctx context.Context, c *call, in *formEdit) (*body[Form], error) {
	f, err := a.form(ctx, c, in.FormPath)
	if err != nil {
		return nil, err
	}
	f, err = a.SignUps.Edit(ctx, f.ID, in.Body.spec())
	return answer(a.formOf(f), err)
}

type formClosing struct {
	FormPath
	Body struct {
		Closed bool `json:"closed"`
	}
}

func (a *API) closeForm(ctx context.Context, c *call, in *formClosing) (*body[Form], error) {
	f, err := a.form(ctx, c, in.FormPath)
	if err != nil {
		return nil, err
	}
	f, err = a.SignUps.Close(ctx, f.ID, in.Body.Closed)
	return answer(a.formOf(f), err)
}

type signingUp struct {
	FormPath
	Body struct {
		Email    string            `json:"email" minLength:"3" maxLength:"254"`
		Values   map[string]string `json:"values,omitempty" doc:"What the form's fields hold, by attribute."`
		Language string            `json:"language,omitempty" maxLength:"100" doc:"That the person reads: a tag, or the Accept-Language of their browser."`
		IP       string            `json:"ip" format:"ip" doc:"Where the person asked from. Sign-ups that are not confirmed are limited by it."`
		Agent    string            `json:"agent,omitempty" maxLength:"400" doc:"Their browser, as it calls itself."`
	}
}

// SigningUp is the answer to everybody.
type SigningUp struct {
	Status string `json:"status" enum:"confirm"`
}

func (a *API) signUp(ctx context.Context, c *call, in *signingUp) (*body[SigningUp], error) {
	f, err := a.form(ctx, c, in.FormPath)
	if err == nil && f.Closed {
		err = fmt.Errorf("form %d is closed: %w", f.ID, campaign.ErrConflict)
	}
	if err != nil {
		return nil, err
	}
	ip, err := netip.ParseAddr(in.Body.IP)
	if err != nil {
		return nil, invalid("body.ip", "is not an IP address")
	}
	err = a.SignUps.SignUp(ctx, f, signup.Request{Email: in.Body.Email, Values: in.Body.Values, Language: in.Body.Language, IP: ip, Agent: in.Body.Agent})
	return answer(SigningUp{"confirm"}, err)
}
