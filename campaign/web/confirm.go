package web

import (
	"errors"
	"net/http"

	"broadside/campaign/locale"
	"broadside/campaign/signup"
)

// confirmView is the page that a confirmation mail's link leads to; the consent is in the
// language in which it was given.
type confirmView struct{ Link, Address, Consent string }

// ask shows what would be confirmed, and a button.
func (h *joining) ask(w http.ResponseWriter, r *http.Request) {
	link := r.PathValue("token")
	s, f, err := h.desk.Asked(r.Context(), link)
	if err != nil {
		h.unconfirmed(w, r, err)
		return
	}
	words := f.Speak(r.URL.Query().Get("lang"), s.Language)
	h.show(w, http.StatusOK, "confirm", publicView{
		Words: words, Title: words.Say("confirm/title", "title", f.Texts[words.Tag].Title), Languages: f.Languages(),
		Body: confirmView{Link: link, Address: s.Email, Consent: f.Texts[s.Language].Consent},
	})
}

func (h *joining) confirm(w http.ResponseWriter, r *http.Request) {
	f, held, err := h.desk.Confirm(r.Context(), r.PathValue("token"), clientOf(r))
	if err != nil {
		h.unconfirmed(w, r, err)
		return
	}
	words := f.Speak(r.URL.Query().Get("lang"), r.Header.Get("Accept-Language"))
	if held {
		h.show(w, http.StatusOK, "notice", publicView{Words: words, Title: words.Say("confirm/held-title"), Body: note{"stop", words.Say("lists/suppressed")}})
		return
	}
	h.notice(w, http.StatusOK, words, words.Say("confirm/done-title"), words.Say("confirm/done-text"))
}

func (h *joining) unconfirmed(w http.ResponseWriter, r *http.Request, err error) {
	words := locale.Choose(r.URL.Query().Get("lang"), r.Header.Get("Accept-Language"))
	if errors.Is(err, signup.ErrLink) {
		h.notice(w, http.StatusNotFound, words, words.Say("confirm/link-title"), words.Say("confirm/link-text"))
		return
	}
	h.failed(w, r, words, err)
}
