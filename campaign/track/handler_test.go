package track

import (
	"bytes"
	"context"
	"errors"
	"image/gif"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"broadside/campaign"
	"broadside/campaign/token"
)

var tokens = token.NewMaker(bytes.Repeat([]byte{1}, 32))

// links are those of run 7.
var links = []campaign.Link{
	{Number: 1, Target: "https://shop.example/spring?a=1&b=2#top", Fixed: 39},
	{Number: 2, Target: "https://shop.example/{{ name }}", Fixed: 21},
	{Number: 3, Target: "https://shop.example/größe 1", Fixed: 30},
}

func read(_ context.Context, run campaign.RunID) ([]campaign.Link, error) {
	if run != 7 {
		return nil, nil
	}
	return links, nil
}

// world is a handler behind its routes.
type world struct {
	*testing.T
	q       *queue
	handler *Handler
	mux     *http.ServeMux
	log     *lines
	stop    func()
}

func newWorld(t *testing.T) *world {
	w := &world{T: t, q: &queue{}, mux: http.NewServeMux()}
	writer, log, stop := run(t, w.q)
	w.log, w.stop = log, stop
	w.handler = NewHandler(Config{Tokens: tokens, Links: read, Writer: writer, Log: slog.New(slog.NewTextHandler(log, nil))})
	from := netip.MustParseAddr("203.0.113.9")
	w.mux.HandleFunc("GET /o/{token}", func(rw http.ResponseWriter, r *http.Request) { w.handler.Opened(rw, r, from) })
	w.mux.HandleFunc("GET /c/{token}", func(rw http.ResponseWriter, r *http.Request) { w.handler.Clicked(rw, r, from) })
	return w
}

func (w *world) get(method, path string) *http.Response {
	w.Helper()
	r := httptest.NewRequest(method, path, nil)
	r.Header.Set("User-Agent", browser)
	rec := httptest.NewRecorder()
	w.mux.ServeHTTP(rec, r)
	return rec.Result()
}

func tok(run, contact, link int64, rest string) string {
	return string(tokens.AppendHit(nil, token.Holder{Run: run, Contact: contact}, link, []byte(rest)))
}

// X7: a link leads where the campaign's table says, whatever stands in the address that
// was called.
func TestClicks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.stop()
		for path, want := range map[string]string{
			"/c/" + tok(7, 1, 1, ""):                                  "https://shop.example/spring?a=1&b=2#top",
			"/c/" + strings.ToUpper(tok(7, 0, 1, "")):                 "https://shop.example/spring?a=1&b=2#top",
			"/c/" + tok(7, 1, 2, "Ann%20B?x=1&y=//evil.example"):      "https://shop.example/Ann%20B?x=1&y=//evil.example",
			"/c/" + tok(7, 1, 2, "a\r\nSet-Cookie: x=\x00\"é"):        "https://shop.example/a%0D%0ASet-Cookie:%20x=%00%22%C3%A9",
			"/c/" + tok(7, 1, 3, ""):                                  "https://shop.example/gr%C3%B6%C3%9Fe%201",
			"/c/" + tok(7, 1, 1, "") + "?url=https%3A%2F%2Fevil.test": "https://shop.example/spring?a=1&b=2#top",
		} {
			resp := w.get("GET", path)
			if got := resp.Header.Get("Location"); resp.StatusCode != http.StatusFound || got != want || resp.Header.Get("Cache-Control") != "no-store, private" || resp.Header.Get("Referrer-Policy") != "no-referrer" {
				t.Errorf("%s: %s to %q, want %q; %v", path, resp.Status, got, want, resp.Header)
			}
		}
		n := len(w.q.all())
		other := string(token.NewMaker(bytes.Repeat([]byte{2}, 32)).AppendHit(nil, token.Holder{Run: 7, Contact: 1}, 1, nil))
		for _, path := range []string{
			"/c/" + other, "/c/nonsense", "/c/" + tok(7, 1, 0, ""), "/c/" + tok(7, 1, 1, "")[1:], "/c/https:%2F%2Fevil.example", "/o/" + tok(7, 1, 1, ""), "/o/nonsense",
		} {
			if resp := w.get("GET", path); resp.StatusCode != http.StatusNotFound || resp.Header.Get("Location") != "" {
				t.Errorf("%s: %s", path, resp.Status)
			}
		}
		if resp := w.get("POST", "/c/"+tok(7, 1, 1, "")); resp.StatusCode != http.StatusMethodNotAllowed {
			t.Errorf("POST: %s", resp.Status)
		}
		if len(w.q.all()) != n {
			t.Error("what is not ours was counted")
		}
		for _, path := range []string{"/c/" + tok(7, 1, 4, ""), "/c/" + tok(8, 1, 1, "")} {
			if resp := w.get("GET", path); resp.StatusCode != http.StatusNotFound || resp.Header.Get("Location") != "" {
				t.Errorf("%s: %s", path, resp.Status)
			}
		}
	})
}

