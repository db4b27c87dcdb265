package web

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"broadside/campaign"
	"broadside/campaign/account"
	"broadside/campaign/signup"
)

// joinForm makes a form of a list by the pages, and returns it with its path.
func (w *world) joinForm(list campaign.ListID, change ...string) (signup.Form, string) {
	w.Helper()
	fields := append([]string{
		"from", "Harbour News <news@example.org>",
		"title-en", "Harbour News", "intro-en", "Once a month", "consent-en", "Send me <b>Harbour News</b>",
		"title-zh", "港口新闻", "consent-zh", "我想订阅港口新闻",
		"field-0", "first_name", "label-0-en", "First name", "label-0-zh", "名字", "required-0", "yes",
		"field-2", "city", "label-2-en", "City", "label-2-zh", "城市",
	}, change...)
	_, location := w.admin.post(fmt.Sprintf("/lists/%d/forms", list), http.StatusSeeOther, fields...)
	var id signup.FormID
	if _, err := fmt.Sscanf(location, "/forms/%d", &id); err != nil {
		w.Fatalf("leads to %q", location)
	}
	f, err := w.app.SignUps.Form(w.Context(), id)
	if err != nil {
		w.Fatal(err)
	}
	return f, "/join/" + f.Slug
}

// mailed waits for the next confirmation mail, and returns what it says.
func (w *world) mailed() (to string, data map[string]string) {
	w.Helper()
	select {
	case job := <-w.mail:
		all := map[string]any{}
		if err := json.Unmarshal(job.Attributes, &all); err != nil {
			w.Fatal(err)
		}
		data = map[string]string{}
		for name, v := range all {
			data[name] = fmt.Sprint(v)
		}
		return job.Email, data
	case <-time.After(2 * time.Minute):
		w.Fatal("no confirmation mail")
	}
	return "", nil
}

// unmailed wants no mail to have left, when all sign-ups have been looked at.
func (w *world) unmailed() {
	w.Helper()
	for tick := time.NewTicker(5 * time.Millisecond); ; <-tick.C {
		waiting, err := w.db.Unmailed(w.Context(), time.Time{}, 0, 1)
		if err != nil {
			w.Fatal(err)
		}
		if len(waiting) == 0 {
			tick.Stop()
			break
		}
	}
	select {
	case job := <-w.mail:
		w.Errorf("mail to %s", job.Email)
	default:
	}
}

func values(pairs ...string) string {
	v := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		v.Set(pairs[i], pairs[i+1])
	}
	return v.Encode()
}

// A person joins by the page of a form: fills it in, gets a mail, and is subscribed when
// he clicks the button behind its link; what he agreed to is kept.
func TestJoin(t *testing.T) { // X9, X14
	w := newWorld(t)
	w.subscribe("old@example.org", "{}", "news")
	list, err := w.db.ListByName(t.Context(), "news")
	if err != nil {
		t.Fatal(err)
	}
	f, page := w.joinForm(list.ID)
	if _, text := w.stranger("GET", page+"?lang=zh", "", ""); !strings.Contains(text, "我想订阅港口新闻") || !strings.Contains(text, "名字") || !strings.Contains(text, `lang="zh"`) {
		t.Error(text)
	}
	if _, text := w.stranger("GET", page, "", ""); !strings.Contains(text, "Send me &lt;b&gt;Harbour News") || !strings.Contains(text, "First name") {
		t.Error(text)
	}
	resp, text := w.stranger("POST", page, formKind, values("email", "Li@Example.org", "language", "zh", "agree", "yes", "first_name", " Li "))
	if resp.StatusCode != http.StatusOK || !strings.Contains(text, "请查收邮件") || resp.Header.Get("Set-Cookie") != "" {
		t.Fatalf("%s %s", resp.Status, text)
	}
	to, said := w.mailed()
	link, ok := strings.CutPrefix(said["link"], "https://news.example")
	if to != "Li@example.org" || said["subject"] != "请确认订阅：港口新闻" || !ok {
		t.Fatalf("mail to %s: %v", to, said)
	}
	// What follows links, and who guesses them, change nothing.
	for range 3 {
		if resp, text := w.stranger("GET", link, "", ""); resp.StatusCode != http.StatusOK || !strings.Contains(text, "我想订阅港口新闻") || !strings.Contains(text, "Li@example.org") {
			t.Errorf("%s %s", resp.Status, text)
		}
	}
	_, _ = w.stranger("HEAD", link, "", "")
	if resp, _ := w.stranger("POST", "/confirm/"+strings.Repeat("a", 30), "", ""); resp.StatusCode != http.StatusNotFound {
		t.Errorf("an invented link: %s", resp.Status)
	}
	if people, err := w.db.ListContacts(t.Context(), list.ID, 0, 10); err != nil || len(people) != 1 {
		t.Errorf("%+v, %v", people, err)
	}
	if _, text := w.stranger("POST", link, "", ""); !strings.Contains(text, "You are subscribed") {
		t.Error(text)
	}
	c, err := w.db.ContactByEmail(t.Context(), "li@example.org")
	if err != nil || w.in(c.ID) != "news" || string(c.Attributes) != `{"first_name":"Li","language":"zh"}` {
		t.Errorf("%s in %q, %v", c.Attributes, w.in(c.ID), err)
	}
	if resp, text := w.stranger("POST", link, "", ""); resp.StatusCode != http.StatusNotFound || !strings.Contains(text, "used already") {
		t.Errorf("a second click: %s %s", resp.Status, text)
	}

	consents, err := w.db.ConsentsOf(t.Context(), c.ID)
	if err != nil || len(consents) != 1 {
		t.Fatalf("%+v, %v", consents, err)
	}
	given := consents[0]
	if given.List != list.ID || given.How != "form" || given.IP != "127.0.0.1" || given.Agent == "" || given.Form != "我想订阅港口新闻" ||
		given.SignupForm != int64(f.ID) || given.FormVersion != 1 || given.ConfirmedIP != "127.0.0.1" || given.Confirmed.Before(given.At) || given.At.IsZero() {
		t.Errorf("%+v", given)
	}
	if text := w.admin.get(fmt.Sprintf("/contacts/%d", c.ID), http.StatusOK); !strings.Contains(text, "我想订阅港口新闻") || !strings.Contains(text, "127.0.0.1") {
		t.Error("the contact's page does not show the consent")
	}
	person, err := w.app.Service.Person(t.Context(), "li@example.org")
	if err != nil || len(person.Consents) != 1 || person.Consents[0].FormVersion != 1 || person.Consents[0].ConfirmedIP == "" || len(person.SignUps) != 0 {
		t.Errorf("%+v, %v", person, err)
	}
}

