package delivery_test

import (
	"context"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/http"
	"net/http/httptest"
	"net/mail"
	"net/netip"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"broadside/campaign"
	"broadside/campaign/token"
	"broadside/campaign/track"
	"broadside/delivery"
	"broadside/delivery/smtptest"
)

// allow says how much a list allows.
func (w *world) allow(list string, level campaign.Tracking) {
	w.t.Helper()
	l, err := w.store.ListByName(w.t.Context(), list)
	w.ok(err)
	_, err = w.store.SetListTracking(w.t.Context(), l.ID, level)
	w.ok(err)
}

// parts are the header and the decoded text and HTML of the message that somebody got.
func (w *world) parts(to string) (header, text, html string) {
	w.t.Helper()
	for _, m := range w.sim.Ledger().Messages() {
		if m.To[0] != to {
			continue
		}
		msg, err := mail.ReadMessage(strings.NewReader(string(m.Data)))
		w.ok(err)
		header, _, _ = strings.Cut(string(m.Data), "\r\n\r\n")
		_, params, err := mime.ParseMediaType(msg.Header.Get("Content-Type"))
		w.ok(err)
		r := multipart.NewReader(msg.Body, params["boundary"])
		for _, dst := range []*string{&text, &html} {
			part, err := r.NextRawPart()
			w.ok(err)
			data, err := io.ReadAll(quotedprintable.NewReader(part))
			w.ok(err)
			*dst = string(data)
		}
		return header, text, html
	}
	w.t.Fatalf("%s got nothing", to)
	return "", "", ""
}

// readers answers what messages ask for, as the web role does.
func (w *world) readers() http.Handler {
	w.t.Helper()
	writer := track.NewWriter(w.queue.PublishHits, w.log)
	w.background(func(ctx context.Context) error { writer.Run(ctx); return nil })
	h := track.NewHandler(track.Config{Tokens: w.tokens, Links: w.store.LinksOf, Writer: writer, Log: w.log})
	mux := http.NewServeMux()
	from := netip.MustParseAddr("203.0.113.9")
	mux.HandleFunc("GET /o/{token}", func(rw http.ResponseWriter, r *http.Request) { h.Opened(rw, r, from) })
	mux.HandleFunc("GET /c/{token}", func(rw http.ResponseWriter, r *http.Request) { h.Clicked(rw, r, from) })
	return mux
}

func follow(h http.Handler, method, url string) *http.Response {
	r := httptest.NewRequest(method, url, nil)
	r.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, r)
	return rec.Result()
}

var (
	pixelOf = regexp.MustCompile(`<img src="(https://links\.example\.org/o/[a-z2-7]+)" width="1" height="1" alt="">`)
	linkOf  = regexp.MustCompile(`https://links\.example\.org/c/[a-z2-7]+`)
)

