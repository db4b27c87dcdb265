package web

import (
	"encoding/json"
	"fmt"
	"html"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"broadside/campaign"
	"broadside/campaign/account"
)

// inWaves starts a run whose first wave has ann and whose second the two others.
func (w *world) inWaves() campaign.Run {
	w.Helper()
	ctx := w.Context()
	w.admin.importList("people.csv", "news", "email\nann@example.com\nbob@example.com\ncid@example.com\n")
	spec := campaign.Spec{Name: "May", Lists: []string{"news"}}
	spec.From, spec.Subject, spec.Text, spec.PostalAddress = "News <news@example.org>", "May", "May", "Harbour Street 1"
	c, err := w.app.Service.Create(ctx, spec)
	if err != nil {
		w.Fatal(err)
	}
	run, err := w.db.CreateRun(ctx, c, campaign.RunRunning, time.Now(), time.Now())
	if err != nil {
		w.Fatal(err)
	}
	if _, err = w.db.FreezeWaves(ctx, run.ID, campaign.Waves{Kind: campaign.CanaryWaves, Share: 300_000}); err != nil {
		w.Fatal(err)
	}
	rows := make([]campaign.NewRecipient, 3)
	for i := range rows {
		rows[i] = campaign.NewRecipient{Lane: campaign.LaneGoogle, Contact: campaign.ContactID(i + 1), Wave: 1 + campaign.Wave(min(i, 1))}
	}
	if err = w.db.AppendRecipients(ctx, run.ID, 0, 3, rows, true); err != nil {
		w.Fatal(err)
	}
	return run
}

// A run's page says who goes first, and lets somebody who may send let the others go.
func TestRestIsSentFromThePage(t *testing.T) {
	w := newWorld(t)
	run := w.inWaves()
	path := fmt.Sprintf("/runs/%d", run.ID)
	const waits, button = "A canary of 1 of 3 goes first, over all sites. The other 2 leave 10 min after it was tried", `id="rest"`
	text := w.admin.get(path, http.StatusOK)
	if !strings.Contains(text, waits) || !strings.Contains(text, button) {
		t.Errorf("the page of the run: %s", text)
	}
	author := w.as(account.Author)
	if text = author.get(path, http.StatusOK); strings.Contains(text, button) {
		t.Error("who may not send is offered to")
	}
	author.post(path+"/rest", http.StatusForbidden)
	w.admin.post(path+"/rest", http.StatusSeeOther)
	if text = w.admin.get(path, http.StatusOK); strings.Contains(text, waits) || !strings.Contains(text, "1 of 3 went first; the rest left") {
		t.Errorf("the page afterwards: %s", text)
	}
	w.admin.post(path+"/rest", http.StatusConflict)
}