// Who left, or was taken off, comes back by confirming; a complaint stays, and so does
// what the team decided.
func TestJoinAgain(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	list := campaign.ListID(1)
	for i, test := range []struct {
		name   string
		before func(email string, id campaign.ContactID)
		mailed bool // is asked for confirmation
		held   bool // gets no mail even so
	}{
		{"left", func(_ string, id campaign.ContactID) { _ = w.db.Unsubscribe(ctx, id, list, time.Now()) }, true, false},
		{"unsubscribed from the list", func(email string, _ campaign.ContactID) { w.suppress(email, list, "unsubscribed") }, true, false},
		{"kept off the list", func(email string, _ campaign.ContactID) { w.suppress(email, list, "manual") }, true, true},
		{"complained", func(email string, _ campaign.ContactID) { w.suppress(email, 0, "complained") }, false, true},
		{"bounced", func(email string, _ campaign.ContactID) { w.suppress(email, 0, "bounced") }, false, true},
		{"erased", func(email string, _ campaign.ContactID) { _, _ = w.app.Service.Erase(ctx, email) }, false, true},
		{"a member already", func(string, campaign.ContactID) {}, true, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			email := fmt.Sprintf("p%d@example.org", i)
			id := w.subscribe(email, "{}", "news")
			_, page := w.joinForm(list)
			test.before(email, id)
			// The answer is the same for everybody.
			if resp, text := w.stranger("POST", page, formKind, values("email", email, "agree", "yes", "first_name", "P")); resp.StatusCode != http.StatusOK || !strings.Contains(text, "look into your mailbox") {
				t.Fatalf("%s %s", resp.Status, text)
			}
			if !test.mailed {
				w.unmailed()
				return
			}
			_, said := w.mailed()
			_, text := w.stranger("POST", strings.TrimPrefix(said["link"], "https://news.example"), "", "")
			if w.in(id) != "news" || strings.Contains(text, "You are subscribed") == test.held {
				t.Errorf("in %q: %s", w.in(id), text)
			}
			why, err := w.db.UnwantedOf(ctx, []string{"news"}, []campaign.Addressee{{Contact: id, Email: email}}, time.Now())
			if err != nil || (why[0] != campaign.NoReason) != test.held {
				t.Errorf("mail is kept away because %q, %v", why, err)
			}
		})
	}
}

func (w *world) suppress(email string, list campaign.ListID, reason string) {
	w.Helper()
	if _, err := w.db.Suppress(w.Context(), []campaign.Suppression{{Email: email, List: list, Reason: reason, At: time.Now()}}); err != nil {
		w.Fatal(err)
	}
}

