package web

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"broadside/campaign/account"
	"broadside/campaign/account/openid"
	"broadside/campaign/account/openid/openidtest"
	"broadside/store"
)

// openWorld is the pages with a provider that signs Ann in, who is the admin here.
type openWorld struct {
	*world
	provider *openidtest.Provider
	now      time.Time // of the pages' provider, as it sees tokens
}

func newOpenWorld(t *testing.T, rules account.Rules) *openWorld {
	t.Helper()
	p, err := openidtest.New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	w := &openWorld{newWorld(t), p, time.Time{}}
	w.useProvider(rules)
	return w
}

func (w *openWorld) useProvider(rules account.Rules) {
	w.app.Accounts.UseProvider(rules)
	w.app.OpenID = NewSignOn(openid.Config{
		Issuer: w.provider.URL, ClientID: openidtest.ClientID, ClientSecret: openidtest.ClientSecret,
		GroupsClaim: "groups", Transport: w.provider.Client().Transport,
		Now: func() time.Time {
			if w.now.IsZero() {
				return time.Now()
			}
			return w.now
		},
	}, "Harbour ID", w.srv.URL)
	w.provider.Redirect = w.srv.URL + openIDBack
}

// toProvider begins a sign-in and returns the address below ours that the provider leads
// back to.
func (b *browser) toProvider(p *openidtest.Provider, next string) (back string) {
	b.w.Helper()
	resp, text := b.do("GET", "/login/openid?"+url.Values{"next": {next}}.Encode(), nil, nil)
	if resp.StatusCode != http.StatusSeeOther || !strings.HasPrefix(resp.Header.Get("Location"), p.URL+"/authorize?") {
		b.w.Fatalf("begin: %s to %q\n%s", resp.Status, resp.Header.Get("Location"), text)
	}
	there := p.Client()
	there.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	asked, err := there.Get(resp.Header.Get("Location"))
	if err != nil {
		b.w.Fatal(err)
	}
	defer asked.Body.Close()
	back, ok := strings.CutPrefix(asked.Header.Get("Location"), b.w.srv.URL)
	if !ok {
		b.w.Fatalf("the provider: %s to %q", asked.Status, asked.Header.Get("Location"))
	}
	return back
}

// come comes back from the provider, and returns the status, where it leads and the page.
func (b *browser) come(back string) (status int, location, page string) {
	b.w.Helper()
	resp, text := b.do("GET", back, nil, http.Header{"Sec-Fetch-Site": {"cross-site"}, "Sec-Fetch-Mode": {"navigate"}})
	return resp.StatusCode, resp.Header.Get("Location"), text
}

// enters wants the person let in.
func (w *openWorld) enters() *browser {
	w.Helper()
	b := w.browser()
	if status, location, page := b.come(b.toProvider(w.provider, "/lists")); status != http.StatusSeeOther || location != "/lists" {
		w.Fatalf("%d to %q\n%s", status, location, page)
	}
	return b
}

// turnedAway wants a refusal on the page of signing in, with words and without a session.
func (w *openWorld) turnedAway(status int, words string) {
	w.Helper()
	b := w.browser()
	got, _, page := b.come(b.toProvider(w.provider, "/lists"))
	w.refused(b, status, words, got, page)
}

func (w *openWorld) refused(b *browser, status int, words string, got int, page string) {
	w.Helper()
	if got != status || !strings.Contains(page, words) || !strings.Contains(page, "Continue with Harbour ID") {
		w.Errorf("%d, want %d with %q\n%s", got, status, words, page)
	}
	if strings.Contains(page, "eyJ") || strings.Contains(page, "an-access-token") || strings.Contains(page, openidtest.ClientSecret) {
		w.Errorf("the page holds a secret:\n%s", page)
	}
	b.get("/lists", http.StatusSeeOther)
}

func (w *openWorld) user(email string) account.User {
	w.Helper()
	u, err := w.db.UserByEmail(context.Background(), email)
	if err != nil {
		w.Fatal(err)
	}
	return u
}

