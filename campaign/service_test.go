package campaign_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"broadside/campaign"
)

// people3 is a list "all" of three, who have a name, and one without.
func people3(w *world) {
	w.importRows("all", []campaign.ImportRow{
		{Email: "ann@t0.example", Attributes: []byte(`{"name":"Ann","city":"Rome"}`)},
		{Email: "bartholomew@t0.example", Attributes: []byte(`{"name":"Bartholomew the Longest","city":"Rome"}`)},
		{Email: "nameless@t0.example", Attributes: []byte(`{"city":"Oslo"}`)},
	})
}

// What is wrong with a campaign is said in one line with its remedy, and nothing of it
// is stored.
func TestCreateRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	people3(w)
	for _, c := range []struct {
		name   string
		change func(*campaign.Spec)
		want   []string
	}{
		{"an unknown field", func(s *campaign.Spec) { s.Text = "Hello {{ nmae }}" }, []string{`no contact has a field "nmae"`, `did you mean "name"?`}},
		{"a field like none", func(s *campaign.Spec) { s.Text = "Hello {{ shoe_size }}" }, []string{`"shoe_size"`, "there are: city, name"}},
		{"an unknown field in the segment", func(s *campaign.Spec) { s.Segment = `citty == "Rome"` }, []string{"segment:", `"citty"`, `did you mean "city"?`}},
		{"an unknown list", func(s *campaign.Spec) { s.Lists = []string{"everybody"} }, []string{"lists:", "everybody", "import a file into it first"}},
		{"an unknown list to exclude", func(s *campaign.Spec) { s.Exclude = []string{"nobody"} }, []string{"nobody", "not found"}},
		{"a template that is none", func(s *campaign.Spec) { s.Subject = "Hello {{ name" }, []string{"subject"}},
	} {
		s := spec("news", "all")
		c.change(&s)
		for verb, do := range map[string]func(campaign.Spec) error{
			"create":  func(s campaign.Spec) error { _, err := w.service.Create(t.Context(), s); return err },
			"replace": func(s campaign.Spec) error { _, err := w.service.Replace(t.Context(), s); return err },
		} {
			says(t, verb+" "+c.name, do(s), c.want...)
		}
	}
	if stored := must(w.db.Campaigns(t.Context(), false, 0, 10))(t); len(stored) != 0 {
		t.Errorf("stored all the same: %+v", stored)
	}
}

// says checks that an error is one line with these words in it.
func says(t *testing.T, what string, err error, words ...string) {
	t.Helper()
	if err == nil {
		t.Errorf("%s: no error", what)
		return
	}
	for _, word := range words {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("%s: %q does not say %q", what, err, word)
		}
	}
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("%s: more than one line: %q", what, err)
	}
}

func TestCreateAndReplace(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	people3(w)
	ctx := t.Context()
	s := spec("news", "all")
	s.Subject, s.Text = "One", "One"
	must(w.service.Create(ctx, s))(t)
	_, err := w.service.Create(ctx, s)
	says(t, "the same name", err, `"news"`, "exists already", "--replace")
	if !errors.Is(err, campaign.ErrExists) {
		t.Errorf("the same name: %v", err)
	}
	run := must(w.service.Start(ctx, "news", time.Time{}))(t)
	s.Subject = "Two"
	must(w.service.Replace(ctx, s))(t)
	if c := must(w.db.CampaignByName(ctx, "news"))(t); c.Spec.Subject != "Two" {
		t.Errorf("replaced: subject %q", c.Spec.Subject)
	}
	if run = w.latest(run); run.Spec.Subject != "One" {
		t.Errorf("the run that was started has subject %q now", run.Spec.Subject)
	}
	s.Name = "fresh"
	must(w.service.Replace(ctx, s))(t) // of nothing: created
	must(w.db.CampaignByName(ctx, "fresh"))(t)
}