// Whoever asks, the pixel is there; what they are is noted, and the hit is durable
// before the answer.
func TestOpens(t *testing.T) { // X9
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.stop()
		resp := w.get("GET", "/o/"+tok(7, 42, 0, ""))
		img, err := gif.Decode(resp.Body)
		if err != nil || img.Bounds().Dx() != 1 || img.Bounds().Dy() != 1 || resp.Header.Get("Content-Type") != "image/gif" || resp.Header.Get("Cache-Control") != "no-store, private" {
			t.Errorf("%v, %v, %v", img, err, resp.Header)
		}
		if _, _, _, alpha := img.At(0, 0).RGBA(); alpha != 0 {
			t.Error("the pixel is to be seen")
		}
		if resp := w.get("HEAD", "/o/"+tok(7, 0, 0, "")); resp.StatusCode != http.StatusOK {
			t.Errorf("HEAD: %s", resp.Status)
		}
		person, head := w.q.hits[w.q.order[0]], w.q.hits[w.q.order[1]]
		if len(person) != 1 || person[0] != (campaign.Hit{Run: 7, Contact: 42, At: time.Now(), Evidence: campaign.ByPerson}) {
			t.Errorf("hit %+v", person)
		}
		if len(head) != 1 || head[0] != (campaign.Hit{Run: 7, At: time.Now(), Evidence: campaign.HeadRequest}) {
			t.Errorf("hit %+v", head)
		}
	})
}

// The queue is away: readers are led on all the same, the first after a moment, the
// others at once.
func TestClicksWithoutQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.stop()
		w.q.takes = 3 * time.Second // and then fails
		w.q.set(true)
		for _, most := range []time.Duration{w.handler.patience, w.handler.patience, 0, 0} {
			began := time.Now()
			resp := w.get("GET", "/c/"+tok(7, 1, 1, ""))
			if took := time.Since(began); resp.StatusCode != http.StatusFound || took > most {
				t.Errorf("%s after %s", resp.Status, took)
			}
		}
		w.q.set(false)
		time.Sleep(time.Minute)
		if n := len(w.q.all()); n != 4 {
			t.Errorf("%d hits are durable", n)
		}
	})
}

// The database is away: who clicks where nobody clicked before waits for it, for a
// while; the click counts in any case, and known links need none.
func TestClicksWithoutDatabase(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.stop()
		back := time.Now().Add(3 * time.Second)
		w.handler.tables.read = func(ctx context.Context, run campaign.RunID) ([]campaign.Link, error) {
			if time.Now().Before(back) {
				return nil, errors.New("connection refused")
			}
			return read(ctx, run)
		}
		if resp := w.get("GET", "/c/"+tok(7, 1, 1, "")); resp.StatusCode != http.StatusFound || time.Now().Before(back) {
			t.Errorf("%s", resp.Status)
		}
		back = time.Now().Add(time.Hour)
		if resp := w.get("GET", "/c/"+tok(7, 1, 2, "")); resp.StatusCode != http.StatusFound {
			t.Errorf("a known link: %s", resp.Status)
		}
		began := time.Now()
		resp := w.get("GET", "/c/"+tok(9, 1, 1, ""))
		if took := time.Since(began); resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" || took > tablePatience+tableRetry {
			t.Errorf("%s after %s", resp.Status, took)
		}
		if n := len(w.q.all()); n != 3 || w.log.count("a click cannot be led on") != 1 {
			t.Errorf("%d hits\n%s", n, w.log.b.String())
		}
	})
}

// A reader whose link leads nowhere sees a page where there is one.
func TestRefused(t *testing.T) {
	w := newWorld(t)
	defer w.stop()
	w.handler.Refused = func(rw http.ResponseWriter, r *http.Request, status int) {
		rw.WriteHeader(status)
		_, _ = io.WriteString(rw, "a page about "+r.URL.Path)
	}
	resp := w.get("GET", "/c/nonsense")
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusNotFound || string(text) != "a page about /c/nonsense" || resp.Header.Get("X-Robots-Tag") == "" {
		t.Errorf("%s %q %v", resp.Status, text, err)
	}
}
