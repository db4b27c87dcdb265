package web

import (
	"net/http"
	"strings"
	"testing"

	"broadside/campaign/account"
)

// Each role meets each route: what it may not do is refused before anything happens,
// and who is not signed in is sent to do so.
func TestRoleMatrix(t *testing.T) {
	w := newWorld(t)
	browsers := map[account.Role]*browser{}
	for _, role := range []account.Role{account.Viewer, account.Author, account.Editor} {
		browsers[role] = w.as(role)
	}
	browsers[account.Admin] = w.admin
	nobody := w.browser()
	for _, r := range w.app.routed {
		method, path, ok := strings.Cut(r.pattern, " ")
		if !ok {
			continue // the page for what is not there
		}
		path = strings.NewReplacer("{$}", "", "{id}", "999999", "{name}", "none", "{key}", "999999", "{import}", "1").Replace(path)
		for role, b := range browsers {
			if role == account.Admin && method != "GET" {
				continue // it would do it
			}
			resp, text := b.do(method, path, nil, nil)
			refused := resp.StatusCode == http.StatusForbidden
			if want := role.May()&r.need != r.need; refused != want || resp.StatusCode == http.StatusInternalServerError {
				t.Errorf("%s to %s: %s\n%s", role, r.pattern, resp.Status, text)
			}
		}
		want := http.StatusUnauthorized
		if method == "GET" {
			want = http.StatusSeeOther
		}
		if resp, _ := nobody.do(method, path, nil, nil); resp.StatusCode != want {
			t.Errorf("nobody to %s: %s, want %d", r.pattern, resp.Status, want)
		}
		if (method == "GET") != (r.action == "") {
			t.Errorf("%s is called %q in the audit log: what changes something has a name there, and nothing else", r.pattern, r.action)
		}
	}
}

// What cannot be changed of a user is said at that user, among all the others.
func TestLastAdminStays(t *testing.T) {
	w := newWorld(t)
	w.as(account.Editor)
	text, _ := w.admin.post("/users/1", http.StatusUnprocessableEntity, "name", "Ann", "role", "viewer")
	if i := strings.Index(text, "Not saved: role: is the last admin"); strings.Count(text, "Not saved") != 1 || i < strings.Index(text, `id="user-1"`) || i > strings.Index(text, `id="user-2"`) {
		t.Errorf("it is not said beside the user: %s", text)
	}
}

func TestSignInAndOut(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	if _, location := b.post("/login", http.StatusSeeOther, "email", "ann@example.org", "password", testPassword, "next", "https://evil.example/"); location != "/" {
		t.Errorf("leads to %q", location)
	}
	b.get("/", http.StatusOK)
	b.post("/logout", http.StatusSeeOther)
	b.get("/", http.StatusSeeOther)
	if text, _ := b.post("/login", http.StatusUnprocessableEntity, "email", "ann@example.org", "password", "wrong"); !strings.Contains(text, "is wrong") {
		t.Errorf("no reason beside the field: %s", text)
	}
	log := w.admin.get("/audit", http.StatusOK)
	for _, words := range []string{"set up", "sign in", "sign out", "ann@example.org", "422"} {
		if !strings.Contains(log, words) {
			t.Errorf("the audit log does not have %q", words)
		}
	}
}

// A session that was planted before signing in is worth nothing afterwards.
func TestSessionFixation(t *testing.T) {
	w := newWorld(t)
	planted := http.Header{"Cookie": {"broadside=planted-by-somebody-else"}, "Content-Type": {"application/x-www-form-urlencoded"}}
	b := w.browser()
	resp, _ := b.do("POST", "/login", strings.NewReader("email=ann@example.org&password="+strings.ReplaceAll(testPassword, " ", "+")), planted)
	if c := resp.Cookies(); resp.StatusCode != http.StatusSeeOther || len(c) != 1 || c[0].Value == "planted-by-somebody-else" || !c[0].HttpOnly {
		t.Fatalf("%s %v", resp.Status, c)
	}
	if resp, _ := w.browser().do("GET", "/", nil, planted); resp.StatusCode != http.StatusSeeOther {
		t.Errorf("the planted session is signed in: %s", resp.Status)
	}
}

// Another password ends every session that was begun with the old one.
func TestPasswordEndsSessions(t *testing.T) {
	w := newWorld(t)
	other := w.browser()
	other.post("/login", http.StatusSeeOther, "email", "ann@example.org", "password", testPassword)
	other.get("/", http.StatusOK)
	w.admin.post("/account/password", http.StatusSeeOther, "present", testPassword, "password", "a lighthouse in the sun")
	w.admin.get("/", http.StatusOK)
	other.get("/", http.StatusSeeOther)
}

func TestOtherSites(t *testing.T) {
	w := newWorld(t)
	for _, origin := range []http.Header{{"Sec-Fetch-Site": {"cross-site"}}, {"Sec-Fetch-Site": {"same-site"}}, {"Sec-Fetch-Site": nil, "Origin": {"https://evil.example"}}} {
		if resp, _ := w.admin.do("POST", "/users", strings.NewReader(""), origin); resp.StatusCode != http.StatusForbidden {
			t.Errorf("%v: %s", origin, resp.Status)
		}
	}
	resp, _ := w.admin.do("GET", "/", nil, nil)
	for name, words := range map[string]string{"Content-Security-Policy": "frame-ancestors 'none'", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin", "Cache-Control": "no-store"} {
		if got := resp.Header.Get(name); !strings.Contains(got, words) {
			t.Errorf("%s: %q", name, got)
		}
	}
	if policy := resp.Header.Get("Content-Security-Policy"); strings.Contains(policy, "unsafe") {
		t.Errorf("policy %q", policy)
	}
}

// What people type is text wherever it is shown.
func TestNamesAreText(t *testing.T) {
	w := newWorld(t)
	const nasty = `"><script>alert(1)</script><img src=x onerror=alert(2)>`
	w.admin.post("/users", http.StatusOK, "email", "eve@example.org", "name", nasty, "role", "viewer")
	for _, path := range []string{"/users", "/audit", "/nothing?" + "q=%3Cscript%3E"} {
		if _, text := w.admin.do("GET", path, nil, nil); strings.Contains(text, "<script>alert") || strings.Contains(text, "<img src=x") {
			t.Errorf("%s runs it", path)
		}
	}
}