func (w *openWorld) lastEntry() account.Entry {
	w.Helper()
	entries, err := w.app.Accounts.Entries(context.Background(), 0, 1)
	if err != nil || len(entries) == 0 {
		w.Fatalf("%v %v", entries, err)
	}
	return entries[0]
}

func TestOpenID(t *testing.T) {
	w := newOpenWorld(t, account.Rules{})
	if page := w.browser().get("/login?next=/runs/7", http.StatusOK); !strings.Contains(page, w.srv.URL+"/login/openid?next=%2fruns%2f7") && !strings.Contains(page, w.srv.URL+"/login/openid?next=%2Fruns%2F7") {
		t.Errorf("no button:\n%s", page)
	}
	b := w.enters()
	if page := b.get("/account", http.StatusOK); !strings.Contains(page, "ann@example.org") || !strings.Contains(page, "You sign in with Harbour ID") {
		t.Errorf("somebody else:\n%s", page)
	}
	if u := w.user("ann@example.org"); u.Issuer != w.provider.URL || u.Subject != "248289761001" || u.Role != account.Admin {
		t.Errorf("bound %+v", u)
	}
	if e := w.lastEntry(); e.Action != "sign in" || e.Who != "ann@example.org" || e.Object != "ann@example.org: bound to the provider" || e.Status != http.StatusSeeOther {
		t.Errorf("audit %+v", e)
	}
	// From now on the subject is who it is, whatever becomes of the address.
	w.provider.Person["email"] = "ann.harbour@example.com"
	w.provider.Person["email_verified"] = false
	again := w.enters()
	if page := again.get("/account", http.StatusOK); !strings.Contains(page, "ann@example.org") {
		t.Errorf("somebody else:\n%s", page)
	}
	if e := w.lastEntry(); e.Object != "ann@example.org" {
		t.Errorf("audit %+v", e)
	}
	if page := w.admin.get("/users", http.StatusOK); !strings.Contains(page, "Harbour ID or password") {
		t.Errorf("the page of users does not say how Ann signs in:\n%s", page)
	}
	// Signing out ends our session, and offers to end the other one.
	if _, location := again.post("/logout", http.StatusSeeOther); location != "/login?left=yes" {
		t.Errorf("leads to %q", location)
	}
	again.get("/lists", http.StatusSeeOther)
	if page := again.get("/login?left=yes", http.StatusOK); !strings.Contains(page, w.provider.URL+"/leave?client_id=broadside") {
		t.Errorf("no way to leave the provider:\n%s", page)
	}
	if n := w.provider.Asked("/.well-known/openid-configuration"); n != 1 {
		t.Errorf("the description was fetched %d times", n)
	}
}

