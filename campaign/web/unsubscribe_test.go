package web

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"broadside/campaign"
	"broadside/campaign/message"
	"broadside/campaign/token"
	"broadside/store"
)

// linkTokens are those of newWorld's recipients.
var linkTokens = token.NewMaker(make([]byte, 32))

// subscribe brings an address into a list, which is made, and returns the contact.
func (w *world) subscribe(email, attributes string, lists ...string) campaign.ContactID {
	w.Helper()
	ctx := w.Context()
	for _, name := range lists {
		list, err := w.db.ListByName(ctx, name)
		if err != nil {
			if list, err = w.db.CreateList(ctx, name, time.Now()); err != nil {
				w.Fatal(err)
			}
		}
		if _, err := w.app.Service.Join(ctx, list.ID, "test", email, []byte(attributes)); err != nil {
			w.Fatal(err)
		}
	}
	c, err := w.db.ContactByEmail(ctx, email)
	if err != nil {
		w.Fatal(err)
	}
	return c.ID
}

// present makes a list visible.
func (w *world) present(name, title, description string) campaign.ListID {
	w.Helper()
	list, err := w.db.ListByName(w.Context(), name)
	if err != nil {
		w.Fatal(err)
	}
	if _, err := w.db.PresentList(w.Context(), list.ID, campaign.Presentation{Title: title, Description: description, Visible: true}); err != nil {
		w.Fatal(err)
	}
	return list.ID
}

// link is the unsubscribe link of a contact in a run to lists that has ended; the list
// called gone was deleted since.
func (w *world) link(contact campaign.ContactID, lists ...string) string {
	w.Helper()
	c, err := w.db.CreateCampaign(w.Context(), campaign.Spec{Name: fmt.Sprint(contact, lists), Lists: lists}, time.Now())
	if err != nil {
		w.Fatal(err)
	}
	var gone campaign.List
	if slices.Contains(lists, "gone") {
		if gone, err = w.db.CreateList(w.Context(), "gone", time.Now()); err != nil {
			w.Fatal(err)
		}
	}
	run, err := w.db.CreateRun(w.Context(), c, campaign.RunFinished, time.Now(), time.Now())
	if err != nil {
		w.Fatal(err)
	}
	if gone.ID != 0 {
		if _, err := w.db.DeleteList(w.Context(), gone.ID, false); err != nil {
			w.Fatal(err)
		}
	}
	return "/u/" + string(linkTokens.Append(nil, token.Unsubscribe, int64(run.ID), int64(contact)))
}

// in lists the names of the lists that a contact is subscribed to.
func (w *world) in(contact campaign.ContactID) string {
	w.Helper()
	memberships, err := w.db.MembershipsOf(context.Background(), contact)
	if err != nil {
		w.Fatal(err)
	}
	var names []string
	for _, m := range memberships {
		if m.Status == campaign.Subscribed {
			names = append(names, m.List.Name)
		}
	}
	return strings.Join(names, " ")
}

func TestUnsubscribe(t *testing.T) { // M8, X8, X9
	other := token.NewMaker(bytes.Repeat([]byte{2}, 32))
	var form bytes.Buffer
	parts := multipart.NewWriter(&form)
	_ = parts.WriteField("List-Unsubscribe", "One-Click")
	_ = parts.Close()
	w := newWorld(t)
	for i, test := range []struct {
		name, method, token, kind, body string
		status                          int
		left                            bool
		says                            string
	}{
		{"a look changes nothing", "GET", "", "", "", 200, false, "Unsubscribe?"},
		{"nor does a scanner's", "HEAD", "", "", "", 200, false, ""},
		{"one click, urlencoded", "POST", "", "application/x-www-form-urlencoded", "List-Unsubscribe=One-Click", 200, true, "You are unsubscribed"},
		{"one click, multipart", "POST", "", parts.FormDataContentType(), form.String(), 200, true, "You are unsubscribed"},
		{"an empty body", "POST", "", "", "", 200, true, "You are unsubscribed"},
		{"a body that is none", "POST", "", "multipart/form-data; boundary=x", "--y", 200, true, "You are unsubscribed"},
		{"token of another secret", "POST", "/u/" + string(other.Append(nil, token.Unsubscribe, 3, 77)), "", "", 404, false, "not complete"},
		{"token for another purpose", "POST", "/u/" + string(linkTokens.Append(nil, token.Bounce, 3, 77)), "", "", 404, false, "not complete"},
	} {
		t.Run(test.name, func(t *testing.T) {
			contact := w.subscribe(fmt.Sprintf("p%d@example.org", i), "{}", "news", "offers")
			path := test.token
			if path == "" {
				path = w.link(contact, "news", "gone")
			}
			// As a mailbox provider's machine asks: of no page, with no cookie.
			resp, text := w.stranger(test.method, path, test.kind, test.body)
			if resp.StatusCode != test.status || !strings.Contains(text, test.says) || resp.Header.Get("Set-Cookie") != "" {
				t.Errorf("%s %s: %s", resp.Status, resp.Header, text)
			}
			want := "news offers"
			if test.left {
				want = "offers" // the list of the campaign, and no other
			}
			if got := w.in(contact); got != want {
				t.Errorf("is in %q, want %q", got, want)
			}
		})
	}
}

