package web

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"broadside/campaign"
	"broadside/campaign/locale"
)

const formKind = "application/x-www-form-urlencoded"

// A recipient sees the lists that are shown, leaves one or all, and comes back to one
// that he left by himself.
func TestPreferences(t *testing.T) { // M8, X9
	w := newWorld(t)
	ctx := t.Context()
	ann := w.subscribe("ann@example.org", "{}", "news", "offers", "events", "internal")
	news := w.present("news", "Harbour News", "Once a month")
	w.present("offers", "", "")
	events := w.present("events", "Events <b>", "")
	if err := w.db.Unsubscribe(ctx, ann, events, time.Now()); err != nil { // by the team
		t.Fatal(err)
	}
	link := w.link(ann, "news")
	page := func(method, path, body string, says ...string) string {
		t.Helper()
		resp, text := w.stranger(method, path, formKind, body)
		if resp.StatusCode != http.StatusOK {
			t.Fatalf("%s %s: %s\n%s", method, path, resp.Status, text)
		}
		for _, words := range says {
			if !strings.Contains(text, words) {
				t.Errorf("%s %s does not say %q:\n%s", method, path, words, text)
			}
		}
		return text
	}
	text := page("GET", link, "", "no more mail from Harbour News.", "a…@example.org", "Once a month", "<b>offers</b>")
	for _, secret := range []string{"internal", "Events", "ann@"} {
		if strings.Contains(text, secret) {
			t.Errorf("the page shows %q:\n%s", secret, text)
		}
	}
	shown := fmt.Sprintf("shown=%d&shown=%d", news, news+1)

	page("POST", link+"/lists", shown+fmt.Sprintf("&list=%d", news+1), "Your choice is saved", "Changed your mind?")
	if got := w.in(ann); got != "internal offers" {
		t.Errorf("in %q", got)
	}
	page("GET", link+"/lists", "", "You are unsubscribed", "Changed your mind?") // who reloads the answer
	// Back to the one that she left, but not to what others took her off, nor to what she
	// was not shown.
	page("POST", link+"/lists?lang=zh", fmt.Sprintf("%s&shown=%d&list=%d&list=%d&list=%d", shown, events, news, news+1, events), "您的选择已保存")
	if got := w.in(ann); got != "internal news offers" {
		t.Errorf("in %q", got)
	}
	consents, err := w.db.ConsentsOf(ctx, ann)
	if err != nil || len(consents) != 1 || consents[0].List != news || consents[0].How != "page" || consents[0].IP != "127.0.0.1" || consents[0].Agent == "" || !strings.HasSuffix(consents[0].Form, "Harbour News") {
		t.Errorf("consents %+v, %v", consents, err)
	}
	page("POST", link+"/lists", "all=leave", "You have left all lists")
	if got := w.in(ann); got != "" {
		t.Errorf("in %q", got)
	}
	// A form that says nothing, and one of another's, change nothing.
	page("POST", link+"/lists", "", "saved")
	if resp, _ := w.stranger("POST", link+"x/lists", formKind, "all=leave"); resp.StatusCode != http.StatusNotFound {
		t.Errorf("a changed token: %s", resp.Status)
	}
	if resp, _ := w.stranger("POST", link+"/lists", formKind, strings.Repeat("x", maxChoice+1)); resp.StatusCode != http.StatusBadRequest {
		t.Errorf("a huge form: %s", resp.Status)
	}
}