// Nobody's mailbox is flooded, and nobody learns who is known here.
func TestSignUpBombing(t *testing.T) { // X14
	w := newWorld(t)
	w.subscribe("old@example.org", "{}", "news")
	_, page := w.joinForm(1)
	ask := func(email string, status int) string {
		t.Helper()
		resp, text := w.stranger("POST", page, formKind, values("email", email, "agree", "yes", "first_name", "P"))
		if resp.StatusCode != status {
			t.Fatalf("%s: %s %s", email, resp.Status, text)
		}
		return text
	}
	// One address: three mails a day, and the same answer to each request.
	known, unknown := ask("old@example.org", 200), ask("new@example.org", 200)
	for range 6 {
		if text := ask("New@Example.org", 200); text != unknown || text != known {
			t.Errorf("answers differ:\n%s\n%s\n%s", text, unknown, known)
		}
	}
	for range 4 {
		w.mailed() // to the known one, and three to the other
	}
	w.unmailed()
	// A machine falls into the trap.
	if resp, text := w.stranger("POST", page, formKind, values("email", "bot@example.org", "agree", "yes", "first_name", "P", "website", "http://x")); resp.StatusCode != 200 || text != known {
		t.Errorf("%s %s", resp.Status, text)
	}
	w.unmailed()
	// One network: ten who do not confirm.
	for i := range 6 {
		ask(fmt.Sprintf("v%d@example.org", i), 200)
		w.mailed()
	}
	if text := ask("v9@example.org", http.StatusTooManyRequests); !strings.Contains(text, "Too many requests") {
		t.Error(text)
	}
}

// A form says beside its fields what is wrong; it may lead to a page of another site.
func TestJoinByForm(t *testing.T) {
	w := newWorld(t)
	w.subscribe("old@example.org", "{}", "news")
	f, page := w.joinForm(1, "redirect", "https://www.example.com/thanks")
	for _, test := range []struct{ body, says string }{
		{values("email", "no address", "agree", "yes", "first_name", "P"), "Please write your address"},
		{values("email", "no address", "first_name", "P"), "Please write your address"}, // beside that it is not agreed to
		{values("email", "p@example.org", "agree", "yes"), "Please fill this in"},
		{values("email", "p@example.org", "agree", "yes"), `aria-describedby="f-first_name-note"`},
		{values("email", "p@example.org", "first_name", "P"), "Please tick this"},
		{values("email", "p@example.org", "agree", "yes", "first_name", strings.Repeat("P", 201)), "at most 200"},
		{values("email", "p@example.org", "agree", "yes", "first_name", "<script>alert(1)</script>\n"+"x"), "at most 200"},
	} {
		resp, text := w.stranger("POST", page, formKind, test.body)
		if resp.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(text, test.says) || strings.Contains(text, "<script>alert") {
			t.Errorf("%s: %s %s", test.body, resp.Status, text)
		}
		if policy := resp.Header.Get("Content-Security-Policy"); !strings.Contains(policy, "form-action 'self' https://www.example.com") || strings.Contains(policy, "unsafe") {
			t.Errorf("policy %q", policy)
		}
	}
	resp, _ := w.stranger("POST", page, formKind, values("email", "p@example.org", "agree", "yes", "first_name", "P"))
	if resp.StatusCode != http.StatusSeeOther || resp.Header.Get("Location") != "https://www.example.com/thanks" {
		t.Errorf("%s to %s", resp.Status, resp.Header.Get("Location"))
	}
	_, said := w.mailed()
	w.admin.post(fmt.Sprintf("/forms/%d/close", f.ID), http.StatusSeeOther, "closed", "yes")
	if resp, text := w.stranger("POST", page, formKind, values("email", "p@example.org", "agree", "yes", "first_name", "P")); resp.StatusCode != http.StatusNotFound || !strings.Contains(text, "closed") {
		t.Errorf("a closed form: %s %s", resp.Status, text)
	}
	if resp, _ := w.stranger("POST", strings.TrimPrefix(said["link"], "https://news.example"), "", ""); resp.StatusCode != http.StatusOK {
		t.Errorf("the link of a form that was closed meanwhile: %s", resp.Status)
	}
	w.admin.post(fmt.Sprintf("/forms/%d/close", f.ID), http.StatusSeeOther)
	if resp, _ := w.stranger("GET", page, "", ""); resp.StatusCode != http.StatusOK {
		t.Errorf("opened again: %s", resp.Status)
	}
}