// When people get it by the clocks of their zones follows the start that is typed, asked by
// the page's script, or shown with the page again where there is none. Times are in the zone
// of who asks.
func TestClocksFollowTheStart(t *testing.T) {
	w := newWorld(t)
	_, at := w.admin.upload("/uploads", "people.csv", "email,timezone\nann@example.com,Pacific/Auckland\nbob@example.com,America/New_York\n", http.StatusSeeOther)
	w.admin.post(at+"/check", http.StatusSeeOther, "new_list", "news", "column-0", "email", "column-1", "timezone")
	w.admin.settled(at)
	w.admin.post(at+"/import", http.StatusSeeOther)
	w.admin.settled(at)
	_, path := w.admin.post("/campaigns", http.StatusSeeOther, "name", "Daily")
	w.admin.save(path+"/draft", http.StatusOK, draft(w.admin.version(path), "lists", "news", "local_zone", "Europe/Berlin")...)
	w.admin.post("/account/zone", http.StatusSeeOther, "zone", "Asia/Kathmandu")

	kathmandu := account.User{Zone: "Asia/Kathmandu"}.Location()
	day := time.Now().In(berlin(t)).AddDate(0, 0, 3)
	nine := func(name string) string {
		there, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		return time.Date(day.Year(), day.Month(), day.Day(), 9, 0, 0, 0, there).In(kathmandu).Format("Mon 2 Jan, 15:04 MST")
	}
	typed := url.Values{"when": {"at"}, "at": {day.Format("2006-01-02") + "T09:00"}, "zone": {"Europe/Berlin"}}
	want := fmt.Sprintf("For %s, 09:00 on each recipient's clock: the first at %s (Pacific/Auckland), the last at %s (America/New_York).", day.Format("Mon 2 Jan"), nine("Pacific/Auckland"), nine("America/New_York"))
	news := func(query url.Values) string {
		var answer struct{ Clocks string }
		if err := json.Unmarshal([]byte(w.admin.get(path+"/clocks?"+query.Encode(), http.StatusOK)), &answer); err != nil {
			t.Fatal(err)
		}
		return answer.Clocks
	}
	if got := news(typed); got != "" {
		t.Errorf("before anybody has counted: %q", got)
	}
	w.admin.get(path+"/audience", http.StatusOK)
	if got := news(typed); got != want {
		t.Errorf("the script is told\n%s\nwant\n%s", got, want)
	}
	for _, wrong := range []struct{ field, value, want string }{
		{"at", "", "The time is not chosen yet: choose a day and a time."},
		{"at", "2020-01-01T09:00", "The time is in the past."},
		{"zone", "Berlin", "The time zone is not a time zone; write it like Europe/Berlin."},
	} {
		query := maps.Clone(typed)
		query.Set(wrong.field, wrong.value)
		if got := news(query); got != wrong.want {
			t.Errorf("%s %q: %q, want %q", wrong.field, wrong.value, got, wrong.want)
		}
	}
	if got := news(url.Values{"when": {"now"}}); got == want || !strings.Contains(got, "on each recipient's clock:") {
		t.Errorf("for now: %s", got)
	}

	kept := `name="at" type="datetime-local" value="` + typed.Get("at") + `"`
	if text := html.UnescapeString(w.admin.get(path+"/review?"+typed.Encode(), http.StatusOK)); !strings.Contains(text, want) || !strings.Contains(text, kept) {
		t.Errorf("without a script: %s", text)
	}
	// A start that is refused keeps what was typed, and what it means.
	text, _ := w.admin.post(path+"/start", http.StatusUnprocessableEntity, "when", "at", "at", typed.Get("at"), "zone", "Berlin")
	if !strings.Contains(text, kept) || !strings.Contains(text, "is not a time zone") {
		t.Errorf("a start in no zone: %s", text)
	}

	// Now is now, also for what is repeated later.
	w.admin.save(path+"/draft", http.StatusOK, draft(w.admin.version(path), "lists", "news", "local_zone", "Europe/Berlin", "repeat_cron", "0 9 1 1 *", "repeat_zone", "Europe/Berlin")...)
	if events := w.admin.get(path+"/audience", http.StatusOK); strings.Contains(events, " Jan, 09:00 on each") || !strings.Contains(events, "on each recipient's clock") && !strings.Contains(events, "on each recipient\\u0027s clock") {
		t.Errorf("the page counts for the repetition: %s", events)
	}
	if got := news(url.Values{"when": {"now"}}); strings.Contains(got, " Jan, 09:00 on each") {
		t.Errorf("now is told as the repetition: %s", got)
	}

	// What keeps people from being counted is among the findings, and no reason for no page.
	w.admin.save(path+"/draft", http.StatusOK, draft(w.admin.version(path), "lists", "news", "local_zone", "Berlin")...)
	w.admin.get(path+"/review?when=now", http.StatusOK)
	w.admin.post(path+"/start", http.StatusUnprocessableEntity, "when", "now")
	if got := news(url.Values{"when": {"now"}}); got != "" {
		t.Errorf("of a campaign that cannot be counted: %q", got)
	}
}

// A canary and local time are said on the compose page, and the review tells in words
// what they come to.
func TestWavesAreComposedAndReviewed(t *testing.T) {
	w := newWorld(t)
	w.admin.importList("people.csv", "news", "email\nann@example.com\nbob@example.com\ncid@example.com\n")
	_, path := w.admin.post("/campaigns", http.StatusSeeOther, "name", "Daily")
	s := w.admin.save(path+"/draft", http.StatusOK, draft(w.admin.version(path), "lists", "news", "canary", "most", "local_zone", "Berlin")...)
	said := map[string]bool{}
	for _, f := range s.Findings {
		said[f.Where] = f.Blocks
	}
	if !said["brake.canary"] || !said["local_time.zone"] {
		t.Errorf("no word of what cannot be: %+v", s.Findings)
	}
	w.admin.save(path+"/draft", http.StatusOK, draft(w.admin.version(path), "lists", "news", "canary", "5%")...)
	if text := w.admin.get(path+"/review", http.StatusOK); !strings.Contains(text, "5 % go first, over all sites; the rest leaves 10 min after") {
		t.Errorf("the review of a canary: %s", text)
	}
	w.admin.save(path+"/draft", http.StatusOK, draft(w.admin.version(path), "lists", "news", "local_zone", "Europe/Berlin")...)
	if text := w.admin.get(path, http.StatusOK); !strings.Contains(text, `name="local_zone" value="Europe/Berlin"`) {
		t.Errorf("the page has lost it: %s", text)
	}
	if text := w.admin.get(path+"/review", http.StatusOK); !strings.Contains(text, "each recipient's own, or that of Europe/Berlin") {
		t.Errorf("the review of local time: %s", text)
	}
	if text := w.admin.get(path+"/audience", http.StatusOK); !strings.Contains(text, "Without a zone that is known, by the clock of Europe/Berlin: 3 people.") {
		t.Errorf("the audience: %s", text)
	}
}
