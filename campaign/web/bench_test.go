package web

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"broadside/campaign"
	"broadside/campaign/account"
	"broadside/campaign/signup"
	"broadside/campaign/upload"
	"broadside/campaign/webhook"
	"broadside/store"
	"broadside/store/pgtest"
)

var (
	benchContacts = flag.Int("contacts", 100_000, "contacts in the database of the pages' benchmark")
	benchRuns     = flag.Int("runs", 210, "runs in the database of the pages' benchmark, more than 200")
	benchDatabase = flag.String("database", "", "URL of an empty database to fill and to leave filled, or of one that was; none: a server of the benchmark's own, which is removed")
)

// BenchmarkPages measures the time to the first byte of all that can be read, in
// PostgreSQL, one request at a time: the addresses of a page by turns. It reports median
// and worst in milliseconds, and the processor time of a request in this process, the
// client's included, and in the database. The sizes are -contacts 10000000 -runs 1000.
func BenchmarkPages(b *testing.B) {
	ctx := context.Background()
	url := *benchDatabase
	if url == "" {
		pg, err := pgtest.Start()
		if err != nil {
			b.Fatal(err)
		}
		defer pg.Stop()
		if url, err = pg.Database(ctx); err != nil {
			b.Fatal(err)
		}
	}
	db, err := store.Open(ctx, url, store.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	f := fill(b, db, url)
	s := benchSite(b, db)
	asked := f.benchmarked(s.upload, s.form)
	cost := newProcessors(b, url)
	for _, what := range benchmarkable(s.app) {
		b.Run(strings.ReplaceAll(what, " ", ":"), func(b *testing.B) {
			var took []time.Duration
			began := cost.used(b)
			for b.Loop() {
				took = append(took, s.ask(b, asked[what][len(took)%len(asked[what])]))
			}
			used := cost.used(b) - began
			slices.Sort(took)
			b.ReportMetric(milliseconds(took[len(took)/2]), "median-ms")
			b.ReportMetric(milliseconds(took[len(took)-1]), "worst-ms")
			b.ReportMetric(milliseconds(used)/float64(len(took)), "cpu-ms/op")
			b.ReportMetric(0, "ns/op") // it is the mean, with the rest of the answer
		})
	}
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// slowAnswer is what no page may take: the benchmark names the address.
const slowAnswer = 300 * time.Millisecond

// ask waits for the first byte of an answer, and reads it to its end unless that is open.
func (s *benchedSite) ask(b *testing.B, path string) time.Duration {
	b.Helper()
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.base+path, nil)
	if err != nil {
		b.Fatal(err)
	}
	began := time.Now()
	resp, err := s.client.Do(req)
	if err != nil {
		b.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.Header.Get("Content-Type") == "text/event-stream" {
		return time.Since(began)
	}
	took := time.Since(began) // the header is sent with the page whole
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		b.Fatal(err)
	}
	if took > slowAnswer {
		b.Logf("%s: %v", path, took.Round(time.Millisecond))
	}
	refused := strings.HasSuffix(path, "/nothing") || strings.HasPrefix(path, "/welcome") || strings.HasPrefix(path, "/login/openid") // as they should be
	if resp.StatusCode >= http.StatusBadRequest && !refused {
		b.Fatalf("%s: %s\n%.2000s", path, resp.Status, text)
	}
	return took
}

// benchedSite is the pages on the filled database, with somebody who may do everything.
type benchedSite struct {
	app    *App
	client *http.Client
	base   string
	upload string // the id of a checked file
	form   signup.Form
}

func benchSite(b *testing.B, db *store.DB) *benchedSite {
	b.Helper()
	ctx, log := context.Background(), slog.New(slog.DiscardHandler)
	uploads, err := upload.Open(ctx, b.TempDir(), db, log, time.Now)
	if err != nil {
		b.Fatal(err)
	}
	accounts := account.New(db, []byte("setup"), time.Now)
	service := &campaign.Service{Store: db, Now: time.Now, PublicURL: "https://news.example"}
	s := &benchedSite{app: New(Config{
		Service: service, SignUps: signup.New(db, service, linkTokens, log, time.Now), Store: db, Uploads: uploads, Accounts: accounts,
		Sessions: db.Sessions(), Sites: &sites{}, SiteOf: func(string) string { return "all" },
		Webhooks:   &webhook.Desk{Store: db, Allow: func(netip.Addr) bool { return false }, Now: time.Now},
		Recipients: Recipients(db, linkTokens, log), Log: log, Now: time.Now,
	})}
	srv := httptest.NewServer(s.app)
	b.Cleanup(func() { srv.Close(); s.app.Wait(); _ = uploads.Close() })
	s.base, s.client = srv.URL, newBrowserClient(b)
	s.signIn(b, accounts)
	s.addForm(b)
	s.checkUpload(b)
	return s
}

func (s *benchedSite) signIn(b *testing.B, accounts *account.Accounts) {
	b.Helper()
	ctx := context.Background()
	const admin = "admin@example.org"
	if _, err := s.app.Accounts.SignIn(ctx, admin, testPassword, netip.Addr{}); err != nil {
		_, secret, err := accounts.Invite(ctx, account.User{Email: admin, Name: "Ann", Role: account.Admin})
		if err == nil {
			_, err = accounts.Accept(ctx, secret, testPassword, "")
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	resp, err := s.client.PostForm(s.base+"/login", map[string][]string{"email": {admin}, "password": {testPassword}})
	if err != nil {
		b.Fatal(err)
	}
	_ = resp.Body.Close()
}

// addForm makes the form of list 1 by which the sign-ups of the database came.
func (s *benchedSite) addForm(b *testing.B) {
	b.Helper()
	ctx := context.Background()
	forms, err := s.app.SignUps.Forms(ctx, 1)
	if err == nil && len(forms) == 0 {
		spec := signup.Spec{From: "News <news@example.org>", Texts: map[string]signup.Text{"en": {Title: "News", Consent: "Send me news"}}}
		var f signup.Form
		f, err = s.app.SignUps.Create(ctx, 1, spec)
		forms = append(forms, f)
	}
	if err != nil {
		b.Fatal(err)
	}
	s.form = forms[0]
}

// checkUpload has a file of five thousand rows, some of them unfit, looked through.
func (s *benchedSite) checkUpload(b *testing.B) {
	b.Helper()
	var rows strings.Builder
	rows.WriteString("email,name\n")
	for i := range 5000 {
		fmt.Fprintf(&rows, "person%08d%s,Person\n", i, []string{"@example.org", ""}[i%100/99])
	}
	u, err := s.app.Uploads.Receive("admin@example.org", "people.csv", strings.NewReader(rows.String()))
	if err == nil {
		_, err = s.app.Uploads.Check(u.ID, upload.Plan{List: "everybody", Mapping: campaign.Mapping{"email": "email", "name": "name"}})
	}
	for busy := true; busy && err == nil; {
		var p upload.Progress
		p, err = s.app.Uploads.Progress(u.ID)
		busy = p.Phase.Busy()
	}
	if err != nil {
		b.Fatal(err)
	}
	s.upload = u.ID
}
