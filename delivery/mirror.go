package delivery

import (
	"context"
	"encoding/json"
	"log/slog"
	"maps"
	"time"

	"broadside/ratelimit"
)

// mirrorEvery is how long a change waits at most, in either direction.
const mirrorEvery = 500 * time.Millisecond

// SitePause is a person's order that a site gets no mail.
type SitePause struct {
	Site  string
	Since time.Time // in whole milliseconds, as Until
	Until time.Time // zero: until it is resumed
	Why   string
}

// SiteRecord is what the senders know of a key, as commands and pages see it.
type SiteRecord struct {
	Kind, Value, Site string
	Record            []byte // a ratelimit.Record in JSON
}

// SiteStore is where commands and pages see what was learned of sites, and leave
// which ones are to be paused.
type SiteStore interface {
	// SitePauses returns the pauses that hold at a time, in order of site.
	SitePauses(ctx context.Context, now time.Time) ([]SitePause, error)
	// SiteRecords returns all records, in order of site, kind and value.
	SiteRecords(ctx context.Context) ([]SiteRecord, error)
	// ForgottenSites returns the keys of the records that people ordered to be forgotten.
	// Such an order is in the place of its record until that is deleted.
	ForgottenSites(ctx context.Context) ([]SiteRecord, error)
	// SaveSiteRecords writes some records over what was there, and deletes others, of
	// which the key alone is given, in one transaction.
	SaveSiteRecords(ctx context.Context, changed, gone []SiteRecord) error
}

// Mirror carries what the senders know of sites into the store, and people's orders
// from there to the senders: what is paused, and what is to be forgotten. One works at a time; two of them would do the same.
type Mirror struct {
	Store SiteStore
	Book  *ratelimit.Book
	Log   *slog.Logger
}

// Run mirrors until ctx is done. It remembers nothing: what it finds in the store at
// its start is compared with what the senders know.
func (m *Mirror) Run(ctx context.Context) error {
	tick := time.NewTicker(mirrorEvery)
	defer tick.Stop()
	var seen map[ratelimit.Key]*ratelimit.Record // as in the store
	failing := false
	for {
		var err error
		if seen == nil {
			seen, err = m.stored(ctx)
		}
		if err == nil {
			err = m.forget(ctx, seen)
		}
		if err == nil {
			err = m.announce(ctx, time.Now())
		}
		if err == nil {
			err = m.save(ctx, seen)
		}
		if err != nil && !failing && ctx.Err() == nil {
			m.Log.Warn("sites: pauses and what is shown of sites have to wait for the database", "error", err)
		}
		failing = err != nil
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// stored are the keys in the store, without their records: those that the senders
// know are written again.
func (m *Mirror) stored(ctx context.Context) (map[ratelimit.Key]*ratelimit.Record, error) {
	rows, err := m.Store.SiteRecords(ctx)
	if err != nil {
		return nil, err
	}
	seen := map[ratelimit.Key]*ratelimit.Record{}
	for _, r := range rows {
		var kind ratelimit.Kind
		if kind.UnmarshalText([]byte(r.Kind)) != nil {
			continue // a newer program's: it looks after it
		}
		seen[ratelimit.Key{Kind: kind, Value: r.Value, Site: r.Site}] = nil
	}
	return seen, nil
}

// forget has the senders forget what people ordered, and then takes the order out.
func (m *Mirror) forget(ctx context.Context, seen map[ratelimit.Key]*ratelimit.Record) error {
	orders, err := m.Store.ForgottenSites(ctx)
	if err != nil || len(orders) == 0 {
		return err
	}
	for _, o := range orders {
		var kind ratelimit.Kind
		if kind.UnmarshalText([]byte(o.Kind)) != nil {
			continue
		}
		key := m.Book.Key(kind, o.Value, o.Site)
		key.Forget()
		delete(seen, key.Key()) // what is learned from now on is written anew
	}
	return m.Store.SaveSiteRecords(ctx, nil, orders)
}

// announce tells the senders which sites are paused, and which no longer are.
func (m *Mirror) announce(ctx context.Context, now time.Time) error {
	pauses, err := m.Store.SitePauses(ctx, now)
	if err != nil {
		return err
	}
	paused := make(map[string]bool, len(pauses))
	for _, p := range pauses {
		paused[p.Site] = true
		m.Book.Key(ratelimit.WholeSite, "", p.Site).Pause(ratelimit.Pause{Since: p.Since, Until: p.Until, Why: p.Why})
	}
	for key := range m.Book.All() {
		if key.Kind == ratelimit.WholeSite && !paused[key.Site] {
			m.Book.Key(key.Kind, key.Value, key.Site).Resume()
		}
	}
	return nil
}

// save writes what has changed since it was seen.
func (m *Mirror) save(ctx context.Context, seen map[ratelimit.Key]*ratelimit.Record) error {
	var changed, gone []SiteRecord
	now := map[ratelimit.Key]*ratelimit.Record{}
	for key, record := range m.Book.All() {
		now[key] = record
		if seen[key] == record {
			continue
		}
		text, err := json.Marshal(record)
		if err != nil {
			return err
		}
		changed = append(changed, SiteRecord{key.Kind.String(), key.Value, key.Site, text})
	}
	for key := range seen {
		if now[key] == nil {
			gone = append(gone, SiteRecord{Kind: key.Kind.String(), Value: key.Value, Site: key.Site})
		}
	}
	if len(changed)+len(gone) == 0 {
		return nil
	}
	if err := m.Store.SaveSiteRecords(ctx, changed, gone); err != nil {
		return err
	}
	clear(seen)
	maps.Copy(seen, now)
	return nil
}