// Mail that a suppression keeps away is not promised.
func TestPreferencesOfTheSuppressed(t *testing.T) {
	w := newWorld(t)
	ann := w.subscribe("ann@example.org", "{}", "news", "offers")
	news, offers := w.present("news", "", ""), w.present("offers", "", "")
	link := w.link(ann, "news")
	suppress := func(list campaign.ListID) {
		t.Helper()
		if _, err := w.db.Suppress(t.Context(), []campaign.Suppression{{Email: "ann@example.org", List: list, Reason: "complained", At: time.Now()}}); err != nil {
			t.Fatal(err)
		}
	}
	suppress(offers)
	if _, text := w.stranger("GET", link, "", ""); strings.Contains(text, "<b>offers") || !strings.Contains(text, "<b>news") {
		t.Error(text)
	}
	if _, text := w.stranger("POST", link, "", ""); !strings.Contains(text, "You are unsubscribed") {
		t.Error(text)
	}
	suppress(0)
	_, text := w.stranger("POST", link+"/lists", formKind, fmt.Sprintf("shown=%d&list=%d", news, news))
	if w.in(ann) != "offers" || !strings.Contains(text, "No mail of ours goes to your address") || strings.Contains(text, "<input") {
		t.Errorf("in %q: %s", w.in(ann), text)
	}
}

// The page is in the contact's language, or else in the browser's; a click changes it.
func TestLanguageOfPages(t *testing.T) {
	w := newWorld(t)
	zh, none := w.link(w.subscribe("li@example.org", `{"language":"zh-CN"}`, "news"), "news"), w.link(w.subscribe("ann@example.org", `{"locale":"fr"}`, "news"), "news")
	for _, test := range []struct{ path, accept, want string }{
		{zh, "", "zh"}, {zh, "en-GB", "zh"}, {zh + "?lang=en", "zh", "en"},
		{none, "", "en"}, {none, "zh-CN, en;q=0.5", "zh"}, {none, "zh-TW", "zh"}, {none, "de", "en"}, {none + "?lang=xx", "zh", "zh"},
		{"/u/nonsense", "zh", "zh"},
	} {
		req, err := http.NewRequest("GET", w.srv.URL+test.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Accept-Language", test.accept)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if got := resp.Header.Get("Content-Language"); got != test.want {
			t.Errorf("%s in %q: %s, want %s", test.path, test.accept, got, test.want)
		}
		if policy := resp.Header.Get("Content-Security-Policy"); strings.Contains(policy, "unsafe") {
			t.Errorf("policy %q", policy)
		}
	}
}

// Whatever the pages say has words.
func TestPagesHaveWords(t *testing.T) {
	key := regexp.MustCompile(`[Ss]ay\)? ?\(?"([a-z-]+/[a-z-]+)"`)
	var found int
	for _, pattern := range []string{"*.go", "pages/public/*.html"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range key.FindAllStringSubmatch(string(text), -1) {
				found++
				if locale.Choose().Say(m[1]) == m[1] {
					t.Errorf("%s: no words for %q", file, m[1])
				}
			}
		}
	}
	if found < 20 {
		t.Errorf("only %d keys found", found)
	}
}

func TestMasked(t *testing.T) {
	for email, want := range map[string]string{"ann@example.org": "a…@example.org", "a@example.org": "…@example.org", "李雷@example.org": "李…@example.org", `"a@b"@example.org`: `"…@example.org`} {
		if got := masked(email); got != want {
			t.Errorf("masked(%q) = %q, want %q", email, got, want)
		}
	}
}

// What its members see of a list is set on its page.
func TestPresentList(t *testing.T) {
	w := newWorld(t)
	w.subscribe("ann@example.org", "{}", "news")
	w.admin.post("/lists/1/presentation", http.StatusSeeOther, "title", " Harbour News ", "description", "Monthly", "visible", "yes")
	list, err := w.db.ListByID(t.Context(), 1)
	if err != nil || list.Presentation != (campaign.Presentation{Title: "Harbour News", Description: "Monthly", Visible: true}) {
		t.Errorf("%+v, %v", list, err)
	}
	text, _ := w.admin.post("/lists/1/presentation", http.StatusUnprocessableEntity, "title", "x", "description", strings.Repeat("y", 301))
	if !strings.Contains(text, "at most 300 characters") {
		t.Error(text)
	}
	w.admin.post("/lists/1/presentation", http.StatusSeeOther, url.QueryEscape("title"), "")
	if text := w.admin.get("/lists/1", http.StatusOK); !strings.Contains(text, "not see this list by its name") {
		t.Error("no word of what was done")
	}
}
