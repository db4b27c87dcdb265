package store_test

import (
	"errors"
	"reflect"
	"testing"

	"broadside/campaign"
	"broadside/store"
)

// A test has one winner for good, and with it the rest may leave; not while nobody waits,
// and not in a state that was not meant.
func TestDecideAB(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, _ string) {
		ctx := t.Context()
		run, _ := testOf(t, db, "may", 9)
		running := []campaign.RunState{campaign.RunRunning}
		d := campaign.ABDecision{
			Winner: campaign.VariantA + 1, At: now, By: "Ann", Why: "Ann chose it.",
			Evidence: []campaign.ABEvidence{{Variant: campaign.VariantA, Accepted: 3}, {Variant: campaign.VariantA + 1, Accepted: 3, Opens: 2, Clicks: 1}},
		}
		if err := db.DecideAB(ctx, run, running, d); !errors.Is(err, campaign.ErrConflict) {
			t.Errorf("without waves: %v", err)
		}
		must(db.FreezeWaves(ctx, run, campaign.Waves{Kind: campaign.ABWaves, Share: 200_000}))(t)
		if err := db.DecideAB(ctx, run, []campaign.RunState{campaign.RunPaused}, d); !errors.Is(err, campaign.ErrConflict) {
			t.Errorf("of a running run, as if paused: %v", err)
		}
		before := must(db.RunByID(ctx, run))(t)
		if waves := must(db.WavesOf(ctx, run))(t); before.Won.Winner != campaign.NoVariant || waves.OpenAt(now) != 1 {
			t.Errorf("what was refused has changed %+v, %+v", before.Won, waves)
		}
		if err := db.DecideAB(ctx, run, running, d); err != nil {
			t.Fatal(err)
		}
		other := d
		other.Winner = campaign.VariantA
		if err := db.DecideAB(ctx, run, running, other); !errors.Is(err, campaign.ErrConflict) {
			t.Errorf("a second winner: %v", err)
		}
		after := must(db.RunByID(ctx, run))(t)
		after.Won.At = after.Won.At.UTC()
		if !reflect.DeepEqual(after.Won, d) {
			t.Errorf("kept %+v, want %+v", after.Won, d)
		}
		if waves := must(db.WavesOf(ctx, run))(t); waves.Open != 2 || waves.Note != d.Why || !waves.Opened.Equal(now) {
			t.Errorf("waves %+v", waves)
		}
	})
}
