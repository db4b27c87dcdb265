package campaign_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"broadside/campaign"
	"broadside/store"
	"broadside/store/storetest"
)

// lateList adds 3000 people to a list of others, and then 1500 to one of their own, in
// which those at the end differ.
func lateList(t *testing.T, db *store.DB, usual, end string) {
	t.Helper()
	ctx, now := t.Context(), time.Date(2026, 5, 5, 0, 0, 0, 0, time.UTC)
	for _, l := range []struct {
		name string
		n    int
	}{{"early", 3000}, {"late", 1500}} {
		rows := make([]campaign.ImportRow, l.n)
		for i := range rows {
			values := usual
			if i >= l.n-60 {
				values = end
			}
			rows[i] = campaign.ImportRow{Email: fmt.Sprintf("%s%d@example.org", l.name, i), Attributes: []byte(values)}
		}
		if _, _, err := storetest.List(ctx, db, l.name, now, rows...); err != nil {
			t.Fatal(err)
		}
	}
}

// A page looks at a list's people from its first to its last, whoever was there before it.
func TestPageLooksAllOver(t *testing.T) {
	s, db := peopleService(t)
	ctx, at := t.Context(), time.Date(2026, 5, 6, 0, 0, 0, 0, time.UTC)
	s.Now = func() time.Time { return at }
	lateList(t, db, `{"name":"Ann"}`, `{"nick":"A name that is not filled in"}`)
	spec := draftSpec()
	spec.Lists = []string{"late"}
	p, err := s.Check(ctx, spec)
	if err != nil {
		t.Fatal(err)
	}
	if p.Sampled != 1000 || p.Failed < 10 || p.Complete {
		t.Errorf("%d of %d fail, all %v", p.Failed, p.Sampled, p.Complete)
	}
	spec.Subject, spec.Markdown = "Hi", `Hello {{ nick | default: "you" }}`
	if r, err := s.Render(ctx, spec, campaign.Longest); err != nil || !strings.Contains(r.Text, "not filled in") {
		t.Errorf("longest: %v %s", err, r.Text)
	}
	spec.Segment = `nick == "A name that is not filled in"`
	if p, err := s.Check(ctx, spec); err != nil || p.Sampled < 10 || p.Complete {
		t.Errorf("few of many: %+v %v", p, err)
	}
	spec.Segment = `nick == "nobody's"`
	if p, err := s.Check(ctx, spec); err != nil || p.Blocked() == nil || !p.Complete {
		t.Errorf("nobody: %+v %v", p, err)
	}
}

// What a message shows is looked at also while nobody is found to show it to.
func TestNobodyFoundGetsALinkToo(t *testing.T) {
	s, db := peopleService(t)
	began, calls := time.Date(2026, 5, 6, 0, 0, 0, 0, time.UTC), 0
	s.Now = func() time.Time { // each look is late
		calls++
		return began.Add(time.Duration(calls) * time.Second)
	}
	lateList(t, db, `{"name":"Ann"}`, `{"name":"Zoe"}`)
	spec := draftSpec()
	spec.Lists, spec.Segment, spec.Inline = []string{"late"}, `name == "Zoe"`, nil
	spec.Subject, spec.Markdown, spec.HTML = "Hi", "", `<p>Hello. <a href="{{ unsubscribe_url }}"></a></p>`
	p, err := s.Check(t.Context(), spec)
	if err != nil || p.Sampled != 0 || p.Complete {
		t.Fatalf("%+v %v", p, err)
	}
	if !slices.ContainsFunc(p.Findings, func(f campaign.Finding) bool {
		return f.Blocks && strings.Contains(f.What, "no unsubscribe link")
	}) {
		t.Errorf("findings %+v", p.Findings)
	}
}