// Whoever is not certain to be the person that the provider means stays out.
func TestOpenIDDoubts(t *testing.T) {
	w := newOpenWorld(t, account.Rules{Newcomers: account.Viewer})
	const doubt = "The answer of Harbour ID could not be verified"
	header := func(name string, v any) func(h, c map[string]any) { return func(h, _ map[string]any) { h[name] = v } }
	claim := func(name string, v any) func(h, c map[string]any) { return func(_, c map[string]any) { c[name] = v } }
	for name, tamper := range map[string]func(h, c map[string]any){
		"another nonce":                 claim("nonce", "aaaaaaaaaaaaaaaaaaaaaaaaaa"),
		"no nonce":                      func(_, c map[string]any) { delete(c, "nonce") },
		"another audience":              claim("aud", "somebody-else"),
		"another party":                 claim("azp", "somebody-else"),
		"several audiences, no party":   claim("aud", []string{"broadside", "somebody-else"}),
		"another issuer":                claim("iss", "https://evil.example"),
		"expired":                       claim("exp", time.Now().Add(-time.Second).Unix()),
		"no expiry":                     func(_, c map[string]any) { delete(c, "exp") },
		"not valid yet":                 claim("nbf", time.Now().Add(time.Hour).Unix()),
		"another subject than UserInfo": claim("sub", "somebody-else"),
		"another access token":          claim("at_hash", "AAAAAAAAAAAAAAAAAAAAAA"),
		"no algorithm":                  header("alg", "none"),
		"a secret's algorithm":          header("alg", "HS256"),
		"a key that is not the token's": header("kid", "rs"),
		"an unknown key":                header("kid", "nobody's"),
	} {
		t.Run(name, func(t *testing.T) {
			w.provider.Tamper = tamper
			w.turnedAway(http.StatusForbidden, doubt)
		})
	}
	w.provider.Tamper = nil
	w.provider.Forged = true
	w.turnedAway(http.StatusForbidden, doubt)
	w.provider.Forged, w.provider.Unsigned = false, true
	w.turnedAway(http.StatusForbidden, doubt)
	w.provider.Tamper = header("alg", "none")
	w.turnedAway(http.StatusForbidden, doubt)
	w.provider.Tamper, w.provider.Unsigned = nil, false
	w.now = time.Now().Add(6 * time.Minute) // five after it was made a token is over
	w.turnedAway(http.StatusForbidden, doubt)
	w.now = time.Time{}
	w.provider.Tamper = func(h, _ map[string]any) { h["alg"], h["kid"] = "RS256", "rs" }
	w.enters()
	if e := w.lastEntry(); e.Status != http.StatusSeeOther {
		t.Errorf("audit %+v", e)
	}
}

// An answer is good once, in the browser that asked.
func TestOpenIDAnswers(t *testing.T) {
	w := newOpenWorld(t, account.Rules{})
	const stale = "begun elsewhere or too long ago"
	victim, thief := w.browser(), w.browser()
	back := victim.toProvider(w.provider, "/lists")

	// In another browser it is worth nothing, with or without a sign-in of its own.
	status, _, page := thief.come(back)
	w.refused(thief, http.StatusBadRequest, stale, status, page)
	own := thief.toProvider(w.provider, "/lists")
	status, _, page = thief.come(back)
	w.refused(thief, http.StatusBadRequest, stale, status, page)

	// A stolen code in an answer to the thief's own question fails for its verifier.
	mine, theirs := query(t, back), query(t, own)
	theirs.Set("code", mine.Get("code"))
	status, _, page = thief.come(openIDBack + "?" + theirs.Encode())
	w.refused(thief, http.StatusForbidden, "could not be verified", status, page)

	// The wrong state does not use the right one up; the code was, by the thief.
	for _, state := range []string{"", "wrong", mine.Get("state") + "x"} {
		changed := query(t, back)
		changed.Set("state", state)
		status, _, page = victim.come(openIDBack + "?" + changed.Encode())
		w.refused(victim, http.StatusBadRequest, stale, status, page)
	}
	status, _, page = victim.come(back)
	w.refused(victim, http.StatusForbidden, "could not be verified", status, page)
	back = victim.toProvider(w.provider, "/lists")
	if status, location, page := victim.come(back); status != http.StatusSeeOther || location != "/lists" {
		t.Fatalf("%d to %q\n%s", status, location, page)
	}
	// Once more is once too often, also for who is signed in.
	if status, _, page := victim.come(back); status != http.StatusBadRequest || !strings.Contains(page, "too long ago") {
		t.Errorf("again: %d\n%s", status, page)
	}
	// What another provider says in this one's place is not listened to (RFC 9207).
	b := w.browser()
	status, _, page = b.come(b.toProvider(w.provider, "/") + "&iss=https%3A%2F%2Fevil.example")
	w.refused(b, http.StatusForbidden, "could not be verified", status, page)
	b = w.browser()
	state := query(t, b.toProvider(w.provider, "/")).Get("state")
	status, _, page = b.come(openIDBack + "?error=access_denied&error_description=%3Cscript%3Ealert(1)&state=" + state)
	w.refused(b, http.StatusForbidden, "Harbour ID did not sign you in", status, page)
	if strings.Contains(page, "script>alert") {
		t.Error("the page repeats what the address says")
	}
}

