package web

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

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
	if s := w.admin.save(path+"/draft", http.StatusConflict, draft(version, "brake", "on", "brake_rejections", "few")...); s.Field != "brake_rejections" {
		t.Errorf("a share that is no number: %+v", s)
	}
	save(campaign.Brake{Off: true}, "brake", "off")
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
