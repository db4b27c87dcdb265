package web

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"broadside/campaign"
)

// A marketing person says where the brake is pulled, in percent as people write it.
func TestBrakeIsComposed(t *testing.T) {
	w := newWorld(t)
	_, path := w.admin.post("/campaigns", http.StatusSeeOther, "name", "Spring")
	version := w.admin.version(path)
	save := func(want campaign.Brake, fields ...string) saved {
		t.Helper()
		s := w.admin.save(path+"/draft", http.StatusOK, draft(version, fields...)...)
		version = fmt.Sprint(s.Version)
		if c, err := w.db.CampaignByName(t.Context(), "Spring"); err != nil || c.Spec.Brake != want {
			t.Errorf("%q: %+v (%v), want %+v", fields, c.Spec.Brake, err, want)
		}
		return s
	}
	tight := campaign.Brake{Bounces: 2.5, Complaints: 0.1}
	save(tight, "brake", "on", "brake_bounces", "2,5", "brake_complaints", "0.1 %", "brake_rejections", "")
	save(tight) // a form without the fields
	if page := w.admin.get(path, http.StatusOK); !strings.Contains(page, `name="brake_bounces" inputmode="decimal" value="2.5" placeholder="10"`) {
		t.Errorf("what is set is not shown: %s", page)
	}
	s := save(campaign.Brake{Complaints: 140}, "brake", "on", "brake_complaints", "140")
	if !slices.ContainsFunc(s.Findings, func(f campaign.Finding) bool { return f.Blocks && f.Where == "brake.complaints" }) {
		t.Errorf("140 %% is no finding: %+v", s.Findings)
	}
	for _, wrong := range []struct{ field, text, says string }{
		{"brake_rejections", "few", "a number of percent"},
		{"brake_bounces", "nan", "a number of percent"},
		{"brake_bounces", "inf", "a number of percent"},
		{"brake_complaints", "-Infinity %", "a number of percent"},
		{"brake_complaints", "0", "above 0, or empty for the usual 0.3 %."},
		{"brake_bounces", "-1", "above 0, or empty for the usual 10 %."},
	} {
		s := w.admin.save(path+"/draft", http.StatusConflict, draft(version, "brake", "on", wrong.field, wrong.text)...)
		if s.Field != wrong.field || !strings.Contains(s.Problem, wrong.says) {
			t.Errorf("%s %q: %+v, want %q", wrong.field, wrong.text, s, wrong.says)
		}
	}
	save(campaign.Brake{Off: true}, "brake", "off")
	if page := w.admin.get(path, http.StatusOK); !strings.Contains(page, "Off: no canary either.") || !strings.Contains(page, "With the brake off, nobody goes first.") {
		t.Errorf("that there is no canary is not said: %s", page)
	}
}

// Whoever sends a campaign, or looks at its run, reads what its author made of the brake.
func TestBrakeIsReviewed(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	for name, c := range map[string]struct {
		set  func(*campaign.Spec)
		want string
	}{
		"usual": {func(*campaign.Spec) {}, `<dt>Brake</dt><dd>pauses the run by itself at a site with more than 10 % bounces, 0.3 % complaints or 10 % rejections, from 500 recipients of the site on`},
		"own": {func(s *campaign.Spec) { s.Brake = campaign.Brake{Bounces: 2.5, Complaints: 0.05, Least: 12_000} },
			`<dt>Brake</dt><dd>pauses the run by itself at a site with more than 2.5 % bounces, 0.05 % complaints or 10 % rejections, from 12,000 recipients of the site on`},
		"off":     {func(s *campaign.Spec) { s.Brake.Off = true }, `<dt>Brake</dt><dd class="strong">off: the run goes on whatever the sites answer</dd>`},
		"receipt": {func(s *campaign.Spec) { s.Class = campaign.Transactional }, `<dt>Brake</dt><dd>off for transactional mail: the run goes on whatever the sites answer</dd>`},
	} {
		spec := campaign.Spec{Name: name}
		c.set(&spec)
		made, err := w.db.CreateCampaign(ctx, spec, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		run, err := w.db.CreateRun(ctx, made, campaign.RunRunning, time.Now(), time.Now())
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range []string{fmt.Sprintf("/campaigns/%d/review", made.ID), fmt.Sprintf("/runs/%d", run.ID)} {
			if page := w.admin.get(path, http.StatusOK); !strings.Contains(page, c.want) {
				t.Errorf("%s of %s does not say %q:\n%s", path, name, c.want, page)
			}
		}
		if name != "usual" {
			continue
		}
		if err := w.db.PullBrake(ctx, run.ID, "too many bounced", time.Now()); err != nil {
			t.Fatal(err)
		}
		if page := w.admin.get(fmt.Sprintf("/runs/%d", run.ID), http.StatusOK); !strings.Contains(page, "on. It did once, and does not again in this run.</dd>") {
			t.Errorf("a brake that was pulled is said to work: %s", page)
		}
	}
}

// An expression for a repetition is said in words while it is written.
func TestRepetitionInWords(t *testing.T) {
	w := newWorld(t)
	_, path := w.admin.post("/campaigns", http.StatusSeeOther, "name", "Spring")
	s := w.admin.save(path+"/draft", http.StatusOK, draft(w.admin.version(path), "repeat_cron", "0 9 * * mon", "repeat_zone", "Europe/Berlin")...)
	if !strings.Contains(s.Repeats, "Monday") || !strings.Contains(s.Repeats, "09:00") || !strings.Contains(s.Repeats, "Next Mon") {
		t.Errorf("it says %q", s.Repeats)
	}
	if s := w.admin.save(path+"/draft", http.StatusOK, draft(fmt.Sprint(s.Version), "repeat_cron", "0 99 * * mon", "repeat_zone", "Europe/Berlin")...); s.Repeats != "" {
		t.Errorf("no time says %q", s.Repeats)
	}
}
