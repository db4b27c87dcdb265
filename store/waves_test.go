package store_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"broadside/campaign"
	"broadside/store"
)

// How a run is parted is said once; how far it is open only grows.
func TestWaves(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, _ string) {
		ctx := t.Context()
		run := must(db.CreateRun(ctx, newCampaign(t, db, "may"), campaign.RunRunning, now, now))(t)
		if _, err := db.WavesOf(ctx, run.ID); !errors.Is(err, campaign.ErrNotFound) {
			t.Errorf("none: %v", err)
		}
		want := campaign.Waves{Kind: campaign.CanaryWaves, Share: 10_000, Base: now}
		for _, w := range []campaign.Waves{want, {Kind: campaign.NoWaves}} {
			if got := must(db.FreezeWaves(ctx, run.ID, w))(t); got != want {
				t.Errorf("frozen %+v", got)
			}
		}
		due := now.Add(time.Hour)
		for _, d := range []time.Time{due, due.Add(time.Hour)} {
			if err := db.SetWavesDue(ctx, run.ID, d); err != nil {
				t.Fatal(err)
			}
		}
		want.Due = due
		if got := must(db.WavesOf(ctx, run.ID))(t); got != want {
			t.Errorf("due %+v", got)
		}
		for _, c := range []struct {
			upTo   campaign.Wave
			opened bool
		}{{2, true}, {1, false}, {2, false}, {3, true}} {
			if got := must(db.OpenWaves(ctx, run.ID, c.upTo, "somebody said so", now))(t); got != c.opened {
				t.Errorf("open up to %d: %t", c.upTo, got)
			}
		}
		want.Due, want.Open, want.Opened, want.Note = time.Time{}, 3, now, "somebody said so"
		if got := must(db.WavesOf(ctx, run.ID))(t); got != want {
			t.Errorf("opened %+v", got)
		}
	})
}

// Waves are read in their order, each up to where it is open, whatever order the snapshot
// found their people in, and outcomes change no wave.
func TestWaitingInWaves(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, _ string) {
		ctx := t.Context()
		run := must(db.CreateRun(ctx, newCampaign(t, db, "may"), campaign.RunRunning, now, now))(t)
		pages := [][]campaign.NewRecipient{
			{{Lane: 1, Contact: 1, Wave: 3}, {Lane: 1, Contact: 2, Wave: 1}, {Lane: 2, Contact: 3, Wave: 1}, {Lane: 1, Contact: 4, State: campaign.Skipped, Reason: campaign.Suppressed}},
			{{Lane: 1, Contact: 5, Wave: 1}, {Lane: 1, Contact: 6, Wave: 2}, {Lane: 1, Contact: 7, Wave: 1}},
		}
		if err := db.AppendRecipients(ctx, run.ID, 0, 4, pages[0], false); err != nil {
			t.Fatal(err)
		}
		if err := db.AppendRecipients(ctx, run.ID, 4, 7, pages[1], true); err != nil {
			t.Fatal(err)
		}
		want := []campaign.WaveCount{{Lane: 1, Wave: 1, N: 3}, {Lane: 1, Wave: 2, N: 1}, {Lane: 1, Wave: 3, N: 1}, {Lane: 2, Wave: 1, N: 1}}
		if got := must(db.WaveCounts(ctx, run.ID))(t); !slices.Equal(got, want) {
			t.Errorf("counts %+v", got)
		}
		read := func(after campaign.Place, upTo campaign.Wave, limit int) []campaign.Place {
			var places []campaign.Place
			for _, r := range must(db.WaitingInWaves(ctx, run.ID, 1, after, upTo, limit))(t) {
				places = append(places, campaign.Place{Wave: r.Wave, Contact: r.Contact})
			}
			return places
		}
		all := []campaign.Place{{Wave: 1, Contact: 2}, {Wave: 1, Contact: 5}, {Wave: 1, Contact: 7}, {Wave: 2, Contact: 6}, {Wave: 3, Contact: 1}}
		if got := read(campaign.Place{}, 3, 10); !slices.Equal(got, all) {
			t.Errorf("all waves %v", got)
		}
		if got := read(campaign.Place{}, 1, 10); !slices.Equal(got, all[:3]) {
			t.Errorf("the first wave %v", got)
		}
		if got := read(all[1], 2, 2); !slices.Equal(got, all[2:4]) {
			t.Errorf("over the border of two waves %v", got)
		}
		if got := read(campaign.Place{}, 0, 10); got != nil {
			t.Errorf("no wave is open, but %v", got)
		}
		e := campaign.Event{Recipient: campaign.Recipient{Run: run.ID, Lane: 1, Contact: 5}, Attempt: 1, State: campaign.Accepted, At: now}
		if err := db.Apply(ctx, 0, 1, []campaign.Event{e}); err != nil {
			t.Fatal(err)
		}
		if got := read(campaign.Place{}, 2, 10); !slices.Equal(got, []campaign.Place{all[0], all[2], all[3]}) {
			t.Errorf("after an outcome %v", got)
		}
	})
}
