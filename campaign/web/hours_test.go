package web

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"broadside/campaign"
	"broadside/campaign/schedule"
)

// A window that is chosen beside the text is shown there, in the review and on the page
// of a run, which says what it waits for.
func TestHours(t *testing.T) {
	w := newWorld(t)
	_, path := w.admin.post("/campaigns", http.StatusSeeOther, "name", "Spring")
	form := draft(w.admin.version(path), "window_from", "08:00", "window_to", "20:00", "window_zone", "Berlin")
	s := w.admin.save(path+"/draft", http.StatusOK, append(form, "window_days", "mon", "window_days", "tue")...)
	told := false
	for _, f := range s.Findings {
		told = told || f.Where == "window.zone" && f.Blocks
	}
	if !told {
		t.Errorf("no word of the zone: %+v", s.Findings)
	}
	form = draft(w.admin.version(path), "window_from", "08:00", "window_to", "20:00", "window_zone", "Europe/Berlin", "spread", "90m")
	w.admin.save(path+"/draft", http.StatusOK, append(form, "window_days", "mon", "window_days", "tue")...)
	if text := w.admin.get(path, http.StatusOK); !strings.Contains(text, `value="tue" checked`) || strings.Contains(text, `value="wed" checked`) || !strings.Contains(text, `value="08:00"`) || !strings.Contains(text, `value="1h30m"`) {
		t.Errorf("the window is not shown: %s", text)
	}
	const words = "Mon, Tue 08:00–20:00, Europe/Berlin"
	if text := w.admin.get(path+"/review", http.StatusOK); !strings.Contains(text, words) || !strings.Contains(text, "evenly over 1h30m") {
		t.Errorf("the review does not tell the hours: %s", text)
	}
	week := []string{"mon", "tue", "wed", "thu", "fri", "sat", "sun"}
	if got := windowOf(Form{Values: map[string]string{"window_zone": "UTC"}}, week); got != (schedule.Window{}) {
		t.Errorf("every day is a window: %+v", got)
	}

	spec := campaign.Spec{Name: "Tomorrow"}
	tomorrow := time.Now().UTC().AddDate(0, 0, 2)
	spec.Window = schedule.Window{Days: strings.ToLower(tomorrow.Format("Mon")), From: "08:00", To: "20:00", Zone: "UTC"}
	c, err := w.db.CreateCampaign(t.Context(), spec, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	run, err := w.db.CreateRun(t.Context(), c, campaign.RunRunning, time.Time{}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if text, want := w.admin.get(fmt.Sprintf("/runs/%d", run.ID), http.StatusOK), time.Date(tomorrow.Year(), tomorrow.Month(), tomorrow.Day(), 8, 0, 0, 0, time.UTC).In(berlin(t)).Format("waits until Mon 2 Jan, 15:04 MST."); !strings.Contains(text, want) {
		t.Errorf("the run does not say that it %s: %s", want, text)
	}
}
