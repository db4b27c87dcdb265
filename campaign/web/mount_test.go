package web

import (
	"net/http"
	"strings"
	"testing"

	"broadside/campaign/account"
)

// What pages and API call the same needs the same permission.
func TestAPINeedsWhatPagesNeed(t *testing.T) {
	w := newWorld(t)
	needs := map[string]account.Permission{}
	for _, r := range w.app.routed {
		needs[r.action] = r.need
	}
	same := 0
	for _, op := range w.app.api.Operations() {
		need, ok := needs[op.Action]
		if !ok || op.Action == "" {
			continue
		}
		if same++; need != op.Need {
			t.Errorf("%s: the page needs %s, the API %s", op.Action, need, op.Need)
		}
	}
	if same < 20 {
		t.Errorf("only %d actions have one name", same)
	}
}

// A browser that is signed in asks the API with its session, as far as its role goes,
// and not for another site.
func TestAPIInTheBrowser(t *testing.T) {
	w := newWorld(t)
	body := func() *strings.Reader { return strings.NewReader(`{"name":"news"}`) }
	w.admin.get("/api/v1/lists", http.StatusOK)
	if resp, text := w.admin.do("POST", "/api/v1/lists", body(), http.Header{"Sec-Fetch-Site": {"cross-site"}}); resp.StatusCode != http.StatusForbidden {
		t.Errorf("from another site: %s %s", resp.Status, text)
	}
	if resp, text := w.as(account.Viewer).do("POST", "/api/v1/lists", body(), nil); resp.StatusCode != http.StatusForbidden || !strings.Contains(text, "needs the permission lists") {
		t.Errorf("a viewer: %s %s", resp.Status, text)
	}
	if resp, text := w.admin.do("POST", "/api/v1/lists", body(), nil); resp.StatusCode != http.StatusCreated {
		t.Errorf("an admin: %s %s", resp.Status, text)
	}
	if resp, _ := w.browser().do("GET", "/api/v1/lists", nil, nil); resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("nobody: %s", resp.Status)
	}
	// A token that is no token is not forgiven for the sake of the session beside it.
	if resp, _ := w.admin.do("GET", "/api/v1/lists", nil, http.Header{"Authorization": {"Bearer bsd_nonsense"}}); resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("a wrong token in a browser: %s", resp.Status)
	}
	if log := w.admin.get("/audit", http.StatusOK); !strings.Contains(log, "create list") {
		t.Error("the audit log does not have what came through the API")
	}
}
