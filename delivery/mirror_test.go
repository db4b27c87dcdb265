package delivery

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"broadside/ratelimit"
)

// siteStore keeps what a mirror writes.
type siteStore struct {
	mu      sync.Mutex
	pauses  []SitePause
	records map[string]string
	writes  int
	down    bool
}

func (s *siteStore) SitePauses(context.Context, time.Time) ([]SitePause, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down {
		return nil, errors.New("no database")
	}
	return s.pauses, nil
}

func (s *siteStore) SiteRecords(context.Context) ([]SiteRecord, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []SiteRecord
	for site, record := range s.records {
		list = append(list, SiteRecord{Kind: "source", Site: site, Record: []byte(record)})
	}
	return list, nil
}

func (s *siteStore) ForgottenSites(context.Context) ([]SiteRecord, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []SiteRecord
	for site, record := range s.records {
		if record == "forget" {
			list = append(list, SiteRecord{Kind: "source", Site: site})
		}
	}
	return list, nil
}

func (s *siteStore) SaveSiteRecords(_ context.Context, changed, gone []SiteRecord) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writes++
	for _, r := range changed {
		s.records[r.Site] = string(r.Record)
	}
	for _, r := range gone {
		delete(s.records, r.Site)
	}
	return nil
}

func (s *siteStore) set(f func(*siteStore)) {
	s.mu.Lock()
	f(s)
	s.mu.Unlock()
	time.Sleep(mirrorEvery)
	synctest.Wait()
}

func TestMirror(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &siteStore{records: map[string]string{"gone.example": `{}`}}
		book := ratelimit.NewBook()
		limits := ratelimit.Limits{Rate: 100, Connections: 5}
		ctx, stop := context.WithCancel(t.Context())
		var running sync.WaitGroup
		m := &Mirror{Store: store, Book: book, Log: slog.New(slog.DiscardHandler)}
		running.Go(func() {
			if err := m.Run(ctx); err != nil {
				t.Error(err)
			}
		})
		defer running.Wait()
		defer stop()
		synctest.Wait()
		if len(store.records) != 0 {
			t.Errorf("what nobody knows any more is still shown: %v", store.records)
		}

		yahoo := book.Key(ratelimit.Source, "", "yahoo")
		yahoo.Throttled(time.Now(), limits, ratelimit.Reply{Began: time.Now(), Text: "421 TS01"})
		store.set(func(*siteStore) {})
		var r ratelimit.Record
		if err := json.Unmarshal([]byte(store.records["yahoo"]), &r); err != nil || r.Why != "421 TS01" || r.Allowed(time.Now(), limits).Rate > 75 {
			t.Errorf("mirrored %+v, %v", r, err)
		}
		before := store.writes
		time.Sleep(time.Minute)
		if store.writes != before {
			t.Errorf("%d writes in a minute without a change", store.writes-before)
		}

		store.set(func(s *siteStore) { s.records["yahoo"] = "forget" })
		if r := yahoo.Record(); r.Why != "" || r.Pace.Peak != 0 || len(store.records) != 0 {
			t.Errorf("what was to be forgotten is still known: %+v, %v", r, store.records)
		}

		google := book.Key(ratelimit.WholeSite, "", "google")
		stopped := func() bool { return !google.Allowed(time.Now(), limits).Until.IsZero() }
		store.set(func(s *siteStore) { s.pauses = []SitePause{{Site: "google", Since: time.Now(), Why: "talking"}} })
		if !stopped() {
			t.Error("a pause is not announced within half a second")
		}
		// Without the database the pause holds; with it, it is lifted.
		store.set(func(s *siteStore) { s.pauses, s.down = nil, true })
		if !stopped() {
			t.Error("a pause is lifted because the database is away")
		}
		store.set(func(s *siteStore) { s.down = false })
		if stopped() || store.records["google"] != "" {
			t.Error("a pause is not lifted within half a second")
		}
	})
}
