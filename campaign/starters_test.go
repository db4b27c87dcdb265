package campaign_test

import (
	"errors"
	"strings"
	"testing"

	"broadside/campaign"
)

// Every text of the program's own makes a message in which there is nothing to mend, with
// and without a first name.
func TestOwnStarters(t *testing.T) {
	s, _ := peopleService(t)
	ctx := t.Context()
	all := must(s.Starters(ctx))(t)
	if len(all) < 6 {
		t.Fatalf("%d texts", len(all))
	}
	for _, starter := range all {
		if found := must(s.Starter(ctx, starter.Key))(t); found.Name != starter.Name || !found.Own || found.Content.Means == "" {
			t.Errorf("%s: found %+v", starter.Key, found)
		}
		r, err := s.RenderStarter(ctx, starter.Content)
		if err != nil || r.HTML == "" || r.Text == "" || strings.Contains(r.HTML+r.Text+r.Subject, "{{") {
			t.Errorf("%s: %v\n%s", starter.Name, err, r.Text)
		}
		spec := starter.Content.Over(draftSpec())
		findings, err := s.Lint(ctx, spec)
		for _, f := range findings {
			if !strings.Contains(f.What, "first_name") { // nobody here has one
				t.Errorf("%s: %s: %s", starter.Name, f.Where, f.What)
			}
		}
		if err != nil {
			t.Error(err)
		}
		if err := s.DeleteStarter(ctx, starter); !errors.Is(err, campaign.ErrConflict) {
			t.Errorf("%s is deleted: %v", starter.Name, err)
		}
	}
}

func TestSavedStarters(t *testing.T) {
	s, _ := peopleService(t)
	ctx := t.Context()
	content := campaign.StarterOf(draftSpec())
	saved := must(s.CreateStarter(ctx, "ours", content))(t)
	if first := must(s.Starters(ctx))(t)[0]; first.Key != saved.Key || first.Own || first.Content.Markdown != content.Markdown || len(first.Content.Inline) != len(content.Inline) {
		t.Errorf("the first of the library: %+v", first)
	}
	if _, err := s.CreateStarter(ctx, "ours", content); !errors.Is(err, campaign.ErrExists) {
		t.Errorf("same name: %v", err)
	}
	for says, c := range map[string]campaign.StarterContent{
		"is empty": {Subject: "Hi"}, "keep one": {HTML: "<p>a", Markdown: "b"}, "scripts": {HTML: "<script>alert(1)</script>"}, "line 1": {Markdown: "{{ name"},
	} {
		_, err := s.CreateStarter(ctx, "broken", c)
		if _, ok := errors.AsType[*campaign.Unfit](err); !ok || !strings.Contains(err.Error(), says) {
			t.Errorf("%+v: %v", c, err)
		}
	}
	changed := must(s.UpdateStarter(ctx, saved, "theirs", campaign.StarterContent{Markdown: "Hello"}))(t)
	if r := must(s.RenderStarter(ctx, changed.Content))(t); !strings.Contains(r.Text, "Hello") {
		t.Errorf("rendered %q", r.Text)
	}
	if err := s.DeleteStarter(ctx, changed); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Starter(ctx, saved.Key); !errors.Is(err, campaign.ErrNotFound) {
		t.Errorf("deleted: %v", err)
	}
	if _, err := s.Starter(ctx, "nonsense"); !errors.Is(err, campaign.ErrNotFound) {
		t.Errorf("no such text: %v", err)
	}
}
