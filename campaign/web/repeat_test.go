package web

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"broadside/campaign/schedule"
)

// The review says an expression in words and the times it means, and what is on.
func TestRepeating(t *testing.T) {
	w := newWorld(t)
	_, path := w.admin.post("/campaigns", http.StatusSeeOther, "name", "Weekly")
	s := w.admin.save(path+"/draft", http.StatusOK, draft(w.admin.version(path), "repeat_cron", "0 9 * *", "repeat_zone", "UTC")...)
	told := false
	for _, f := range s.Findings {
		told = told || f.Where == "repeat.cron" && f.Blocks
	}
	if !told {
		t.Errorf("no word of the expression: %+v", s.Findings)
	}
	w.admin.save(path+"/draft", http.StatusOK, draft(w.admin.version(path), "repeat_cron", "0 9 * * mon", "repeat_zone", "UTC")...)
	text := w.admin.get(path+"/review", http.StatusOK)
	next := timesOf(t, schedule.Repeat{Cron: "0 9 * * mon", Zone: "UTC"}).Next(time.Now())
	for _, want := range []string{"every Monday at 09:00, UTC", next.Format("2 Jan")} {
		if !strings.Contains(text, want) {
			t.Errorf("the review does not say %q", want)
		}
	}
	w.admin.post(path+"/repeat", http.StatusUnprocessableEntity) // it has no list
	w.admin.post(path+"/repeat/skip", http.StatusNotFound)
	w.admin.post(path+"/repeat/stop", http.StatusNotFound)
	c, err := w.db.CampaignByName(t.Context(), "Spring") // as the draft calls it
	if err != nil {
		t.Fatal(err)
	}
	if _, err = w.db.SetRecurrence(t.Context(), c, next); err != nil {
		t.Fatal(err)
	}
	if text = w.admin.get(path+"/review", http.StatusOK); !strings.Contains(text, "Leave out the next") {
		t.Error("the review does not say that it is on")
	}
	again := "again " + next.In(berlin(t)).Format("Mon 2 Jan")
	if text = w.admin.get("/campaigns", http.StatusOK); !strings.Contains(text, again) {
		t.Errorf("the campaigns do not show that it is sent %s", again)
	}
	w.admin.post(path+"/repeat/skip", http.StatusSeeOther)
	if text = w.admin.get(path+"/review", http.StatusOK); !strings.Contains(text, "left out "+next.In(berlin(t)).Format("Mon 2 Jan 2006, 15:04 MST")) {
		t.Error("the review does not say what was left out")
	}
	w.admin.post(path+"/repeat/stop", http.StatusSeeOther)
	if text = w.admin.get("/campaigns", http.StatusOK); strings.Contains(text, "again ") {
		t.Error("the campaigns show it as if it were sent again")
	}
}

// berlin is where the admin of newWorld lives.
func berlin(t *testing.T) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

func timesOf(t *testing.T, r schedule.Repeat) schedule.Times {
	t.Helper()
	times, err := r.Parse()
	if err != nil {
		t.Fatal(err)
	}
	return times
}
