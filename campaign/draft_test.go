package campaign_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"broadside/campaign"
	"broadside/campaign/message"
	"broadside/store"
	"broadside/store/storetest"
)

// people opens a store with three people, one of whom left, and one who is suppressed.
func peopleService(t *testing.T) (*campaign.Service, *store.DB) {
	t.Helper()
	ctx := t.Context()
	db, err := store.Open(ctx, filepath.Join(t.TempDir(), "test.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	now := time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC)
	list, _, err := storetest.List(ctx, db, "news", now,
		campaign.ImportRow{Email: "ann@example.org", Attributes: []byte(`{"name":"Ann <b>"}`)},
		campaign.ImportRow{Email: "bob@example.org", Attributes: []byte(`{"name":"Bob with a name that is rather long"}`)},
		campaign.ImportRow{Email: "eve@example.org", Attributes: []byte(`{"name":"E"}`)},
		campaign.ImportRow{Email: "gone@example.org", Attributes: []byte(`{"name":"G"}`)})
	if err != nil {
		t.Fatal(err)
	}
	gone, err := db.ContactByEmail(ctx, "gone@example.org")
	if err == nil {
		err = db.Unsubscribe(ctx, gone.ID, list.ID, now)
	}
	if err == nil {
		_, err = db.Suppress(ctx, []campaign.Suppression{{Email: "eve@example.org", Reason: "complained", At: now}})
	}
	if err != nil {
		t.Fatal(err)
	}
	return &campaign.Service{Store: db, Now: time.Now, PublicURL: "https://news.example"}, db
}

func draftSpec() campaign.Spec {
	return campaign.Spec{Name: "spring", Lists: []string{"news"}, Source: message.Source{
		From: "Ännchen <news@example.org>", Subject: "Hi {{ name }}", Preheader: "Psst.", PostalAddress: "Harbour 1",
		Markdown: "# Hello {{ name }}\n\n![a pea](cid:pea.png)\n\nIt is spring. The frost is over, the first seeds may go out, and nasturtiums feed the bees, and you, all summer long.",
		Inline:   []message.File{{Name: "pea.png", Data: []byte("\x89PNG")}},
	}}
}

func TestDrafts(t *testing.T) {
	s, _ := peopleService(t)
	ctx := t.Context()
	c, err := s.CreateDraft(ctx, campaign.Spec{Name: "spring"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.CreateDraft(ctx, campaign.Spec{Name: "spring"}); !errors.Is(err, campaign.ErrExists) {
		t.Errorf("same name: %v", err)
	}
	if _, err := s.CreateDraft(ctx, campaign.Spec{}); err == nil || !strings.HasPrefix(err.Error(), "name: ") {
		t.Errorf("no name: %v", err)
	}
	if _, err := s.SaveDraft(ctx, c, c.Updated.Add(-time.Second), draftSpec()); !errors.Is(err, campaign.ErrConflict) {
		t.Errorf("over another's text: %v", err)
	}
	if _, err := s.SaveDraft(ctx, c, c.Updated, campaign.Spec{Name: "spring", Source: message.Source{Subject: "{{ broken"}}); err != nil {
		t.Errorf("half a text: %v", err)
	}
	if _, err := s.Start(ctx, "spring", time.Time{}); err == nil {
		t.Error("half a text starts")
	}
}

func TestRender(t *testing.T) {
	s, _ := peopleService(t)
	ctx := t.Context()
	for _, test := range []struct{ whom, email, subject string }{
		{"", "ann@example.org", "Hi Ann <b>"},
		{campaign.Longest, "bob@example.org", "Hi Bob with a name that is rather long"},
		{campaign.Shortest, "ann@example.org", "Hi Ann <b>"},
		{"GONE@example.org", "gone@example.org", "Hi G"},
	} {
		r, err := s.Render(ctx, draftSpec(), test.whom)
		if err != nil || r.Contact.Email != test.email || r.Subject != test.subject || r.From != "Ännchen <news@example.org>" {
			t.Errorf("as %q: %+v %v", test.whom, r, err)
		}
		if strings.Contains(r.HTML, "Ann <b>") || !strings.Contains(r.HTML, "data:image/png;base64,iVBORw==") || strings.Contains(r.HTML, "cid:") {
			t.Errorf("as %q: %s", test.whom, r.HTML)
		}
		if !strings.Contains(r.Text, "It is spring.") || !strings.Contains(r.Text, "https://news.example/u/preview") {
			t.Errorf("as %q: %s", test.whom, r.Text)
		}
	}
	empty := draftSpec()
	empty.Lists, empty.From, empty.Markdown = nil, "", `Dear {{ name | default: "reader" }}`
	empty.Subject, empty.Inline = "Hi", nil
	if r, err := s.Render(ctx, empty, ""); err != nil || !strings.Contains(r.Text, "Dear reader") {
		t.Errorf("for nobody: %+v %v", r, err)
	}
	if _, err := s.Render(ctx, draftSpec(), "nobody@example.org"); !errors.Is(err, campaign.ErrNotFound) {
		t.Errorf("as nobody: %v", err)
	}
}

func TestLint(t *testing.T) {
	s, _ := peopleService(t)
	spec := draftSpec()
	if findings, err := s.Lint(t.Context(), spec); err != nil || len(findings) != 0 {
		t.Errorf("a fine letter: %+v %v", findings, err)
	}
	spec.From, spec.Lists, spec.PostalAddress = "", []string{"nowhere"}, ""
	spec.Markdown = "Hello {{ nam }}\n\n[x](http://example.org/)"
	findings, err := s.Lint(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, f := range findings {
		all.WriteString(f.Where + ": " + f.What + "\n")
	}
	for _, want := range []string{"from: ", "postal_address: is empty"} {
		if !strings.Contains(all.String(), want) {
			t.Errorf("no %q in\n%s", want, all.String())
		}
	}
}

// A letter that greets by a name which a list does not have can be sent: its default is
// there for that. One that needs the name, and a slip, cannot.
func TestNamesThatNobodyHas(t *testing.T) {
	s, _ := peopleService(t)
	for text, blocks := range map[string]bool{
		`Dear {{ last_name | default: "reader" }}`:                    false,
		`Dear {{ last_name }}`:                                        true,
		`{{ last_name | default: "Dear reader" }}, {{ last_name }}`:   true,
		`Dear {{ nick_name | default: "reader" }}`:                    true,
		`Dear {{ lastname | default: "reader" }}, {{ name }} is well`: true,
	} {
		spec := draftSpec()
		spec.Subject, spec.Markdown = "Spring", strings.Replace(spec.Markdown, "# Hello {{ name }}", text, 1)
		findings, err := s.Lint(t.Context(), spec)
		if err != nil || len(findings) == 0 {
			t.Fatalf("%s: %+v %v", text, findings, err)
		}
		if f := findings[0]; f.Blocks != blocks || f.Where != "markdown" || !strings.Contains(f.What, "no contact has a field") {
			t.Errorf("%s: %+v", text, f)
		}
		p, err := s.Check(t.Context(), spec)
		if err != nil || (p.Blocked() != nil) != blocks {
			t.Errorf("%s: %+v %v", text, p, err)
		}
	}
}

func TestCountAudience(t *testing.T) {
	s, _ := peopleService(t)
	spec := draftSpec()
	count, err := s.CountAudience(t.Context(), spec, func(campaign.AudienceCount) {})
	if err != nil || count.Members != 4 || count.Recipients != 2 || count.Suppressed != 1 || count.Unsubscribed != 1 || count.Domains["example.org"] != 2 {
		t.Errorf("%+v %v", count, err)
	}
	spec.Segment = `name == "E"`
	count, err = s.CountAudience(t.Context(), spec, func(campaign.AudienceCount) {})
	if err != nil || count.Recipients != 0 || count.Outside != 3 || count.Suppressed != 1 {
		t.Errorf("in the segment: %+v %v", count, err)
	}
}
