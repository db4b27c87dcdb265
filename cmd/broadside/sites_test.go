package main

import (
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"broadside/delivery"
	"broadside/ratelimit"
	"broadside/store"
)

// What senders have learned is shown as it is now: rates come back with time alone.
func TestSitesAreShownAsTheyAreNow(t *testing.T) {
	t.Setenv("TZ", "UTC")
	now := time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC)
	limits := ratelimit.Limits{Rate: 100, Connections: 5}
	book := ratelimit.NewBook()
	reply := func(text string) ratelimit.Reply { return ratelimit.Reply{Began: now.Add(-time.Second), Text: text} }
	stop := ratelimit.Reaction{Name: "rate", Stop: true, For: 10 * time.Minute, Probe: true}
	book.Key(ratelimit.Source, "192.0.2.1", "google").React(now.Add(-4*time.Minute), limits, stop, reply("421-4.7.28 unusual rate"))
	book.Key(ratelimit.Source, "192.0.2.1", "yahoo").Throttled(now.Add(-30*time.Second), limits, reply("421 TS01"))
	book.Key(ratelimit.URLDomain, "links.example", "google").React(now.Add(-20*time.Minute), limits, stop, reply("421-4.7.28 URL domain"))
	book.Key(ratelimit.SendingDomain, "news.example", "apple").Throttled(now.Add(-10*time.Minute), limits, reply("451 BS02"))

	var records []delivery.SiteRecord
	for key, record := range book.All() {
		text, err := json.Marshal(record)
		if err != nil {
			t.Fatal(err)
		}
		records = append(records, delivery.SiteRecord{Kind: key.Kind.String(), Value: key.Value, Site: key.Site, Record: text})
	}
	db, err := store.Open(t.Context(), t.TempDir()+"/test.db", store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.SaveSiteRecords(t.Context(), records, nil); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	a := &app{out: &out}
	if err := a.showSites(t.Context(), db, now); err != nil {
		t.Fatal(err)
	}
	var lines []string
	for line := range strings.Lines(out.String()) {
		lines = append(lines, strings.Join(strings.Fields(line), " "))
	}
	want := []string{
		"site whose state rate/s connections since why",
		"apple mail from news.example ok 100 of 100 5 of 5 2026-05-04 02:52 UTC 451 BS02",
		"google 192.0.2.1 stopped until 2026-05-04 03:08 UTC 0 of 100 0 of 5 2026-05-04 02:58 UTC 421-4.7.28 unusual rate",
		"google links to links.example slowed 100 of 100 1 of 5 2026-05-04 02:42 UTC 421-4.7.28 URL domain",
		"yahoo 192.0.2.1 slowed 96.2 of 100 5 of 5 2026-05-04 03:01 UTC 421 TS01",
	}
	if got := strings.Join(lines, "\n"); got != strings.Join(want, "\n") {
		t.Errorf("shown:\n%s\nwant:\n%s", got, strings.Join(want, "\n"))
	}
}

// What a person orders in the database reaches what the senders ask, and what they
// learn is in the database: within a second on an idle machine.
func TestSitesAreMirroredByTheRecorder(t *testing.T) {
	a := &app{cfg: Config{Data: t.TempDir()}, log: slog.New(slog.DiscardHandler)}
	e, err := openEngine(t.Context(), a, network{})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() {
		if err := e.run(ctx, []string{"record"}); err != nil {
			t.Error(err)
		}
	})
	defer running.Wait()
	defer stop()
	within := func(what string, done func() bool) {
		t.Helper()
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for deadline := time.Now().Add(3 * time.Minute); !done(); <-tick.C {
			if time.Now().After(deadline) {
				t.Fatalf("not in 3 min: %s", what)
			}
		}
	}
	site := e.learned.Key(ratelimit.WholeSite, "", "google")
	if err := e.store.PauseSite(ctx, delivery.SitePause{Site: "google", Since: time.Now()}); err != nil {
		t.Fatal(err)
	}
	within("google is paused", func() bool { return site.Record().Paused(time.Now()) })
	if err := e.store.ResumeSite(ctx, "google", time.Now()); err != nil {
		t.Fatal(err)
	}
	within("google is resumed", func() bool { return !site.Record().Paused(time.Now()) })

	e.learned.Key(ratelimit.Source, "", "yahoo").Throttled(time.Now(), ratelimit.Limits{Rate: 100, Connections: 5}, ratelimit.Reply{Began: time.Now()})
	within("yahoo is shown as slowed", func() bool {
		records, err := e.store.SiteRecords(ctx)
		return err == nil && len(records) == 1 && records[0].Site == "yahoo"
	})
}
