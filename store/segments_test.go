package store_test

import (
	"errors"
	"maps"
	"slices"
	"testing"
	"time"

	"broadside/campaign"
	"broadside/store"
)

func TestSegments(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, _ string) {
		ctx := t.Context()
		gold := must(db.CreateSegment(ctx, "gold", `plan == "gold"`, now))(t)
		must(db.CreateSegment(ctx, "adults", "age >= 18", now))(t)
		if _, err := db.CreateSegment(ctx, "gold", "true", now); !errors.Is(err, campaign.ErrExists) {
			t.Errorf("same name: %v", err)
		}
		if all := must(db.Segments(ctx))(t); len(all) != 2 || all[0].Name != "adults" || all[1] != gold || !gold.Created.Equal(now) {
			t.Errorf("segments %+v", all)
		}
		if _, err := db.UpdateSegment(ctx, gold.ID, "adults", "true", now); !errors.Is(err, campaign.ErrExists) {
			t.Errorf("another's name: %v", err)
		}
		if _, err := db.UpdateSegment(ctx, 99, "new", "true", now); !errors.Is(err, campaign.ErrNotFound) {
			t.Errorf("no segment: %v", err)
		}
		changed := must(db.UpdateSegment(ctx, gold.ID, "golden", "points > 9", now))(t)
		if got := must(db.SegmentByName(ctx, "golden"))(t); got != changed || got.Expression != "points > 9" {
			t.Errorf("changed %+v", got)
		}
		if _, err := db.SegmentByName(ctx, "gold"); !errors.Is(err, campaign.ErrNotFound) {
			t.Errorf("old name: %v", err)
		}
		if err := db.DeleteSegment(ctx, gold.ID); err != nil {
			t.Fatal(err)
		}
		if err := db.DeleteSegment(ctx, gold.ID); !errors.Is(err, campaign.ErrNotFound) {
			t.Errorf("deleted twice: %v", err)
		}
	})
}

// Who refers to a segment is known as the campaigns stand.
func TestSegmentUsers(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, _ string) {
		ctx := t.Context()
		users := func(want ...string) {
			t.Helper()
			if got := must(db.SegmentUsers(ctx, "gold"))(t); !slices.Equal(got, want) {
				t.Errorf("used by %q, want %q", got, want)
			}
		}
		users()
		must(db.CreateCampaign(ctx, campaign.Spec{Name: "b", Segments: []string{"gold", "gold"}}, now))(t)
		a := must(db.CreateCampaign(ctx, campaign.Spec{Name: "a", ExcludeSegments: []string{"gold"}}, now))(t)
		users("a", "b")
		must(db.UpdateCampaign(ctx, a.ID, campaign.Spec{Name: "a", Segments: []string{"silver"}}, now))(t)
		users("b")
	})
}

// A selection is written once.
func TestFreezeSelection(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, _ string) {
		ctx := t.Context()
		if _, err := db.SelectionOf(ctx, 1); !errors.Is(err, campaign.ErrNotFound) {
			t.Errorf("none: %v", err)
		}
		first := campaign.Selection{Only: "a > 1", Any: []string{"b"}, Without: []string{"c", "d"}}
		for _, s := range []campaign.Selection{first, {Only: "later"}} {
			got := must(db.FreezeSelection(ctx, 1, s))(t)
			if got.Only != first.Only || !slices.Equal(got.Any, first.Any) || !slices.Equal(got.Without, first.Without) {
				t.Errorf("frozen %+v", got)
			}
		}
	})
}

// Received are those whose server took a message and sent none back.
func TestHappened(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, _ string) {
		ctx := t.Context()
		c := must(db.CreateCampaign(ctx, campaign.Spec{Name: "spring"}, now))(t)
		if _, err := db.RunsNamed(ctx, "summer"); !errors.Is(err, campaign.ErrNotFound) {
			t.Errorf("no campaign: %v", err)
		}
		if runs := must(db.RunsNamed(ctx, "spring"))(t); len(runs) != 0 {
			t.Errorf("runs %v", runs)
		}
		run := func(states ...campaign.State) campaign.RunID {
			r := must(db.CreateRun(ctx, c, campaign.RunRunning, now, now))(t)
			var rows []campaign.NewRecipient
			for i, s := range states {
				rows = append(rows, campaign.NewRecipient{Lane: campaign.TailLane, Contact: campaign.ContactID(i + 1), State: s})
			}
			if err := db.AppendRecipients(ctx, r.ID, 0, campaign.ContactID(len(states)), rows, true); err != nil {
				t.Fatal(err)
			}
			must(db.SetRunState(ctx, r.ID, []campaign.RunState{campaign.RunRunning}, campaign.RunCancelled, "", now))(t)
			return r.ID
		}
		first := run(campaign.Accepted, campaign.Waiting, campaign.Skipped, campaign.Accepted)
		second := run(campaign.Bounced, campaign.Accepted, campaign.Unknown, campaign.Waiting)
		runs := must(db.RunsNamed(ctx, "spring"))(t)
		if !slices.Equal(runs, []campaign.RunID{second, first}) {
			t.Errorf("runs %v", runs)
		}
		heard := []campaign.Feedback{
			{Recipient: campaign.Recipient{Run: first, Lane: campaign.TailLane, Contact: 4}, Kind: campaign.SoftBounce, At: now},
			{Recipient: campaign.Recipient{Run: first, Lane: campaign.TailLane, Contact: 1}, Kind: campaign.Complaint, At: now}, // read it
		}
		if err := db.Heard(ctx, heard); err != nil {
			t.Fatal(err)
		}
		got := must(db.Happened(ctx, campaign.Received, runs, []campaign.ContactID{1, 2, 3, 4, 5}))(t)
		if ids := slices.Sorted(maps.Keys(got)); !slices.Equal(ids, []campaign.ContactID{1, 2}) {
			t.Errorf("received: %v", ids)
		}
		if got := must(db.Happened(ctx, campaign.Received, runs[1:], []campaign.ContactID{2, 3}))(t); len(got) != 0 {
			t.Errorf("one run of some: %v", got)
		}
		if _, err := db.Happened(ctx, "smelled", runs, []campaign.ContactID{1}); err == nil {
			t.Error("what nobody keeps: no error")
		}
	})
}

// What machines did is no sign of a person; who clicked has opened.
func TestHappenedByPeople(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, _ string) {
		r := readers(t, db)
		r.apply(
			r.hit(1, 0, time.Minute, campaign.ByPerson), r.hit(1, 0, time.Hour, campaign.ByPerson),
			r.hit(2, 3, time.Minute, campaign.ByPerson),
			r.hit(3, 0, time.Minute, campaign.PrivacyProxy), r.hit(3, 1, time.Minute, campaign.ScannerAgent),
		)
		for what, want := range map[campaign.Happening][]campaign.ContactID{campaign.Received: {1, 2, 3}, campaign.Opened: {1, 2}, campaign.Clicked: {2}} {
			got := must(db.Happened(t.Context(), what, []campaign.RunID{r.run}, []campaign.ContactID{1, 2, 3, 4}))(t)
			if ids := slices.Sorted(maps.Keys(got)); !slices.Equal(ids, want) {
				t.Errorf("%s: %v, want %v", what, ids, want)
			}
		}
	})
}