// A script signs people up from the sites that the form allows.
func TestJoinByScript(t *testing.T) {
	w := newWorld(t)
	w.subscribe("old@example.org", "{}", "news")
	_, page := w.joinForm(1, "origins", "https://www.example.com\nhttp://localhost:3000")
	const good = `{"email":"p@example.org","agree":true,"language":"zh-CN","values":{"first_name":"P"}}`
	for _, test := range []struct {
		method, origin, body string
		status               int
		allow, says          string
	}{
		{"OPTIONS", "https://www.example.com", "", 204, "https://www.example.com", ""},
		{"OPTIONS", "https://evil.example", "", 204, "", ""},
		{"POST", "https://evil.example", good, 403, "", "not among those"},
		{"POST", "null", good, 403, "", "not among those"},
		{"POST", "https://www.example.com", good, 202, "https://www.example.com", "confirm"},
		{"POST", "http://localhost:3000", good, 202, "http://localhost:3000", "已向"},
		{"POST", "https://www.example.com", `{"email":"x","agree":true,"values":{}}`, 422, "https://www.example.com", `"first_name"`},
		{"POST", "https://www.example.com", `{"email":"p@example.org","values":{"first_name":"P"}}`, 422, "https://www.example.com", `"agree"`},
		{"POST", "https://www.example.com", `{"mail":1}`, 400, "https://www.example.com", "documented"},
		{"POST", "https://www.example.com", `{"email":"` + strings.Repeat("x", maxJoin) + `"}`, 400, "https://www.example.com", ""},
	} {
		req, err := http.NewRequest(test.method, w.srv.URL+page, strings.NewReader(test.body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Origin", test.origin)
		req.Header.Set("Sec-Fetch-Site", "cross-site")
		req.Header.Set("Content-Type", "application/json")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		text := string(raw)
		if err != nil || resp.StatusCode != test.status || resp.Header.Get("Access-Control-Allow-Origin") != test.allow || !strings.Contains(text, test.says) ||
			!strings.Contains(resp.Header.Get("Vary"), "Origin") || resp.Header.Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("%s from %s of %.80s: %s %v %s", test.method, test.origin, test.body, resp.Status, resp.Header, text)
		}
	}
	if to, said := w.mailed(); to != "p@example.org" || !strings.Contains(said["subject"], "港口新闻") {
		t.Errorf("mail to %s: %v", to, said)
	}
}

// The page of a form tells what is wrong with it, shows what to put on other sites, and
// keeps what the form said.
func TestFormPage(t *testing.T) {
	w := newWorld(t)
	w.subscribe("old@example.org", "{}", "news")
	w.admin.get("/lists/1/forms/new", http.StatusOK)
	text, _ := w.admin.post("/lists/1/forms", http.StatusUnprocessableEntity,
		"from", "nobody", "title-en", "", "consent-en", "x", "field-0", "First Name", "redirect", "javascript:alert(1)", "origins", "https://a.example/path")
	for _, words := range []string{"must be an address such as", "must have 1 to 100", "use each once", "begins with https://", "write them like"} {
		if !strings.Contains(text, words) {
			t.Errorf("the page does not say %q", words)
		}
	}
	if text, _ := w.admin.post("/lists/1/forms", http.StatusUnprocessableEntity, "from", "a@example.org"); !strings.Contains(text, "write them in one language") {
		t.Error(text)
	}
	f, page := w.joinForm(1)
	text = w.admin.get(fmt.Sprintf("/forms/%d", f.ID), http.StatusOK)
	for _, words := range []string{"https://news.example" + page, `&lt;input name=&#34;city&#34;`, "Version 1"} {
		if !strings.Contains(strings.ReplaceAll(text, `"`, "&#34;"), words) {
			t.Errorf("the page does not have %q:\n%s", words, text)
		}
	}
	w.admin.post(fmt.Sprintf("/forms/%d", f.ID), http.StatusUnprocessableEntity, "from", "x")
	w.admin.post(fmt.Sprintf("/forms/%d", f.ID), http.StatusSeeOther, "from", f.From, "title-en", "Other", "consent-en", "Other words")
	now, err := w.app.SignUps.Form(t.Context(), f.ID)
	before, err2 := w.db.FormVersion(t.Context(), f.ID, 1)
	if err != nil || err2 != nil || now.Version != 2 || now.Texts["en"].Consent != "Other words" || len(now.Texts) != 1 || before.Texts["en"].Consent != "Send me <b>Harbour News</b>" {
		t.Errorf("%+v, before %+v, %v %v", now, before, err, err2)
	}
	if text := w.as(account.Viewer).get(fmt.Sprintf("/forms/%d", f.ID), http.StatusOK); strings.Contains(text, `name="consent-en"`) {
		t.Error("a viewer is offered to change it")
	}
	if text := w.admin.get("/lists/1", http.StatusOK); !strings.Contains(text, fmt.Sprintf(`href="/forms/%d"`, f.ID)) {
		t.Error("the list's page does not show its form")
	}
}