func query(t *testing.T, address string) url.Values {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return u.Query()
}

// A session that was planted is worth nothing, neither at the beginning nor after.
func TestOpenIDFixation(t *testing.T) {
	w := newOpenWorld(t, account.Rules{})
	b := w.browser()
	cookie := func() string {
		t.Helper()
		u, err := url.Parse(w.srv.URL)
		if err != nil {
			t.Fatal(err)
		}
		cookies := b.client.Jar.Cookies(u)
		i := slices.IndexFunc(cookies, func(c *http.Cookie) bool { return c.Name == "broadside" })
		if i < 0 {
			return ""
		}
		return cookies[i].Value
	}
	first := b.toProvider(w.provider, "/")
	planted := cookie()
	back := b.toProvider(w.provider, "/") // over the planted session
	attempt := cookie()
	if planted == "" || attempt == planted {
		t.Errorf("the attempt is in the session that was there: %q", planted)
	}
	if status, _, _ := b.come(first); status != http.StatusBadRequest {
		t.Errorf("the answer to the first question: %d", status)
	}
	if status, _, page := b.come(back); status != http.StatusSeeOther {
		t.Fatalf("%d\n%s", status, page)
	}
	if cookie() == attempt {
		t.Error("the session was not renewed")
	}
	for _, old := range []string{planted, attempt} {
		if resp, _ := w.browser().do("GET", "/lists", nil, http.Header{"Cookie": {"broadside=" + old}}); resp.StatusCode != http.StatusSeeOther {
			t.Errorf("an old session is signed in: %s", resp.Status)
		}
	}
}

// Wherever a sign-in leads, it is here.
func TestOpenIDLeadsHere(t *testing.T) {
	w := newOpenWorld(t, account.Rules{})
	for _, next := range []string{"https://evil.example/", "//evil.example", `/\evil.example`, "javascript:alert(1)", "/\t/evil.example", ""} {
		b := w.browser()
		if status, location, _ := b.come(b.toProvider(w.provider, next)); status != http.StatusSeeOther || location != "/" {
			t.Errorf("%q leads to %q", next, location)
		}
		if resp, _ := b.do("GET", "/login/openid?"+url.Values{"next": {next}}.Encode(), nil, nil); resp.Header.Get("Location") != "/" {
			t.Errorf("%q leads who is signed in to %q", next, resp.Header.Get("Location"))
		}
	}
}

// Who may enter, and as what.
func TestOpenIDPeople(t *testing.T) {
	w := newOpenWorld(t, account.Rules{Domains: []string{"example.org"}})
	person := func(pairs ...any) {
		w.provider.Person = map[string]any{"sub": "eve", "email": "eve@example.org", "email_verified": true}
		for i := 0; i < len(pairs); i += 2 {
			w.provider.Person[pairs[i].(string)] = pairs[i+1]
		}
	}
	person("email_verified", false, "email", "ann@example.org")
	w.turnedAway(http.StatusForbidden, "Addresses of your domain")
	person("email", "eve@evil.example")
	w.turnedAway(http.StatusForbidden, "Addresses of your domain")
	person("email", "eve@sub.example.org")
	w.turnedAway(http.StatusForbidden, "Addresses of your domain")
	w.useProvider(account.Rules{})
	person("email_verified", false, "email", "ann@example.org")
	w.turnedAway(http.StatusForbidden, "does not confirm that the address is yours")
	person("email_verified", nil, "email", "ann@example.org")
	w.turnedAway(http.StatusForbidden, "does not confirm")
	person()
	w.turnedAway(http.StatusForbidden, "Nobody has invited you")
	if e := w.lastEntry(); e.Action != "sign in" || e.Object != "eve@example.org" || e.Status != http.StatusForbidden || e.User != 0 {
		t.Errorf("audit %+v", e)
	}
	w.admin.post("/users", http.StatusOK, "email", "eve@example.org", "name", "Eve", "role", "author")
	w.enters()
	if u := w.user("eve@example.org"); u.Role != account.Author || u.Invite != nil || u.Subject != "eve" {
		t.Errorf("invited %+v", u)
	}
	// Another account of the provider with the same address is not this person, until an
	// admin says so.
	person("sub", "eve-2")
	w.turnedAway(http.StatusForbidden, "belongs to another account")
	id := w.user("eve@example.org").ID
	w.admin.post(userPath(id)+"/release", http.StatusSeeOther)
	b := w.enters()
	// Who is disabled is out at once, and stays out.
	w.admin.post(userPath(id), http.StatusSeeOther, "name", "Eve", "role", "author", "disabled", "on")
	b.get("/lists", http.StatusSeeOther)
	w.turnedAway(http.StatusForbidden, "Your account here is disabled")

	w.useProvider(account.Rules{Newcomers: account.Viewer})
	person("sub", "fay", "email", "Fay@Example.org", "given_name", "Fay\x00", "family_name", strings.Repeat("y", 200))
	fay := w.enters()
	if e := w.lastEntry(); e.Object != "fay@example.org: new, as viewer" {
		t.Errorf("audit %+v", e)
	}
	fay.get("/users", http.StatusForbidden)
	if u := w.user("fay@example.org"); u.Role != account.Viewer || len(u.Name) != 100 || u.Password != "" {
		t.Errorf("new %+v", u)
	}
}