// What must not start doesn't, and says why.
func TestStartRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	people3(w)
	w.service.HasKey = func(domain string) bool { return domain == "example.org" }
	for _, c := range []struct {
		name   string
		change func(*campaign.Spec)
		want   []string
	}{
		{"nobody in the segment", func(s *campaign.Spec) { s.Segment = `city == "Ulm"` }, []string{"audience", "is empty", "check the lists"}},
		{"no key", func(s *campaign.Spec) { s.From = "news@example.net" }, []string{"DKIM", "no key for example.net", "broadside dkim keygen example.net"}},
		{"nobody's message can be made", func(s *campaign.Spec) { s.Segment = `city == "Oslo"` }, []string{"any of 1 recipients", "nameless@t0.example", "name has no value", "default"}},
	} {
		s := spec(c.name, "all")
		c.change(&s)
		must(w.service.Create(t.Context(), s))(t)
		_, err := w.service.Start(t.Context(), c.name, time.Time{})
		says(t, c.name, err, c.want...)
	}
	_, err := w.service.Start(t.Context(), "nothing", time.Time{})
	says(t, "an unknown campaign", err, `no campaign is named "nothing"`, "broadside campaign list")
	if runs := must(w.db.Runs(t.Context(), 0, 10))(t); len(runs) != 0 {
		t.Errorf("started all the same: %+v", runs)
	}
}

// A start_at that has passed is none: each recipient's clock is held against the start, and
// not against a time of last year.
func TestStartAtThatHasPassed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	people3(w)
	s := spec("news", "all")
	s.LocalTime.Zone, s.StartAt = "UTC", time.Now().AddDate(-1, 0, 0)
	if run := w.start(s); time.Since(run.For()) > time.Hour {
		t.Errorf("it is for %s", run.For())
	}
}

// A run is moved only from the states that allow it.
func TestRunStates(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	people3(w)
	ctx := t.Context()
	s := spec("news", "all")
	s.Subject, s.Text = "News", "News"
	must(w.service.Create(ctx, s))(t)
	start := func() error { _, err := w.service.Start(ctx, "news", time.Time{}); return err }
	again := func() error { _, err := w.service.StartAgain(ctx, "news", time.Time{}); return err }
	pause := func() error { _, err := w.service.Pause(ctx, "news", "a note"); return err }
	resume := func() error { _, err := w.service.Resume(ctx, "news"); return err }
	cancel := func() error { _, err := w.service.Cancel(ctx, "news", ""); return err }

	says(t, "pause before the start", pause(), `"news" was never started`)
	for i, step := range []struct {
		name  string
		do    func() error
		want  campaign.RunState // "" when it is refused
		words []string
	}{
		{"start", start, campaign.RunRunning, nil},
		{"start twice", start, "", []string{`"news" has a run that is not over`, "wait for it, or cancel it"}},
		{"resume what runs", resume, "", []string{"is running", "cannot become running"}},
		{"pause", pause, campaign.RunPaused, nil},
		{"pause twice", pause, "", []string{"is paused", "cannot become paused"}},
		{"start while paused", start, "", []string{"not over"}},
		{"resume", resume, campaign.RunRunning, nil},
		{"cancel", cancel, campaign.RunCancelled, nil},
		{"cancel twice", cancel, "", []string{"is cancelled", "cannot become cancelled"}},
		{"resume what is cancelled", resume, "", []string{"is cancelled"}},
		{"start what was sent", start, "", []string{`"news" was sent before`, "--again"}},
		{"start again", again, campaign.RunRunning, nil},
	} {
		err := step.do()
		if step.want == "" {
			says(t, step.name, err, step.words...)
			if !errors.Is(err, campaign.ErrConflict) {
				t.Errorf("%s: %v", step.name, err)
			}
			continue
		}
		if err != nil {
			t.Fatalf("step %d, %s: %v", i, step.name, err)
		}
		if run := must(w.service.LatestRun(ctx, "news"))(t); run.State != step.want {
			t.Errorf("%s: the run is %s", step.name, run.State)
		}
	}
}