// stranger asks without cookies, from no page of ours.
func (w *world) stranger(method, path, kind, body string) (*http.Response, string) {
	w.Helper()
	return strangerTo(w, w.srv.URL, method, path, kind, body)
}

func strangerTo(t testing.TB, base, method, path, kind, body string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequest(method, base+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", kind)
	req.Header.Set("Origin", "null")
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(text)
}

// A link outlives its run: nobody knows any more which lists it was about, so that the
// wish is taken for all.
func TestUnsubscribeAfterTheRunIsGone(t *testing.T) {
	w := newWorld(t)
	contact := w.subscribe("ann@example.org", "{}", "news", "offers")
	link := "/u/" + string(linkTokens.Append(nil, token.Unsubscribe, 999, int64(contact)))
	if _, text := w.stranger("GET", link, "", ""); !strings.Contains(text, "no more newsletters") {
		t.Error(text)
	}
	if _, text := w.stranger("POST", link, "", ""); !strings.Contains(text, "You are unsubscribed") || w.in(contact) != "" {
		t.Errorf("in %q: %s", w.in(contact), text)
	}
}

// A message to one person has no list: who leaves by its link leaves all.
func TestUnsubscribeByMessage(t *testing.T) {
	w := newWorld(t)
	ann := w.subscribe("ann@example.org", "{}", "news", "offers")
	if _, err := w.app.Service.Create(t.Context(), campaign.Spec{Name: "order", Class: campaign.Transactional, Source: message.Source{From: "a@example.org", Subject: "Order", Text: "It is on its way."}}); err != nil {
		t.Fatal(err)
	}
	m, _, err := w.app.Service.SendMessage(t.Context(), campaign.NewMessage{Template: "order", To: "ann@example.org"})
	if err != nil {
		t.Fatal(err)
	}
	link := "/u/" + string(linkTokens.Append(nil, token.Unsubscribe, int64(m.Run), int64(m.ID)))
	if _, text := w.stranger("GET", link, "", ""); !strings.Contains(text, "no more newsletters") {
		t.Error(text)
	}
	if _, text := w.stranger("POST", link, "", ""); !strings.Contains(text, "You are unsubscribed") || w.in(ann) != "" {
		t.Errorf("in %q: %s", w.in(ann), text)
	}
}

// Whoever was erased meanwhile has nothing to leave, and is not told more than others.
func TestUnsubscribeAfterErasure(t *testing.T) {
	w := newWorld(t)
	contact := w.subscribe("ann@example.org", "{}", "news")
	link := w.link(contact, "news")
	if _, err := w.app.Service.Erase(w.Context(), "ann@example.org"); err != nil {
		t.Fatal(err)
	}
	for _, method := range []string{"GET", "POST"} {
		if resp, text := w.stranger(method, link, "", ""); resp.StatusCode != http.StatusOK || strings.Contains(text, "example.org") {
			t.Errorf("%s: %s %s", method, resp.Status, text)
		}
	}
}

func TestUnsubscribeWithoutDatabase(t *testing.T) {
	db, err := store.Open(t.Context(), t.TempDir()+"/test.db", store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(Recipients(db, linkTokens, slog.New(slog.DiscardHandler)))
	defer srv.Close()
	path := "/u/" + string(linkTokens.Append(nil, token.Unsubscribe, 1, 1))
	if resp, text := strangerTo(t, srv.URL, "POST", path, "", ""); resp.StatusCode != http.StatusServiceUnavailable || !strings.Contains(text, "try again") {
		t.Errorf("%s %s", resp.Status, text)
	}
}