func userPath(id account.UserID) string { return fmt.Sprintf("/users/%d", id) }

// With groups the provider decides, anew at each sign-in.
func TestOpenIDRoles(t *testing.T) {
	w := newOpenWorld(t, account.Rules{Roles: map[string]account.Role{"desk": account.Author, "chiefs": account.Admin, "readers": account.Viewer}, Admins: []string{"gus@example.org"}})
	as := func(groups any) {
		w.provider.Person = map[string]any{"sub": "fay", "email": "fay@example.org", "email_verified": true, "groups": groups}
	}
	if page := w.admin.get("/users", http.StatusOK); !strings.Contains(page, "groups at Harbour ID") {
		t.Errorf("the page of users does not say where roles come from:\n%s", page)
	}
	as([]string{"others"})
	w.turnedAway(http.StatusForbidden, "None of your groups")
	as([]any{"readers", 7, "desk", nil})
	b := w.enters()
	if u := w.user("fay@example.org"); u.Role != account.Author {
		t.Errorf("of two groups: %s", u.Role)
	}
	b.get("/users", http.StatusForbidden)
	as("chiefs")
	chief := w.enters()
	if e := w.lastEntry(); e.Object != "fay@example.org: was author, is admin" {
		t.Errorf("audit %+v", e)
	}
	chief.get("/users", http.StatusOK)
	b.get("/lists", http.StatusSeeOther) // a session of another role is over
	as(map[string]any{"readers": true})
	w.enters()
	if u := w.user("fay@example.org"); u.Role != account.Viewer {
		t.Errorf("of an object: %s", u.Role)
	}
	as(nil)
	w.turnedAway(http.StatusForbidden, "None of your groups")
	// UserInfo tells what the token does not.
	delete(w.provider.Person, "groups")
	w.provider.Info = map[string]any{"groups": []string{"desk"}}
	w.enters()
	if u := w.user("fay@example.org"); u.Role != account.Author {
		t.Errorf("by UserInfo: %s", u.Role)
	}
	w.provider.Info = map[string]any{"sub": "somebody-else", "groups": []string{"chiefs"}}
	w.turnedAway(http.StatusForbidden, "could not be verified")
	w.provider.Info = nil
	w.provider.Person = map[string]any{"sub": "gus", "email": "gus@example.org", "email_verified": true}
	w.enters().get("/users", http.StatusOK)
}

