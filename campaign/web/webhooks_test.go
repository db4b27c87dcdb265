package web

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"broadside/campaign/webhook"
)

// A webhook's life on the pages: added, tried, changed, given another secret, replayed,
// removed. Secrets are shown once.
func TestWebhookPages(t *testing.T) {
	w := newWorld(t)
	if page := w.admin.get("/webhooks", http.StatusOK); !strings.Contains(page, "Nobody is told yet") {
		t.Error("an empty list does not say what to do")
	}
	page, _ := w.admin.post("/webhooks", http.StatusUnprocessableEntity, "url", "http://example.org/", "type", "run.paused")
	if !strings.Contains(page, "must begin with https://") || !strings.Contains(page, `value="run.paused" checked`) || !strings.Contains(page, `value="http://example.org/"`) {
		t.Errorf("what was typed is lost, or not explained: %s", page)
	}
	page, _ = w.admin.post("/webhooks", http.StatusUnprocessableEntity, "url", "https://10.0.0.1/", "type", "run.paused") // X6
	if !strings.Contains(page, "not public") {
		t.Errorf("a private address is taken: %s", page)
	}
	page, _ = w.admin.post("/webhooks", http.StatusUnprocessableEntity, "url", "https://example.org/")
	if !strings.Contains(page, "choose at least one event") {
		t.Errorf("no events are taken: %s", page)
	}
	const nasty = `"><script>alert(1)</script>`
	page, _ = w.admin.post("/webhooks", http.StatusOK, "url", "https://example.org/hook", "note", nasty, "type", "run.paused", "type", "message.bounced")
	if !strings.Contains(page, "whsec_") {
		t.Fatalf("no secret: %s", page)
	}
	told := webhook.Delivery{
		Endpoint: 1, Event: "evt_1", Type: webhook.Bounced, At: time.Now(), State: webhook.Failed, Attempts: 12, Tried: time.Now(),
		Took: time.Second, Status: 502, Answer: nasty, Error: "answered 502 Bad Gateway", Body: []byte(`{"id":"evt_1","x":"` + nasty + `"}`),
	}
	if err := w.db.RecordDeliveries(t.Context(), []webhook.Delivery{told}); err != nil {
		t.Fatal(err)
	}
	for path, wants := range map[string][]string{
		"/webhooks":                   {"https://example.org/hook", "active"},
		"/webhooks/1":                 {"evt_1", "answered 502 Bad Gateway", "failed", `value="run.paused" checked`},
		"/webhooks/1?state=failed":    {"evt_1"},
		"/webhooks/1?state=delivered": {"None is delivered"},
		"/webhooks/1?state=%3Cscript": {"evt_1"},
		"/webhooks/1?before=1":        {"Nothing was told yet"},
		"/webhooks/1?before=nonsense": {"evt_1"},
	} {
		page := w.admin.get(path, http.StatusOK)
		for _, want := range wants {
			if !strings.Contains(page, want) {
				t.Errorf("%s lacks %q: %s", path, want, page)
			}
		}
		if strings.Contains(page, "whsec_") || strings.Contains(page, "<script>alert") {
			t.Errorf("%s shows a secret, or runs what somebody typed: %s", path, page)
		}
	}
	secret, _ := w.admin.post("/webhooks/1/rotate", http.StatusOK)
	if !strings.Contains(secret, "whsec_") || !strings.Contains(secret, "The old one signs, too, until") {
		t.Errorf("rotated: %s", secret)
	}
	w.admin.post("/webhooks/1", http.StatusUnprocessableEntity, "url", "https://example.org/hook")
	w.admin.post("/webhooks/1", http.StatusSeeOther, "url", "https://example.org/other", "type", "run.finished")
	w.admin.post("/webhooks/1/pause", http.StatusSeeOther)
	if e, err := w.db.WebhookByID(t.Context(), 1); err != nil || e.State != webhook.Paused || e.URL != "https://example.org/other" || len(e.Types) != 1 || len(e.OldSecret) == 0 {
		t.Errorf("%+v %v", e, err)
	}
	w.admin.post("/webhooks/1/resume", http.StatusSeeOther)
	w.admin.post("/webhooks/1/test", http.StatusSeeOther)
	w.admin.post("/webhooks/1/replay", http.StatusSeeOther, "event", "evt_1")
	w.admin.post("/webhooks/1/replay", http.StatusNotFound, "event", "evt_2")
	w.admin.post("/webhooks/1/replay", http.StatusSeeOther, "what", "failed")
	w.admin.post("/webhooks/1/replay", http.StatusSeeOther, "since", time.Now().Add(-3*time.Hour).Format(sinceLayout))
	for _, since := range []string{"", "yesterday", time.Now().AddDate(0, 0, -9).Format(sinceLayout), time.Now().AddDate(0, 0, 2).Format(sinceLayout)} {
		w.admin.post("/webhooks/1/replay", http.StatusUnprocessableEntity, "since", since)
	}
	orders, err := w.db.WebhookOrders(t.Context())
	var kinds []webhook.OrderKind
	for _, o := range orders {
		kinds = append(kinds, o.Kind)
	}
	if got, want := fmt.Sprint(kinds), "[test replay replay failed replay since]"; err != nil || got != want {
		t.Errorf("ordered %s %v, want %s", got, err, want)
	}
	w.admin.post("/webhooks/1/remove", http.StatusSeeOther)
	w.admin.get("/webhooks/1", http.StatusNotFound)
	log := w.admin.get("/audit", http.StatusOK)
	for _, words := range []string{"add webhook", "rotate webhook secret", "change webhook", "pause webhook", "resume webhook", "test webhook", "replay webhook", "remove webhook"} {
		if !strings.Contains(log, words) {
			t.Errorf("the audit log does not have %q", words)
		}
	}
	if strings.Contains(log, "whsec_") {
		t.Error("the audit log has a secret")
	}
}