// ePrivacy 13: each recipient is counted as far as the strictest of their lists allows,
// and what is not counted is as if nothing were.
func TestReadersAreCountedAsTheirListsAllow(t *testing.T) { // X7
	w := newWorld(t, setting{tune: func(c *delivery.Config) {
		c.Identity.TrackingURLs = map[string]string{"example.org": "https://links.example.org/"}
	}}, shop("plain", smtptest.Behaviour{}))
	w.list("individual", "ann@plain.example", "bob@plain.example", "eve@plain.example")
	w.list("anonymous", "bob@plain.example", "cid@plain.example")
	w.list("off", "cid@plain.example", "dan@plain.example")
	w.list("twins", "tim@plain.example", "tom@plain.example")
	w.allow("individual", campaign.TrackIndividual)
	w.allow("anonymous", campaign.TrackAnonymous)
	w.allow("twins", campaign.TrackAnonymous)
	html := `<p>Read <a href="https://shop.example/spring?a=1&amp;b=2">this</a>, <a href="https://shop.example/?who={{ email }}">that</a>.</p>`
	launch := func(lists ...string) campaign.Run {
		return w.launch(func(s *campaign.Spec) { s.Text, s.HTML, s.Lists = "", html, lists })
	}
	run := launch("individual", "anonymous", "off", "twins")
	w.engine()
	w.background((&delivery.HitRecorder{Store: w.store, Queue: w.queue, Log: w.log}).Run)
	expect(t, w.finish(run), campaign.Counts{Planned: 7, Accepted: 7})

	for _, to := range []string{"cid@plain.example", "dan@plain.example"} {
		_, text, body := w.parts(to)
		if strings.Contains(text+body, "links.example.org") || !strings.Contains(body, `<a href="https://shop.example/spring?a=1&amp;b=2">this</a>`) || !strings.Contains(text, "(https://shop.example/?who="+strings.ReplaceAll(to, "@", "%40")+")") {
			t.Errorf("%s is counted:\n%s%s", to, text, body)
		}
	}
	reader := w.readers()
	for to, individual := range map[string]bool{"ann@plain.example": true, "eve@plain.example": true, "bob@plain.example": false, "tim@plain.example": false} {
		_, text, body := w.parts(to)
		pixel, links := pixelOf.FindStringSubmatch(body), linkOf.FindAllString(body, -1)
		if pixel == nil || len(links) != 2 || len(linkOf.FindAllString(text, -1)) != 2 {
			t.Fatalf("%s is not counted:\n%s%s", to, text, body)
		}
		h, link, _, err := w.tokens.ReadHit(strings.TrimPrefix(links[0], "https://links.example.org/c/"))
		if err != nil || campaign.RunID(h.Run) != run.ID || link != 1 || (h.Contact != 0) != individual {
			t.Errorf("%s: a link of run %d, contact %d, number %d: %v", to, h.Run, h.Contact, link, err)
		}
		for i, want := range []string{"https://shop.example/spring?a=1&b=2", "https://shop.example/?who=" + strings.ReplaceAll(to, "@", "%40")} {
			if resp := follow(reader, "GET", links[i]); resp.Header.Get("Location") != want {
				t.Errorf("%s: link %d leads to %q, want %q", to, i, resp.Header.Get("Location"), want)
			}
		}
		follow(reader, "GET", pixel[1])
	}
	// Where nobody is to know whose it was, messages are the same.
	_, _, tim := w.parts("tim@plain.example")
	_, _, tom := w.parts("tom@plain.example")
	if a, b := pixelOf.FindString(tim), pixelOf.FindString(tom); a != b || linkOf.FindString(tim) != linkOf.FindString(tom) {
		t.Errorf("tim and tom can be told apart: %s, %s", a, b)
	}
	sum := func() (n, people int64) {
		counts, err := w.store.HitCounts(t.Context(), run.ID)
		w.ok(err)
		for _, c := range counts {
			n += c.N
			if c.Link == 0 {
				people += c.People
			}
		}
		return n, people
	}
	w.eventually("all is counted", func() bool { n, _ := sum(); return n == 12 })
	if _, people := sum(); people != 2 { // within seconds of the acceptance, but known
		t.Errorf("%d people are known", people)
	}

	// A level that is lowered holds for what leaves from then on.
	w.allow("individual", campaign.TrackOff)
	_, err := w.service.StartAgain(t.Context(), "news", time.Time{})
	w.ok(err)
	w.eventually("the second run is over", func() bool { return w.stateOf(campaign.Run{ID: run.ID + 1}) == campaign.RunFinished })
	for _, m := range w.sim.Ledger().Messages()[7:] {
		if counted := strings.Contains(string(m.Data), "links.example.org"); counted != strings.HasPrefix(m.To[0], "t") {
			t.Errorf("%s: counted %v", m.To[0], counted)
		}
	}
}

// sleepy is a store that goes away.
type sleepy struct {
	delivery.HitStore
	away atomic.Bool
}

func (s *sleepy) ApplyHits(ctx context.Context, from, to uint64, hits []campaign.Hit) error {
	if s.away.Load() {
		return errors.New("connection refused")
	}
	return s.HitStore.ApplyHits(ctx, from, to, hits)
}

// While the database is away hits are durable in the queue, and each is recorded once
// when it is back, whatever died meanwhile.
func TestHitsOutliveThePausesOfTheDatabase(t *testing.T) {
	w := newWorld(t, setting{}, shop("plain", smtptest.Behaviour{}))
	w.people(20, "plain.example")
	w.allow("readers", campaign.TrackIndividual)
	run := w.launch(func(s *campaign.Spec) { s.Text = "See https://shop.example/ today.\n" })
	w.engine()
	expect(t, w.finish(run), campaign.Counts{Planned: 20, Accepted: 20})
	st := &sleepy{HitStore: w.store}
	st.away.Store(true)
	failed := make(chan struct{}, 100)
	record := func(ctx context.Context) error {
		for ctx.Err() == nil { // as the role is started again
			if (&delivery.HitRecorder{Store: st, Queue: w.queue, Log: w.log}).Run(ctx) != nil {
				select {
				case failed <- struct{}{}:
				default:
				}
			}
		}
		return nil
	}
	stop := w.background(record)
	reader := w.readers()
	click := func() {
		for contact := range int64(20) {
			url := "/c/" + string(w.tokens.AppendHit(nil, token.Holder{Run: int64(run.ID), Contact: contact + 1}, 1, nil))
			if resp := follow(reader, "GET", url); resp.Header.Get("Location") != "https://shop.example/" {
				t.Fatalf("%s: %s to %q", url, resp.Status, resp.Header.Get("Location"))
			}
		}
	}
	click()
	<-failed
	stop()
	click()
	st.away.Store(false)
	w.background(record)
	click()
	count := func() (n, people int64) {
		counts, err := w.store.HitCounts(t.Context(), run.ID)
		w.ok(err)
		for _, c := range counts {
			n, people = n+c.N, max(people, c.People)
		}
		return n, people
	}
	w.eventually("all clicks are recorded", func() bool { n, _ := count(); return n >= 60 })
	if n, people := count(); n != 60 || people != 20 {
		t.Errorf("%d clicks of %d people, want 60 of 20", n, people)
	}
}