// What is said of one address is not believed of another.
func TestOpenIDUserInfo(t *testing.T) {
	w := newOpenWorld(t, account.Rules{})
	w.provider.Person = map[string]any{"sub": "ann"}
	w.provider.Info = map[string]any{"email": "ann@example.org", "email_verified": "true", "name": "Ann"}
	w.enters()
	w.admin.post("/users/1/release", http.StatusSeeOther)
	w.provider.Person = map[string]any{"sub": "eve", "email": "ann@example.org"}
	w.provider.Info = map[string]any{"email": "eve@evil.example", "email_verified": true}
	w.turnedAway(http.StatusForbidden, "does not confirm")
	w.provider.Person = map[string]any{"sub": "eve", "email_verified": true}
	w.provider.Info = map[string]any{"email": "ann@example.org"}
	w.turnedAway(http.StatusForbidden, "does not confirm")
}

// A provider that is down, slow or hostile hurts nobody else.
func TestOpenIDDown(t *testing.T) {
	w := newOpenWorld(t, account.Rules{})
	const discovery = "/.well-known/openid-configuration"
	huge := func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", "application/json")
		for range 100 {
			_, _ = rw.Write([]byte(strings.Repeat(" ", 1<<16)))
		}
		_, _ = rw.Write([]byte("{}"))
	}
	broken := func(rw http.ResponseWriter, _ *http.Request) { http.Error(rw, "out of order", http.StatusBadGateway) }
	away := func(rw http.ResponseWriter, r *http.Request) {
		http.Redirect(rw, r, "https://evil.example/", http.StatusTemporaryRedirect)
	}
	for name, h := range map[string]http.HandlerFunc{"huge": huge, "broken": broken, "elsewhere": away} {
		w.useProvider(account.Rules{})
		w.provider.Instead = map[string]http.HandlerFunc{discovery: h}
		b := w.browser()
		resp, page := b.do("GET", "/login/openid?next=/lists", nil, nil)
		w.refused(b, http.StatusServiceUnavailable, "Harbour ID cannot be reached", resp.StatusCode, page)
		before := w.provider.Asked(discovery)
		b.get("/login/openid", http.StatusServiceUnavailable)
		if w.provider.Asked(discovery) != before {
			t.Errorf("%s: it is not left alone", name)
		}
		w.now = time.Now().Add(time.Minute)
		w.provider.Instead = nil
		b.toProvider(w.provider, "/")
		w.now = time.Time{}
		for _, path := range []string{"/token", "/keys"} {
			w.useProvider(account.Rules{})
			w.provider.Instead = map[string]http.HandlerFunc{path: h}
			b = w.browser()
			status, _, page := b.come(b.toProvider(w.provider, "/"))
			if status != http.StatusServiceUnavailable && status != http.StatusForbidden {
				t.Errorf("%s %s: %d\n%s", name, path, status, page)
			}
			w.refused(b, status, "Harbour ID", status, page)
		}
	}
	w.provider.Instead = nil
	w.provider.Describe = func(d map[string]any) { d["token_endpoint"] = "http://evil.example/token" }
	w.useProvider(account.Rules{})
	w.browser().get("/login/openid", http.StatusServiceUnavailable)
	w.provider.Describe = func(d map[string]any) { d["issuer"] = "https://evil.example" }
	w.useProvider(account.Rules{})
	w.browser().get("/login/openid", http.StatusServiceUnavailable)
	w.provider.Close()
	w.useProvider(account.Rules{})
	w.browser().get("/login/openid", http.StatusServiceUnavailable)
	w.browser().post("/login", http.StatusSeeOther, "email", "ann@example.org", "password", testPassword)
}

