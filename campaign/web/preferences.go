package web

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"broadside/campaign"
	"broadside/campaign/locale"
)

// preferences is the page on which a recipient chooses among the lists.
type preferences struct {
	Token   string
	Text    string
	Address string // the contact's, not in full: links are passed on
	Ask     bool   // whether to leave the lists of the message
	Done    bool   // the text says what was done
	Member  bool   // of some list, seen here or not
	Joined  bool   // to a list of the message, or of some when nobody knows which these are
	Left    bool   // one of the choices
	Choices []choice
	// Suppressed: no mail goes to the address, whatever is chosen.
	Suppressed bool
}

// choice is a list that the contact may leave, or come back to.
type choice struct {
	ID                 campaign.ListID
	Title, Description string
	In                 bool
}

// done shows the page as it is after something was done.
func (h *recipients) done(w http.ResponseWriter, r *http.Request, who holder, title, text string) {
	v := preferences{Text: text, Done: true}
	if err := h.look(r.Context(), who, &v); err != nil {
		h.failed(w, r, who, err)
		return
	}
	h.preferences(w, wordsFor(r, who.contact.Attributes), title, v)
}

func (h *recipients) preferences(w http.ResponseWriter, words *locale.Words, title string, v preferences) {
	h.show(w, http.StatusOK, "preferences", publicView{Words: words, Title: title, Languages: locale.Languages(), Body: v})
}

// look fills in the lists that the contact may see: those that are shown to their
// members, unless somebody else took the contact off them or mail on them is suppressed.
func (h *recipients) look(ctx context.Context, who holder, v *preferences) error {
	v.Token = who.token
	if who.contact.Email == "" {
		return nil // erased
	}
	v.Address = masked(who.contact.Email)
	suppressions, err := h.store.SuppressionsOf(ctx, who.contact.Email)
	if err != nil {
		return err
	}
	var closed []campaign.ListID
	for _, s := range suppressions {
		closed = append(closed, s.List)
	}
	v.Suppressed = slices.Contains(closed, 0)
	memberships, err := h.store.MembershipsOf(ctx, who.contact.ID)
	if err != nil {
		return err
	}
	for _, m := range memberships {
		in := m.Status == campaign.Subscribed
		v.Member = v.Member || in
		v.Joined = v.Joined || in && (len(who.lists) == 0 || slices.ContainsFunc(who.lists, func(l campaign.List) bool { return l.ID == m.List.ID }))
		if !m.List.Visible || !in && !m.ByPerson || slices.Contains(closed, m.List.ID) {
			continue
		}
		v.Left = v.Left || !in
		v.Choices = append(v.Choices, choice{m.List.ID, m.List.PublicTitle(), m.List.Description, in})
	}
	return nil
}

// masked shows enough of an address for its owner to know it.
func masked(email string) string {
	at := strings.LastIndexByte(email, '@')
	for i := range email[:at] {
		if i > 0 {
			return email[:i] + "…" + email[at:]
		}
	}
	return "…" + email[at:]
}

// maxChoice bounds what the form of the page may carry.
const maxChoice = 64 << 10

// choose takes what the page's form says: to leave all lists, or of the lists that were
// shown those that are wanted.
func (h *recipients) choose(w http.ResponseWriter, r *http.Request) {
	who, ok := h.holder(w, r)
	if !ok {
		return
	}
	words := wordsFor(r, who.contact.Attributes)
	r.Body = http.MaxBytesReader(w, r.Body, maxChoice)
	if err := r.ParseForm(); err != nil {
		h.notice(w, http.StatusBadRequest, words, words.Say("trouble/title"), words.Say("trouble/text"))
		return
	}
	page, err := "saved", error(nil)
	if r.PostForm.Get("all") == "leave" {
		page, err = "left-all", h.store.Leave(r.Context(), who.contact.ID, 0, who.run, time.Now())
	} else {
		err = h.save(r, who, words)
	}
	if err != nil {
		h.failed(w, r, who, err)
		return
	}
	h.done(w, r, who, words.Say(page+"/title"), words.Say(page+"/text"))
}

// save changes what differs from what the contact may see and chooses now. A list that
// was not shown stays as it is, whatever the form says.
func (h *recipients) save(r *http.Request, who holder, words *locale.Words) error {
	var now preferences
	if err := h.look(r.Context(), who, &now); err != nil || now.Suppressed {
		return err
	}
	shown, wanted := r.PostForm["shown"], r.PostForm["list"]
	for _, c := range now.Choices {
		id := strconv.FormatInt(int64(c.ID), 10)
		wish := slices.Contains(wanted, id)
		if !slices.Contains(shown, id) || wish == c.In {
			continue
		}
		if !wish {
			err := h.store.Leave(r.Context(), who.contact.ID, c.ID, who.run, time.Now())
			if err != nil && !errors.Is(err, campaign.ErrNotFound) { // the list is gone: so is the wish
				return err
			}
			continue
		}
		_, err := h.store.Return(r.Context(), campaign.Consent{
			Contact: who.contact.ID, List: c.ID, At: time.Now(), How: "page", IP: clientOf(r).String(), Agent: agentOf(r),
			Form: words.Say("lists/text") + " " + c.Title,
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// agentOf is what a browser calls itself, within bounds.
func agentOf(r *http.Request) string {
	agent := strings.ReplaceAll(r.UserAgent(), "\x00", "")
	return strings.ToValidUTF8(agent[:min(len(agent), 400)], "")
}
