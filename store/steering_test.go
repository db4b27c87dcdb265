package store_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"broadside/campaign"
	"broadside/delivery"
	"broadside/store"
)

func TestSiteLimits(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, _ string) {
		ctx, at := t.Context(), time.UnixMilli(1_700_000_000_000)
		put := func(l delivery.SiteLimit) {
			t.Helper()
			if err := db.SetSiteLimit(ctx, l); err != nil {
				t.Fatal(err)
			}
		}
		put(delivery.SiteLimit{Site: "yahoo", Rate: 0.5, Since: at, Who: "ann"})
		put(delivery.SiteLimit{Site: "google", Connections: 3, Since: at, Who: "ann"})
		put(delivery.SiteLimit{Site: "google", Rate: 20, Connections: 5, Since: at.Add(time.Second), Who: "ben"})
		want := []delivery.SiteLimit{{Site: "google", Rate: 20, Connections: 5, Since: at.Add(time.Second), Who: "ben"}, {Site: "yahoo", Rate: 0.5, Since: at, Who: "ann"}}
		got, err := db.SiteLimits(ctx)
		if err != nil || !slices.EqualFunc(got, want, func(a, b delivery.SiteLimit) bool {
			return a.Since.Equal(b.Since) && a.Site == b.Site && a.Rate == b.Rate && a.Connections == b.Connections && a.Who == b.Who
		}) {
			t.Errorf("got %+v, %v, want %+v", got, err, want)
		}
		put(delivery.SiteLimit{Site: "google"})
		if got, err := db.SiteLimits(ctx); err != nil || len(got) != 1 || got[0].Site != "yahoo" {
			t.Errorf("after one was taken away: %+v, %v", got, err)
		}
	})
}

func TestBrakeAndWeight(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, _ string) {
		ctx, now := t.Context(), time.UnixMilli(1_700_000_000_000)
		run := newRun(t, db, "steered", nil)
		if pull, err := db.BrakeOf(ctx, run.ID); err != nil || !pull.At.IsZero() {
			t.Errorf("a brake that was not pulled is %+v, %v", pull, err)
		}
		changed, err := db.SetRunWeight(ctx, run.ID, 40)
		if err != nil || changed.Spec.Weight != 40 {
			t.Errorf("the run is %+v, %v", changed, err)
		}
		again, err := db.RunByID(ctx, run.ID)
		if err != nil || again.Spec.Weight != 40 || again.Spec.Name != run.Spec.Name {
			t.Errorf("read again it is %+v, %v", again, err)
		}
		if err := db.PullBrake(ctx, run.ID, "too many", now); err != nil {
			t.Fatal(err)
		}
		if err := db.PullBrake(ctx, run.ID, "again", now); !errors.Is(err, campaign.ErrConflict) {
			t.Errorf("a paused run's brake: %v", err)
		}
		pull, err := db.BrakeOf(ctx, run.ID)
		if err != nil || pull.Note != "too many" || !pull.At.Equal(now) {
			t.Errorf("the brake is %+v, %v", pull, err)
		}
		paused, err := db.RunByID(ctx, run.ID)
		if err != nil || paused.State != campaign.RunPaused || paused.Note != "too many" {
			t.Errorf("the run is %+v, %v", paused, err)
		}
		if _, err := db.SetRunState(ctx, run.ID, []campaign.RunState{campaign.RunPaused}, campaign.RunCancelled, "", now); err != nil {
			t.Fatal(err)
		}
		if _, err := db.SetRunWeight(ctx, run.ID, 5); !errors.Is(err, campaign.ErrConflict) {
			t.Errorf("the weight of a run that is over: %v", err)
		}
		if _, err := db.SetRunWeight(ctx, 99_999, 5); !errors.Is(err, campaign.ErrNotFound) {
			t.Errorf("the weight of no run: %v", err)
		}
	})
}
