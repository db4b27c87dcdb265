package web

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"broadside/campaign"
	"broadside/campaign/account"
	"broadside/campaign/signup"
	"broadside/campaign/upload"
	"broadside/store"
	"broadside/store/pgtest"
)

var (
	benchContacts = flag.Int("contacts", 100_000, "contacts in the database of the pages' benchmark")
	benchRuns     = flag.Int("runs", 100, "runs in the database of the pages' benchmark")
)

// BenchmarkPages measures the time to the first byte of every page in PostgreSQL, one
// request at a time, and reports median and worst in milliseconds. The sizes are
// -contacts 10000000 -runs 1000.
func BenchmarkPages(b *testing.B) {
	ctx := context.Background()
	pg, err := pgtest.Start()
	if err != nil {
		b.Fatal(err)
	}
	defer pg.Stop()
	url, err := pg.Database(ctx)
	if err != nil {
		b.Fatal(err)
	}
	db, err := store.Open(ctx, url, store.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	run := fill(b, db, url)
	client, base := benchSite(b, db)
	last := fmt.Sprintf("person%08d@example.org", *benchContacts-3)
	for _, path := range []string{
		"/", "/lists", "/lists/1", fmt.Sprintf("/lists/1?after=%d", *benchContacts/2), "/contacts", "/contacts?q=person0009", "/contacts?q=person&after=" + last,
		fmt.Sprintf("/contacts/%d", *benchContacts/3), "/suppressions", "/suppressions?q=person00", "/campaigns", "/campaigns?before=50", "/campaigns/1", "/campaigns/1/preview", "/campaigns/1/review",
		fmt.Sprintf("/runs/%d", run), fmt.Sprintf("/runs/%d/people?state=accepted", run), fmt.Sprintf("/runs/%d/people?state=bounced&reason=1", run),
		fmt.Sprintf("/runs/%d/people?state=accepted&lane=1&contact=%d", run, *benchContacts-60), "/users", "/audit", "/account",
	} {
		b.Run(path, func(b *testing.B) {
			var took []time.Duration
			for b.Loop() {
				began := time.Now()
				resp, err := client.Get(base + path)
				if err != nil {
					b.Fatal(err)
				}
				took = append(took, time.Since(began)) // the header is sent with the page whole
				_, _ = io.Copy(io.Discard, resp.Body)
				_ = resp.Body.Close()
				if resp.StatusCode != http.StatusOK {
					b.Fatalf("%s: %s", path, resp.Status)
				}
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "median-ms")
			b.ReportMetric(float64(took[len(took)-1].Microseconds())/1000, "worst-ms")
		})
	}
}

// fill makes contacts, all in one list, and runs, the last of which went to all of them.
func fill(b *testing.B, db *store.DB, url string) (last campaign.RunID) {
	b.Helper()
	ctx, now := context.Background(), time.Now()
	if _, err := db.CreateList(ctx, "everybody", now); err != nil {
		b.Fatal(err)
	}
	for i := range *benchRuns {
		spec := campaign.Spec{Name: fmt.Sprintf("campaign %d", i), Lists: []string{"everybody"}}
		spec.From, spec.Subject, spec.Markdown = "News <news@example.org>", "Hi {{ name }}", "# Hello {{ name }}"
		c, err := db.CreateCampaign(ctx, spec.WithDefaults(), now)
		if err != nil {
			b.Fatal(err)
		}
		run, err := db.CreateRun(ctx, c, campaign.RunRunning, now, now)
		if err == nil {
			_, err = db.SetRunState(ctx, run.ID, []campaign.RunState{campaign.RunRunning}, campaign.RunFinished, "", now)
		}
		if err != nil {
			b.Fatal(err)
		}
		last = run.ID
	}
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close(ctx)
	n := *benchContacts
	for _, sql := range []string{
		fmt.Sprintf(`INSERT INTO contacts (address, spelling, attributes, created, updated, import) SELECT 'person' || lpad(g::text, 8, '0') || '@example.org', '', '{"name":"Person"}', 1, 1, 0 FROM generate_series(1, %d) g`, n),
		"INSERT INTO members (list, contact, status, changed, import) SELECT 1, id, 0, 1, 0 FROM contacts",
		fmt.Sprintf("UPDATE lists SET subscribed = %d", n),
		"INSERT INTO suppressions (who, list, reason, detail, at) SELECT address, 0, 'bounced', '550', 1 FROM contacts WHERE id % 100 = 0",
		fmt.Sprintf("INSERT INTO ledger (run, lane, contact, state, reason, attempts, at) SELECT %d, 1, id, CASE WHEN id %% 50 = 0 THEN 3 ELSE 1 END, CASE WHEN id %% 50 = 0 THEN 1 ELSE 0 END, 1, 1 FROM contacts", last),
		fmt.Sprintf("INSERT INTO run_counts (run, lane, state, reason, n, resent) SELECT %d, 1, state, reason, count(*), 0 FROM ledger WHERE run = %d GROUP BY 3, 4", last, last),
		"INSERT INTO run_counts (run, lane, state, reason, n, resent) SELECT r.id, l, 1, 0, 1000, 0 FROM runs r, generate_series(1, 16) l ON CONFLICT DO NOTHING",
		"ANALYZE",
	} {
		if _, err := conn.Exec(ctx, sql); err != nil {
			b.Fatalf("%s: %v", sql, err)
		}
	}
	return last
}

// benchSite serves the pages and signs in.
func benchSite(b *testing.B, db *store.DB) (*http.Client, string) {
	b.Helper()
	ctx, log := context.Background(), slog.New(slog.DiscardHandler)
	uploads, err := upload.Open(ctx, b.TempDir(), db, log, time.Now)
	if err != nil {
		b.Fatal(err)
	}
	accounts := account.New(db, []byte("setup"), time.Now)
	service := &campaign.Service{Store: db, Now: time.Now, PublicURL: "https://news.example"}
	app := New(Config{
		Service: service, SignUps: signup.New(db, service, linkTokens, log, time.Now), Store: db, Uploads: uploads, Accounts: accounts,
		Sessions: db.Sessions(), Sites: &sites{}, SiteOf: func(string) string { return "all" },
		Recipients: Recipients(db, linkTokens, log), Log: log, Now: time.Now,
	})
	srv := httptest.NewServer(app)
	b.Cleanup(func() { srv.Close(); _ = uploads.Close() })
	secret, err := accounts.SetupSecret(ctx)
	if err == nil {
		_, err = accounts.SetUp(ctx, secret, account.User{Email: "ann@example.org", Name: "Ann"}, testPassword)
	}
	if err != nil {
		b.Fatal(err)
	}
	client := newBrowserClient(b)
	resp, err := client.PostForm(srv.URL+"/login", map[string][]string{"email": {"ann@example.org"}, "password": {testPassword}})
	if err != nil {
		b.Fatal(err)
	}
	_ = resp.Body.Close()
	return client, srv.URL
}
