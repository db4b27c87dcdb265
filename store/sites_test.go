package store_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"broadside/campaign"
	"broadside/delivery"
	"broadside/store"
)

func TestSitePauses(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, _ string) {
		ctx := t.Context()
		pause := func(p delivery.SitePause) {
			t.Helper()
			if err := db.PauseSite(ctx, p); err != nil {
				t.Fatal(err)
			}
		}
		check := func(at time.Time, want ...delivery.SitePause) {
			t.Helper()
			if got := must(db.SitePauses(ctx, at))(t); !slices.Equal(got, want) {
				t.Errorf("paused at %v: %+v, want %+v", at, got, want)
			}
		}
		google := delivery.SitePause{Site: "google", Since: now, Why: "talking to them"}
		yahoo := delivery.SitePause{Site: "yahoo", Since: now, Until: now.Add(time.Hour)}
		pause(yahoo)
		pause(google)
		check(now, google, yahoo)
		check(now.Add(time.Hour), google)
		google.Why = "still talking"
		pause(google)
		check(now.Add(time.Hour), google)
		if err := db.ResumeSite(ctx, "google", now); err != nil {
			t.Error(err)
		}
		for _, site := range []string{"google", "yahoo", "nobody"} {
			if err := db.ResumeSite(ctx, site, now.Add(time.Hour)); !errors.Is(err, campaign.ErrNotFound) {
				t.Errorf("resuming %s, which is not paused: %v", site, err)
			}
		}
		check(now, yahoo)
	})
}

func TestSiteRecords(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, _ string) {
		ctx := t.Context()
		record := func(site, kind, text string) delivery.SiteRecord {
			return delivery.SiteRecord{Site: site, Kind: kind, Value: "192.0.2.1", Record: []byte(text)}
		}
		save := func(changed, gone []delivery.SiteRecord) {
			t.Helper()
			if err := db.SaveSiteRecords(ctx, changed, gone); err != nil {
				t.Fatal(err)
			}
		}
		var many []delivery.SiteRecord
		for i := range 250 {
			many = append(many, record(fmt.Sprintf("mx%03d.example", i), "source", `{"n":1}`))
		}
		save(many, nil)
		save([]delivery.SiteRecord{record("mx000.example", "source", `{"n":2}`), record("mx000.example", "url_domain", `{}`)}, many[1:249])
		save(nil, nil)
		want := []delivery.SiteRecord{record("mx000.example", "source", `{"n":2}`), record("mx000.example", "url_domain", `{}`), many[249]}
		got := must(db.SiteRecords(ctx))(t)
		same := func(a, b delivery.SiteRecord) bool { return fmt.Sprintf("%s", a) == fmt.Sprintf("%s", b) }
		if !slices.EqualFunc(got, want, same) {
			t.Errorf("records %s, want %s", got, want)
		}

		// An order to forget one stands until its record is deleted.
		source, nobody := "192.0.2.1", "192.0.2.9"
		if err := db.ForgetSite(ctx, "mx000.example", &nobody); !errors.Is(err, campaign.ErrNotFound) {
			t.Errorf("forgetting a source that nothing was learned of: %v", err)
		}
		if err := db.ForgetSite(ctx, "mx000.example", &source); err != nil {
			t.Error(err)
		}
		save(want[:2], nil)
		if got := must(db.SiteRecords(ctx))(t); !slices.EqualFunc(got, want[1:], same) {
			t.Errorf("records %s, want %s", got, want[1:])
		}
		if err := db.ForgetSite(ctx, "mx000.example", nil); err != nil {
			t.Error(err)
		}
		orders := must(db.ForgottenSites(ctx))(t)
		if len(orders) != 2 || orders[0].Site != "mx000.example" {
			t.Errorf("to be forgotten: %s", orders)
		}
		save(nil, orders)
		if got := must(db.ForgottenSites(ctx))(t); len(got) != 0 {
			t.Errorf("still to be forgotten: %s", got)
		}
		save(want[:1], nil)
		if got := must(db.SiteRecords(ctx))(t); len(got) != 2 {
			t.Errorf("what is learned anew is not kept: %s", got)
		}
	})
}
