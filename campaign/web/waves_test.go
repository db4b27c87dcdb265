package web

import (
	"fmt"
	"net/http"
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
