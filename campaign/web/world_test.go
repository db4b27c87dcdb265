package web

import (
	"context"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"broadside/campaign"
	"broadside/campaign/account"
	"broadside/campaign/signup"
	"broadside/campaign/upload"
	"broadside/campaign/webhook"
	"broadside/store"
)

const testPassword = "a harbour in the fog"

// world is the pages on a fresh SQLite database.
type world struct {
	*testing.T
	app   *App
	db    *store.DB
	srv   *httptest.Server
	admin *browser
	sites sites
	mail  expressQueue
}

// expressQueue is a queue that hands over what is to be sent.
type expressQueue chan campaign.Job

func (expressQueue) Marker(context.Context, campaign.Lane, campaign.RunID) (campaign.Marker, error) {
	return campaign.Marker{}, nil
}

func (q expressQueue) Feed(_ context.Context, _ campaign.Lane, _ campaign.RunID, _, next campaign.Marker, jobs []campaign.Job) (campaign.Marker, error) {
	for _, j := range jobs {
		q <- j
	}
	return next, nil
}

func (expressQueue) Introduce(context.Context, campaign.RunStatus) error { return nil }

// sites remember which are paused.
type sites struct {
	paused   []campaign.SiteState
	limits   map[string]campaign.SiteLimit
	activity []campaign.SiteActivity
}

func (s *sites) LimitSite(_ context.Context, site string, l campaign.SiteLimit) error {
	if s.limits == nil {
		s.limits = map[string]campaign.SiteLimit{}
	}
	s.limits[site] = l
	return nil
}

func (s *sites) Activity(context.Context) ([]campaign.SiteActivity, error) { return s.activity, nil }

func (s *sites) SiteStates(context.Context) ([]campaign.SiteState, error) { return s.paused, nil }

func (s *sites) PauseSite(_ context.Context, site string, until time.Time, why string) (campaign.SiteState, error) {
	state := campaign.SiteState{Site: site, Kind: "site", State: "paused", Until: until, Why: why}
	s.paused = append(s.paused, state)
	return state, nil
}

func (s *sites) ResumeSite(_ context.Context, site string) error {
	for i, p := range s.paused {
		if p.Site == site {
			s.paused = slices.Delete(s.paused, i, i+1)
			return nil
		}
	}
	return campaign.ErrNotFound
}

func newWorld(t *testing.T) *world {
	t.Helper()
	ctx := context.Background()
	db, err := store.Open(ctx, filepath.Join(t.TempDir(), "test.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	log := slog.New(slog.NewTextHandler(testLog{t}, nil))
	accounts := account.New(db, []byte("setup"), time.Now)
	uploads, err := upload.Open(ctx, t.TempDir(), db, log, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = uploads.Close() })
	w := &world{T: t, db: db, mail: make(expressQueue, 100)}
	service := &campaign.Service{Store: db, Now: time.Now, PublicURL: "https://news.example"}
	service.Express = &campaign.ExpressLane{Queue: w.mail, Log: log, LanesOf: func([]string) []campaign.Lane { return []campaign.Lane{campaign.TailLane} }}
	w.app = New(Config{
		Service:    service,
		SignUps:    signup.New(db, service, linkTokens, log, time.Now),
		Store:      db,
		Uploads:    uploads,
		Accounts:   accounts,
		Sessions:   db.Sessions(),
		Recipients: Recipients(db, linkTokens, log),
		Sites:      &w.sites,
		Webhooks:   &webhook.Desk{Store: db, Allow: func(netip.Addr) bool { return false }, Now: time.Now},
		SiteOf:     func(string) string { return "all others" },
		Log:        log, Now: time.Now,
	})
	mailing, stop := context.WithCancel(ctx)
	var beside sync.WaitGroup
	beside.Go(func() { w.app.SignUps.Run(mailing) })
	t.Cleanup(func() { stop(); beside.Wait() })
	w.srv = httptest.NewServer(w.app)
	t.Cleanup(w.srv.Close)
	w.admin = w.browser()
	secret, err := accounts.SetupSecret(ctx)
	if err != nil {
		t.Fatal(err)
	}
	w.admin.post("/setup", http.StatusSeeOther, "token", secret, "email", "ann@example.org", "name", "Ann", "password", testPassword, "zone", "Europe/Berlin")
	return w
}

// testLog lets a failed test show what the server logged.
type testLog struct{ t *testing.T }

func (l testLog) Write(p []byte) (int, error) {
	l.t.Log(strings.TrimSpace(string(p)))
	return len(p), nil
}

// browser keeps cookies, follows nothing, and says where it comes from as browsers do.
type browser struct {
	w      *world
	client *http.Client
}

func (w *world) browser() *browser { return &browser{w, newBrowserClient(w)} }

// newBrowserClient keeps cookies and follows nothing.
func newBrowserClient(t testing.TB) *http.Client {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// as makes a user of a role and signs in.
func (w *world) as(role account.Role) *browser {
	w.Helper()
	ctx := context.Background()
	email := string(role) + "@example.org"
	_, secret, err := w.app.Accounts.Invite(ctx, account.User{Email: email, Name: string(role), Role: role})
	if err != nil {
		w.Fatal(err)
	}
	if _, err := w.app.Accounts.Accept(ctx, secret, testPassword, ""); err != nil {
		w.Fatal(err)
	}
	b := w.browser()
	b.post("/login", http.StatusSeeOther, "email", email, "password", testPassword)
	return b
}

func (b *browser) do(method, path string, body io.Reader, header http.Header) (*http.Response, string) {
	b.w.Helper()
	req, err := http.NewRequest(method, b.w.srv.URL+path, body)
	if err != nil {
		b.w.Fatal(err)
	}
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	maps.Copy(req.Header, header)
	resp, err := b.client.Do(req)
	if err != nil {
		b.w.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		b.w.Fatal(err)
	}
	return resp, string(text)
}

// get wants a status, and returns the page.
func (b *browser) get(path string, status int) string {
	b.w.Helper()
	resp, text := b.do("GET", path, nil, nil)
	if resp.StatusCode != status {
		b.w.Fatalf("GET %s: %s, want %d\n%s", path, resp.Status, status, text)
	}
	return text
}

// post wants a status, and returns the page and where it leads.
func (b *browser) post(path string, status int, pairs ...string) (text, location string) {
	b.w.Helper()
	form := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		form.Add(pairs[i], pairs[i+1])
	}
	resp, text := b.do("POST", path, strings.NewReader(form.Encode()), http.Header{"Content-Type": {"application/x-www-form-urlencoded"}})
	if resp.StatusCode != status {
		b.w.Fatalf("POST %s: %s, want %d\n%s", path, resp.Status, status, text)
	}
	return text, resp.Header.Get("Location")
}
