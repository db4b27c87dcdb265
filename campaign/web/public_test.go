package web

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// Whoever has a link that was cut reads a page that says so, in the browser's language.
func TestLinksThatLeadNowhere(t *testing.T) {
	w := newWorld(t)
	for _, path := range []string{"/u/", "/u/none/more/of/it", "/join/", "/join/news/more", "/confirm/", "/confirm/none/more"} {
		for lang, want := range map[string]string{"en": "This link leads nowhere", "zh": "无法打开此链接"} {
			resp, text := w.stranger("GET", path+"?lang="+lang, "", "")
			if resp.StatusCode != http.StatusNotFound || !strings.Contains(text, "</svg><h1>"+want+"</h1>") {
				t.Errorf("%s in %s: %s\n%s", path, lang, resp.Status, text)
			}
		}
	}
	for status, want := range map[int]string{http.StatusNotFound: "This link leads nowhere", http.StatusServiceUnavailable: "Please try again in a minute"} {
		rec := httptest.NewRecorder()
		LinkRefused(slog.New(slog.DiscardHandler))(rec, httptest.NewRequest("GET", "/c/none", nil), status)
		if rec.Code != status || !strings.Contains(rec.Body.String(), want) {
			t.Errorf("%d: %d\n%s", status, rec.Code, rec.Body)
		}
	}
}