// Where passwords do not count, an admin whom the command lets in has one all the same.
func TestOpenIDOnly(t *testing.T) {
	w := newOpenWorld(t, account.Rules{NoPasswords: true})
	ctx := context.Background()
	b := w.browser()
	if page := b.get("/login", http.StatusOK); strings.Contains(page, `name="password"`) || !strings.Contains(page, "Continue with Harbour ID") {
		t.Errorf("asks for a password:\n%s", page)
	}
	b.post("/login", http.StatusForbidden, "email", "ann@example.org", "password", testPassword)
	if text, _ := w.admin.post("/users", http.StatusSeeOther, "email", "bob@example.org", "name", "Bob", "role", "author"); strings.Contains(text, "/welcome") {
		t.Errorf("a link for a password:\n%s", text)
	}
	w.admin.post("/users/2/invite", http.StatusUnprocessableEntity)
	if _, _, err := w.app.Accounts.LetIn(ctx, "bob@example.org", false, time.Hour); err == nil {
		t.Error("an author is let in")
	}
	_, secret, err := w.app.Accounts.LetIn(ctx, "ann@example.org", false, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if page := b.get("/login", http.StatusOK); !strings.Contains(page, `name="password"`) {
		t.Errorf("asks for no password:\n%s", page)
	}
	until := w.user("ann@example.org").LetInUntil
	ends := func(b *browser, method, path string, form url.Values) time.Time {
		t.Helper()
		resp, page := b.do(method, path, strings.NewReader(form.Encode()), http.Header{"Content-Type": {"application/x-www-form-urlencoded"}})
		for _, c := range resp.Cookies() {
			if c.Name == sessionCookie(false) && resp.StatusCode == http.StatusSeeOther {
				return c.Expires
			}
		}
		t.Fatalf("%s: %s, %v\n%s", path, resp.Status, resp.Cookies(), page)
		panic("not reached")
	}
	const password, fresh = "a lighthouse in the sun", "a harbour in the morning"
	other := w.browser()
	for _, end := range []time.Time{
		ends(b, "POST", "/welcome", url.Values{"token": {secret}, "password": {password}, "zone": {"UTC"}}),
		ends(other, "POST", "/login", url.Values{"email": {"ann@example.org"}, "password": {password}}),
		ends(b, "POST", "/account/password", url.Values{"present": {password}, "password": {fresh}}),
	} {
		if end.After(until) || end.Before(until.Add(-time.Minute)) {
			t.Errorf("who is let in until %s has a session until %s", until, end)
		}
	}
	b.get("/users", http.StatusOK)
	c := w.browser()
	if end := ends(c, "GET", c.toProvider(w.provider, "/"), nil); !end.After(until.Add(time.Hour)) {
		t.Errorf("who came by way of the provider has a session until %s", end)
	}
}

// Setting out is limited by network, and coming back takes that back.
func TestOpenIDRate(t *testing.T) {
	w := newOpenWorld(t, account.Rules{})
	for range 40 {
		w.enters()
	}
	for range 40 { // images on somebody else's page
		image, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.srv.URL+"/login/openid", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		image.Header.Set("Sec-Fetch-Mode", "no-cors")
		resp, err := w.browser().client.Do(image)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusBadRequest {
			t.Fatalf("an image: %s", resp.Status)
		}
	}
	for range 30 {
		w.browser().get("/login/openid", http.StatusSeeOther)
	}
	w.browser().get("/login/openid", http.StatusTooManyRequests)
}

// The first user is an admin, by a link or by name.
func TestOpenIDFirst(t *testing.T) {
	w := newOpenWorld(t, account.Rules{Newcomers: account.Viewer, Admins: []string{"gus@example.org"}})
	fresh := newEmptyStore(t)
	w.app.Accounts = account.New(fresh, []byte("setup"), time.Now)
	w.useProvider(account.Rules{Newcomers: account.Viewer, Admins: []string{"gus@example.org"}})
	w.turnedAway(http.StatusForbidden, "Broadside is not set up yet")
	w.provider.Person = map[string]any{"sub": "gus", "email": "gus@example.org", "email_verified": true}
	w.enters().get("/users", http.StatusOK)
	if secret, err := w.app.Accounts.SetupSecret(context.Background()); err != nil || secret != "" {
		t.Errorf("the link still works: %q %v", secret, err)
	}
}

func newEmptyStore(t *testing.T) *store.DB {
	t.Helper()
	db, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "empty.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}
