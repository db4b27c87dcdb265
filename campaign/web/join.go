package web

import (
	"encoding/json"
	"errors"
	"log/slog"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"broadside/campaign"
	"broadside/campaign/locale"
	"broadside/campaign/signup"
)

// joining shows the pages on which people sign up by themselves, and confirm it.
type joining struct {
	desk *signup.Desk
	public
}

// Joining serves /join/FORM and /confirm/TOKEN, which need no user.
func Joining(desk *signup.Desk, log *slog.Logger) http.Handler {
	h := &joining{desk: desk, public: public{log}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /join/{form}", h.form)
	mux.HandleFunc("POST /join/{form}", h.signUp)
	mux.HandleFunc("OPTIONS /join/{form}", h.mayAsk)
	// As with unsubscribing, what follows links changes nothing: only the button does.
	mux.HandleFunc("GET /confirm/{token}", h.ask)
	mux.HandleFunc("POST /confirm/{token}", h.confirm)
	mux.HandleFunc("GET /join/", h.nowhere) // links that were cut
	mux.HandleFunc("GET /confirm/", h.nowhere)
	return mux
}

// joinView is the page of a form.
type joinView struct {
	Slug, Intro, Consent string
	Fields               []signup.Field
	Values, Errors       map[string]string // by field
	Error                string            // of none
}

// open finds the form of a page; false when the answer is given.
func (h *joining) open(w http.ResponseWriter, r *http.Request) (signup.Form, *locale.Words, bool) {
	f, err := h.desk.Open(r.Context(), r.PathValue("form"))
	words := f.Speak(r.URL.Query().Get("lang"), r.Header.Get("Accept-Language"))
	switch {
	case err == nil:
		return f, words, true
	case errors.Is(err, campaign.ErrNotFound):
		h.away(w, r)
	default:
		h.failed(w, r, words, err)
	}
	return f, words, false
}

// away says that there is no such form, or not any more.
func (h *joining) away(w http.ResponseWriter, r *http.Request) {
	words := wordsFor(r, nil)
	h.notice(w, http.StatusNotFound, words, words.Say("join/away-title"), words.Say("join/away-text"))
}

func (h *joining) failed(w http.ResponseWriter, r *http.Request, words *locale.Words, err error) {
	h.log.Error("web: a sign-up failed", "path", r.URL.Path, "error", err)
	h.notice(w, http.StatusServiceUnavailable, words, words.Say("trouble/title"), words.Say("trouble/text"))
}

func (h *joining) form(w http.ResponseWriter, r *http.Request) {
	if f, words, ok := h.open(w, r); ok {
		h.showForm(w, http.StatusOK, f, words, joinView{})
	}
}

func (h *joining) showForm(w http.ResponseWriter, status int, f signup.Form, words *locale.Words, v joinView) {
	text := f.Texts[words.Tag]
	v.Slug, v.Intro, v.Consent, v.Fields = f.Slug, text.Intro, text.Consent, f.Fields
	page := publicView{Words: words, Title: text.Title, Languages: f.Languages(), Body: v}
	if u, err := url.Parse(f.Redirect); err == nil && u.Host != "" {
		page.Leads = "https://" + u.Host
	}
	h.show(w, status, "join", page)
}

// maxJoin bounds what a form's page or a script may send.
const maxJoin = 64 << 10

// signUp takes a sign-up from the page, from a form on somebody's site, or as JSON from a
// script. The answer does not depend on whether the address is known.
func (h *joining) signUp(w http.ResponseWriter, r *http.Request) {
	f, words, ok := h.open(w, r)
	if !ok {
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxJoin)
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind == "application/json" {
		h.signUpByScript(w, r, f)
		return
	}
	if err := r.ParseForm(); err != nil {
		h.notice(w, http.StatusBadRequest, words, words.Say("trouble/title"), words.Say("trouble/text"))
		return
	}
	form := r.PostForm
	words = f.Speak(form.Get("language"), r.URL.Query().Get("lang"), r.Header.Get("Accept-Language"))
	v := joinView{Values: map[string]string{}, Errors: map[string]string{}}
	for name := range form {
		v.Values[name] = form.Get(name)
	}
	err := h.take(r, f, asked{form.Get("email"), v.Values, words.Tag, form.Get("agree") != "", form.Get("website")})
	switch problems, wrong := errors.AsType[signup.Problems](err); {
	case wrong:
		for _, p := range problems {
			v.Errors[p.Field] = p.Text
		}
		h.showForm(w, http.StatusUnprocessableEntity, f, words, v)
	case errors.Is(err, signup.ErrTooMany):
		v.Error = words.Say("join/too-many")
		h.showForm(w, http.StatusTooManyRequests, f, words, v)
	case errors.Is(err, campaign.ErrNotFound): // its list was deleted just now
		h.away(w, r)
	case err != nil:
		h.failed(w, r, words, err)
	case f.Redirect != "":
		http.Redirect(w, r, f.Redirect, http.StatusSeeOther)
	default:
		h.show(w, http.StatusOK, "notice", publicView{Words: words, Title: words.Say("join/sent-title"), Body: note{"mail", words.Say("join/sent-text")}})
	}
}

// asked is what somebody filled in, in whatever form it came.
type asked struct {
	Email    string            `json:"email"`
	Values   map[string]string `json:"values"` // by attribute
	Language string            `json:"language"`
	Agree    bool              `json:"agree"`
	Website  string            `json:"website"` // a trap: people do not see it
}

// take hands a sign-up to the desk. Who fell into the trap is thanked, and forgotten.
func (h *joining) take(r *http.Request, f signup.Form, a asked) error {
	if a.Website != "" {
		return nil
	}
	wish := signup.Request{Email: a.Email, Values: a.Values, Language: a.Language, IP: clientOf(r), Agent: agentOf(r)}
	if !a.Agree {
		return append(f.Check(wish), signup.Problem{Field: "agree", Text: f.Speak(a.Language).Say("join/agree")})
	}
	return h.desk.SignUp(r.Context(), f, wish)
}

// allowed lets the scripts of a form's sites, and ours, read the answer; false for others.
func allowed(w http.ResponseWriter, r *http.Request, f signup.Form) bool {
	w.Header().Add("Vary", "Origin")
	origin := strings.ToLower(r.Header.Get("Origin"))
	u, err := url.Parse(origin)
	if origin == "" || err == nil && u.Host != "" && strings.EqualFold(u.Host, r.Host) {
		return true
	}
	if !slices.Contains(f.Origins, origin) {
		return false
	}
	w.Header().Set("Access-Control-Allow-Origin", r.Header.Get("Origin"))
	return true
}

// mayAsk answers a browser that asks whether a script may send JSON.
func (h *joining) mayAsk(w http.ResponseWriter, r *http.Request) {
	f, _, ok := h.open(w, r)
	if !ok {
		return
	}
	if allowed(w, r, f) {
		w.Header().Set("Access-Control-Allow-Methods", "POST")
		w.Header().Set("Access-Control-Allow-Headers", "Content-Type")
		w.Header().Set("Access-Control-Max-Age", "600")
	}
	w.WriteHeader(http.StatusNoContent)
}

func (h *joining) signUpByScript(w http.ResponseWriter, r *http.Request, f signup.Form) {
	answer := func(status int, body any) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(body) // the client went away
	}
	if !allowed(w, r, f) {
		answer(http.StatusForbidden, map[string]string{"error": "This site is not among those that the form allows."})
		return
	}
	var a asked
	dec := json.NewDecoder(r.Body)
	dec.DisallowUnknownFields()
	if err := dec.Decode(&a); err != nil {
		answer(http.StatusBadRequest, map[string]string{"error": "The request is not as documented: " + err.Error()})
		return
	}
	err := h.take(r, f, a)
	switch problems, wrong := errors.AsType[signup.Problems](err); {
	case wrong:
		errs := map[string]string{}
		for _, p := range problems {
			errs[p.Field] = p.Text
		}
		answer(http.StatusUnprocessableEntity, map[string]any{"errors": errs})
	case errors.Is(err, signup.ErrTooMany):
		answer(http.StatusTooManyRequests, map[string]string{"error": f.Speak(a.Language).Say("join/too-many")})
	case errors.Is(err, campaign.ErrNotFound):
		answer(http.StatusNotFound, map[string]string{"error": f.Speak(a.Language).Say("join/away-text")})
	case err != nil:
		h.log.Error("web: a sign-up failed", "form", f.ID, "error", err)
		answer(http.StatusServiceUnavailable, map[string]string{"error": f.Speak(a.Language).Say("trouble/text")})
	default:
		answer(http.StatusAccepted, map[string]string{"status": "confirm", "text": f.Speak(a.Language).Say("join/sent-text")})
	}
}