// The preflight counts whose message cannot be made, and says who and why.
func TestPreflightMergeFailures(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	people3(w)
	s := spec("news", "all")
	s.PostalAddress = ""
	must(w.service.Create(t.Context(), s))(t)
	p := must(w.service.Preflight(t.Context(), "news"))(t)
	if p.Sampled != 3 || p.Failed != 1 || !p.Complete || p.Bytes == 0 {
		t.Errorf("preflight %+v", p)
	}
	if len(p.FirstFailures) != 1 || !strings.HasPrefix(p.FirstFailures[0], "nameless@t0.example: ") {
		t.Errorf("failures %q", p.FirstFailures)
	}
	var found []string
	for _, f := range p.Findings {
		if f.Blocks != (f.Where == "postal_address") || f.What == "" || f.Fix == "" {
			t.Errorf("finding %+v", f)
		}
		found = append(found, f.Where)
	}
	if got := strings.Join(found, " "); got != "postal_address merge fields" {
		t.Errorf("findings about %s", got)
	}
	if err := p.Blocked(); err == nil || strings.Contains(err.Error(), "merge") {
		t.Errorf("blocked by %v", err)
	}
}

func TestPreview(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	people3(w)
	ctx := t.Context()
	must(w.service.Create(ctx, spec("news", "all")))(t)
	contact, msg, err := w.service.Preview(ctx, "news", "", "Bartholomew@T0.example")
	if err != nil || contact.Email != "bartholomew@t0.example" || !strings.Contains(string(msg), "Subject: Hello Bartholomew the Longest\r\n") {
		t.Errorf("as a contact: %s, %v\n%s", contact.Email, err, msg)
	}
	if contact, msg, err = w.service.Preview(ctx, "news", "", ""); err != nil || contact.Email != "ann@t0.example" || !strings.Contains(string(msg), "Subject: Hello Ann\r\n") {
		t.Errorf("as the first: %s, %v\n%s", contact.Email, err, msg)
	}
	_, _, err = w.service.Preview(ctx, "news", "", "nameless@t0.example")
	says(t, "whose message cannot be made", err, "as nameless@t0.example", "name has no value")
	_, _, err = w.service.Preview(ctx, "news", "", "nobody@t0.example")
	says(t, "an unknown contact", err, "no contact has the address nobody@t0.example")
	_, _, err = w.service.Preview(ctx, "news", "", "not an address")
	says(t, "no address", err, `"not an address" is not an address: no @ sign`)

	longest, shortest, err := w.service.Worst(ctx, "news", "")
	if err != nil || longest.Contact.Email != "bartholomew@t0.example" || shortest.Contact.Email != "ann@t0.example" {
		t.Errorf("worst: longest %s, shortest %s, %v", longest.Contact.Email, shortest.Contact.Email, err)
	}
	if len(longest.Message) <= len(shortest.Message) {
		t.Errorf("the longest message has %d bytes, the shortest %d", len(longest.Message), len(shortest.Message))
	}
}

func TestWhy(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	people3(w)
	_, _, err := w.service.Why(t.Context(), "stranger@t0.example")
	says(t, "a stranger", err, "no contact has the address stranger@t0.example", "never imported")
	if !errors.Is(err, campaign.ErrNotFound) {
		t.Errorf("a stranger: %v", err)
	}
	s := spec("news", "all")
	s.Subject, s.Text = "News", "News"
	run := w.start(s)
	w.record()
	w.take(w.taker(), usedLanes...)
	w.run(w.planner().Run)
	w.finished(run)
	contact, history, err := w.service.Why(t.Context(), "ANN@t0.example")
	if err != nil || contact.Email != "ann@t0.example" || len(history) != 1 {
		t.Fatalf("why: %+v, %+v, %v", contact, history, err)
	}
	if h := history[0]; h.Campaign != "news" || h.Row.State != campaign.Accepted || h.RunState != campaign.RunFinished {
		t.Errorf("history %+v", h)
	}
}
