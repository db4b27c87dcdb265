package web

import (
	"fmt"
	"html"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"broadside/campaign"
	"broadside/campaign/schedule"
	"broadside/campaign/webhook"
)

// begin creates a campaign with a run of it.
func (w *world) begin(spec campaign.Spec, state campaign.RunState, at time.Time) campaign.Run {
	w.Helper()
	c, err := w.db.CreateCampaign(w.Context(), spec, time.Now())
	if err != nil {
		w.Fatal(err)
	}
	run, err := w.db.CreateRun(w.Context(), c, state, at, time.Now())
	if err != nil {
		w.Fatal(err)
	}
	return run
}

// fillWithTimes has something happen that each kind of page tells the time of. What it says
// of zones is Europe/Berlin.
func (w *world) fillWithTimes() {
	w.Helper()
	ctx, now := w.Context(), time.Now()
	canary := w.inWaves()
	w.admin.post(fmt.Sprintf("/runs/%d/rest", canary.ID), http.StatusSeeOther)

	spec := campaign.Spec{Name: "By their clocks", LocalTime: campaign.LocalTime{Zone: "Europe/Berlin"}, StartAt: now.Add(8 * time.Hour)}
	local := w.begin(spec, campaign.RunRunning, now)
	if _, err := w.db.FreezeWaves(ctx, local.ID, campaign.Waves{Kind: campaign.LocalWaves, Base: now.Add(-time.Hour)}); err != nil {
		w.Fatal(err)
	}
	rows := make([]campaign.NewRecipient, 3)
	for i := range rows {
		rows[i] = campaign.NewRecipient{Lane: campaign.LaneGoogle, Contact: campaign.ContactID(i + 1), Wave: campaign.Wave(1 + 40*i)}
	}
	if err := w.db.AppendRecipients(ctx, local.ID, 0, 3, rows, true); err != nil {
		w.Fatal(err)
	}
	in2days := strings.ToLower(now.AddDate(0, 0, 2).Format("Mon"))
	w.begin(campaign.Spec{Name: "By hours", Window: schedule.Window{Days: in2days, From: "08:00", To: "20:00", Zone: "Europe/Berlin"}}, campaign.RunRunning, now)
	w.begin(campaign.Spec{Name: "Tomorrow"}, campaign.RunScheduled, now.AddDate(0, 0, 1))

	repeat := schedule.Repeat{Cron: "0 9 * * mon", Zone: "Europe/Berlin"}
	c, err := w.db.CreateCampaign(ctx, campaign.Spec{Name: "Weekly", Repeat: repeat}, now)
	if err == nil {
		_, err = w.db.SetRecurrence(ctx, c, timesOf(w.T, repeat).Next(now))
	}
	if err == nil {
		_, err = w.app.Service.SkipNext(ctx, c.ID)
	}
	if err != nil {
		w.Fatal(err)
	}

	w.admin.post("/webhooks", http.StatusOK, "url", "https://example.org/hook", "type", "run.paused")
	_, err = w.db.ChangeWebhook(ctx, 1, func(e *webhook.Endpoint) error {
		e.State, e.Why = webhook.Disabled, "it has failed since "+campaign.Noted(now)+", last with: no answer"
		return nil
	})
	if err != nil {
		w.Fatal(err)
	}
	w.admin.post("/suppressions", http.StatusSeeOther, "email", "eve@example.org")
	w.admin.post("/account/tokens", http.StatusOK, "name", "shop", "days", "30", "scope", "see")
}

var (
	pageLink = regexp.MustCompile(` href="(/[^"#]*)"`)
	// othersTime is a time that is by a clock which is not that of the user, or by none.
	othersTime = regexp.MustCompile(`.{0,60}(\b(UTC|GMT|CES?T)\b|\d{4}-\d\d-\d\d[T ]\d\d:\d\d).{0,20}`)
)

// Whatever page a user opens tells times by the user's own clock, with the zone.
func TestTimesAreInTheUsersZone(t *testing.T) {
	w := newWorld(t)
	w.fillWithTimes()
	w.admin.post("/account/zone", http.StatusSeeOther, "zone", "Asia/Kathmandu")
	told := map[string]int{}
	for paths := []string{"/"}; len(paths) > 0; paths = paths[1:] {
		path := strings.ReplaceAll(paths[0], "&amp;", "&")
		_, known := told[path]
		if known || strings.HasPrefix(path, "/assets/") || strings.HasPrefix(path, "/api/") || strings.HasSuffix(path, ".csv") {
			continue
		}
		text := html.UnescapeString(w.admin.get(path, http.StatusOK))
		told[path] = strings.Count(text, "+0545")
		for _, wrong := range othersTime.FindAllString(text, -1) {
			t.Errorf("%s: %s", path, wrong)
		}
		for _, link := range pageLink.FindAllStringSubmatch(text, -1) {
			paths = append(paths, link[1])
		}
	}
	for path, want := range map[string]int{"/runs/1": 2, "/runs/2": 5, "/runs/3": 2, "/runs/4": 1, "/campaigns/5/review": 5, "/webhooks": 2, "/suppressions": 1, "/account": 2, "/audit": 5} {
		if told[path] < want {
			t.Errorf("%s tells %d times with their zone, want %d", path, told[path], want)
		}
	}
}

// ownFormat is a time that is formatted, in Go or in a template.
var ownFormat = regexp.MustCompile(`\.Format\(|\.Format "[^"]*(2006|15)`)

// A page writes times with When and Day alone, which know the user's zone.
func TestTimesAreWrittenInOnePlace(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	pages, err := filepath.Glob("pages/*.html")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range append(files, pages...) {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if name != "view.go" && !strings.HasSuffix(name, "_test.go") && ownFormat.Match(text) {
			t.Errorf("%s formats a time by itself: use When", name)
		}
	}
}
