package web

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"broadside/campaign"
	"broadside/campaign/locale"
)

// ask shows what can be chosen, first of all to leave the lists of the message.
func (h *recipients) ask(w http.ResponseWriter, r *http.Request) {
	who, ok := h.holder(w, r)
	if !ok {
		return
	}
	words := wordsFor(r, who.contact.Attributes)
	var v preferences
	if err := h.look(r.Context(), who, &v); err != nil {
		h.failed(w, r, who, err)
		return
	}
	page := "left"
	if v.Ask = v.Joined; v.Ask {
		page = "ask"
	}
	v.Text = about(words, page, who.lists)
	h.preferences(w, words, words.Say(page+"/title"), v)
}

// unsubscribe acts on a click of the button and on RFC 8058 one-click requests, which
// carry no cookie and follow no redirect. What they carry, in whatever form, is not
// looked at: the token says it all.
func (h *recipients) unsubscribe(w http.ResponseWriter, r *http.Request) {
	who, ok := h.holder(w, r)
	if !ok {
		return
	}
	if err := h.leave(r.Context(), who); err != nil {
		h.failed(w, r, who, err)
		return
	}
	words := wordsFor(r, who.contact.Attributes)
	h.done(w, r, who, words.Say("left/title"), about(words, "left", who.lists))
}

// leave takes a contact off the lists of the run that it got the link from. When nobody
// knows any more which these were, off all: the wish is plain.
func (h *recipients) leave(ctx context.Context, who holder) error {
	if len(who.lists) == 0 {
		return h.store.Leave(ctx, who.contact.ID, 0, who.run, time.Now())
	}
	for _, list := range who.lists {
		err := h.store.Leave(ctx, who.contact.ID, list.ID, who.run, time.Now())
		if err != nil && !errors.Is(err, campaign.ErrNotFound) {
			return err
		}
	}
	return nil
}

// about says what is left, by the titles of lists if all of them may be named.
func about(words *locale.Words, page string, lists []campaign.List) string {
	if len(lists) == 0 {
		return words.Say("left-all/text")
	}
	var titles []string
	for _, l := range lists {
		if l.Visible {
			titles = append(titles, l.PublicTitle())
		}
	}
	if len(titles) == 0 || len(titles) < len(lists) {
		return words.Say(page + "/unnamed")
	}
	return words.Say(page+"/text", "list", strings.Join(titles, words.Say("page/and")))
}
