package campaign_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"broadside/campaign"
)

func TestSavedSegments(t *testing.T) {
	s, _ := peopleService(t)
	ctx := t.Context()
	for _, test := range []struct{ name, expression, where, says string }{
		{"", "name == nil", "name", "1 to 100"},
		{"x", "", "expression", "is empty"},
		{"x", "name ==", "expression", "line 1, column 7"},
		{"x", "nam == 1", "expression", `no contact has a field "nam"; did you mean "name"?`},
		{"x", `received("spring")`, "expression", `no campaign is named "spring"`},
	} {
		_, err := s.CreateSegment(ctx, test.name, test.expression)
		unfit, ok := errors.AsType[*campaign.Unfit](err)
		if !ok || unfit.Findings[0].Where != test.where || !strings.Contains(unfit.Error(), test.says) {
			t.Errorf("%q %q: %v", test.name, test.expression, err)
		}
	}
	named := must(s.CreateSegment(ctx, "named", "has(name)"))(t)
	if _, err := s.CreateSegment(ctx, "named", "true"); !errors.Is(err, campaign.ErrExists) {
		t.Errorf("same name: %v", err)
	}

	spec := draftSpec()
	spec.Segments = []string{"named"}
	c := must(s.CreateDraft(ctx, spec))(t)
	if _, err := s.UpdateSegment(ctx, named, "renamed", "has(name)"); !errors.Is(err, campaign.ErrConflict) || !strings.Contains(err.Error(), c.Spec.Name) {
		t.Errorf("another name while it is used: %v", err)
	}
	named = must(s.UpdateSegment(ctx, named, "named", "len(name) > 1"))(t)
	if err := s.DeleteSegment(ctx, named, false); !errors.Is(err, campaign.ErrConflict) || !strings.Contains(err.Error(), fmt.Sprintf("campaign %q", c.Spec.Name)) {
		t.Errorf("deleted while it is used: %v", err)
	}
	if err := s.DeleteSegment(ctx, named, true); err != nil {
		t.Errorf("deleted anyway: %v", err)
	}
	if err := s.FitAudience(ctx, spec); err == nil || !strings.Contains(err.Error(), `segments: no segment is named "named"`) {
		t.Errorf("a campaign that lost its segment: %v", err)
	}
	if _, err := s.Create(ctx, spec); err == nil || !strings.Contains(err.Error(), "segments: no segment") {
		t.Errorf("created with a segment that is not there: %v", err)
	}
}

// Saved segments, an expression and what a campaign before it reached make an audience
// together; the count says what the snapshot does.
func TestAudienceOfSegments(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	w.list("all", 12, "t0.example") // nr 0 to 11
	w.sends(nil)
	w.run(w.planner().Run)

	first := spec("first", "all")
	first.Segment = "nr < 3"
	w.finished(w.start(first))
	must(w.service.CreateSegment(ctx, "low", "nr < 5"))(t)
	must(w.service.CreateSegment(ctx, "high", "nr >= 10"))(t)
	must(w.service.CreateSegment(ctx, "odd", "nr % 2 == 1"))(t)
	second := spec("second", "all")
	second.Segments, second.ExcludeSegments, second.Segment = []string{"low", "high"}, []string{"odd"}, `not received("first")`
	count := must(w.service.CountAudience(ctx, second, func(campaign.AudienceCount) {}))(t)
	if want := (campaign.AudienceCount{Members: 12, Excluded: 2, Outside: 8, Recipients: 2}); count.Members != want.Members || count.Excluded != want.Excluded || count.Outside != want.Outside || count.Recipients != want.Recipients {
		t.Errorf("counted %+v, want %+v", count, want)
	}
	run := w.start(second)
	w.finished(run)
	if got := reached(w, run); !slices.Equal(got, []string{"all.000004", "all.000010"}) {
		t.Errorf("reached %q", got)
	}
}

func reached(w *world, run campaign.Run) []string {
	w.t.Helper()
	var names []string
	for _, r := range must(w.db.Recipients(w.t.Context(), run.ID, campaign.Accepted, campaign.Recipient{}, 100))(w.t) {
		name, _, _ := strings.Cut(r.Email, "@")
		names = append(names, name)
	}
	return names
}

// A run keeps the expression that its segment had when its audience began to be taken,
// also when another planner takes the rest.
func TestSegmentIsFrozen(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	w.list("all", 1200, "t0.example") // more than the first page
	few := must(w.service.CreateSegment(ctx, "few", "nr % 100 == 0"))(t)
	s := spec("one", "all")
	s.Segments = []string{"few"}
	run := w.start(s)
	must(w.db.FreezeSelection(ctx, run.ID, must(campaign.ResolveSelection(ctx, w.db, s))(t)))(t)
	must(w.service.UpdateSegment(ctx, few, "few", "nr == 7"))(t)
	w.sends(nil)
	w.run(w.planner().Run)
	w.reached(run, 12)
	again := must(w.service.StartAgain(ctx, "one", time.Time{}))(t)
	w.reached(again, 1)
}

// A glance that has time says all; one that has none says the least, and about how many.
func TestGlance(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	w.list("all", 3000, "t0.example", "t1.example")
	spec := campaign.Spec{Lists: []string{"all"}, Segment: "nr % 3 == 0"}
	g := must(w.service.Glance(ctx, spec, time.Hour))(t)
	if !g.Complete || g.Recipients != 1000 || g.About != 1000 || g.Members != 3000 || len(g.Some) != 8 || g.Some[1].Email != "all.000003@t1.example" {
		t.Errorf("in an hour: %+v", g)
	}
	g = must(w.service.Glance(ctx, spec, 0))(t)
	if g.Complete || g.Recipients != 67 || g.About < 900 || g.About > 1100 {
		t.Errorf("in no time: %d, about %d, complete %v", g.Recipients, g.About, g.Complete)
	}
	spec.Segment = "nr < 0"
	if g = must(w.service.Glance(ctx, spec, 0))(t); g.About != 0 || g.Some != nil {
		t.Errorf("of nobody: %+v", g)
	}
}

// Who opened what was not measured is nobody: a campaign that asks for it is warned.
func TestUnknownReaders(t *testing.T) {
	s, db := peopleService(t)
	ctx := t.Context()
	spec := draftSpec()
	spec.Name = "first"
	must(s.CreateDraft(ctx, spec))(t)
	spec.Name, spec.Segment = "second", `not opened("first") and has(name)`
	warned := func() bool {
		return slices.ContainsFunc(must(s.Lint(ctx, spec))(t), func(f campaign.Finding) bool {
			return f.Where == "segment" && !f.Blocks && strings.Contains(f.What, `opened "first", which nobody knows: its measuring is off`)
		})
	}
	if !warned() {
		t.Error("no warning")
	}
	news := must(db.ListByName(ctx, "news"))(t)
	must(db.SetListTracking(ctx, news.ID, campaign.TrackIndividual))(t)
	if warned() {
		t.Error("warned of what is known")
	}
}
