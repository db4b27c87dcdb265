package web

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"broadside/campaign"
	"broadside/campaign/token"
)

// ran makes a campaign's run that is over, in which so many of 1,000 were accepted.
func (w *world) ran(name, list string, accepted int) campaign.Run {
	w.Helper()
	ctx := w.Context()
	spec := campaign.Spec{Name: name, Lists: []string{list}}
	if _, err := w.db.CreateList(ctx, list, time.Now()); err != nil && !errors.Is(err, campaign.ErrExists) {
		w.Fatal(err)
	}
	c, err := w.db.CampaignByName(ctx, name)
	if err != nil {
		c, err = w.db.CreateCampaign(ctx, spec, time.Now())
	}
	if err != nil {
		w.Fatal(err)
	}
	began := time.Now().Add(-time.Hour)
	run, err := w.db.CreateRun(ctx, c, campaign.RunRunning, began, began)
	if err != nil {
		w.Fatal(err)
	}
	rows := make([]campaign.NewRecipient, 1000)
	for i := range rows {
		rows[i] = campaign.NewRecipient{Lane: campaign.LaneGoogle, Contact: campaign.ContactID(i + 1), State: campaign.Accepted}
		if i >= accepted {
			rows[i].State, rows[i].Reason = campaign.Bounced, campaign.UserUnknown
		}
	}
	if err := w.db.AppendRecipients(ctx, run.ID, 0, 1000, rows, true); err != nil {
		w.Fatal(err)
	}
	if run, err = w.db.SetRunState(ctx, run.ID, []campaign.RunState{campaign.RunRunning}, campaign.RunFinished, "", time.Now()); err != nil {
		w.Fatal(err)
	}
	return run
}

// A run is beside its campaign's earlier runs and others to its lists, unless somebody
// chooses; the differences are words, and all of it is a file.
func TestComparing(t *testing.T) {
	w := newWorld(t)
	alone := w.ran("Alone", "others", 500)
	path := fmt.Sprintf("/runs/%d/compare", alone.ID)
	if text := w.admin.get(path, http.StatusOK); !strings.Contains(text, "Nothing to compare with yet") {
		t.Errorf("alone: %s", text)
	}
	letter := w.ran("Letter <b>", "news", 990)
	again := w.ran("Letter <b>", "news", 900)
	spring := w.ran("Spring", "news", 985)
	shows := func(path string, words ...string) {
		t.Helper()
		text := w.admin.get(path, http.StatusOK)
		for _, word := range words {
			if !strings.Contains(text, word) {
				t.Errorf("%s does not show %q\n%s", path, word, text)
			}
		}
		if strings.Contains(text, "<b></a>") {
			t.Error("a name is taken for a tag")
		}
	}
	column := func(r campaign.Run) string { return fmt.Sprintf("<span>run %d</span>", r.ID) }
	shows(fmt.Sprintf("/runs/%d/compare", again.ID), column(letter), "worse now, by 9.0 points", "90.0 %", "not counted", "Gmail", "accepted a second")
	shows(fmt.Sprintf("/runs/%d/compare", spring.ID), column(letter), column(again), "better now, by 8.5 points")
	shows(fmt.Sprintf("/runs/%d/compare?with=%d&with=&with=nonsense", spring.ID, alone.ID), column(alone), "better now, by 48 points")
	shows(fmt.Sprintf("/runs/%d/compare?with=%d&with=%d", spring.ID, spring.ID, spring.ID), "Nothing to compare with yet", "Choose any other run above")
	shows(fmt.Sprintf("/runs/%d", spring.ID), fmt.Sprintf("/runs/%d/compare", spring.ID))
	w.admin.get(path+"?with=999", http.StatusNotFound)
	w.admin.get("/runs/999/compare", http.StatusNotFound)
	resp, text := w.admin.do("GET", fmt.Sprintf("/runs/%d/compare.csv?with=%d", again.ID, letter.ID), nil, nil)
	if resp.StatusCode != http.StatusOK || !strings.HasPrefix(resp.Header.Get("Content-Disposition"), "attachment") || !strings.Contains(text, "Gmail,bounced,tried,100,0.1,10,0.01,worse") {
		t.Errorf("%s %s", resp.Status, text)
	}
}

// Who leaves by the link of a run's message, with a click or by choosing among lists, is
// counted for that run, in its report too.
func TestUnsubscribedByARun(t *testing.T) {
	w := newWorld(t)
	contact := w.subscribe("ann@example.org", "{}", "news", "offers")
	run := w.ran("Spring", "news", 1000) // its first recipient is the first contact
	link := "/u/" + string(linkTokens.Append(nil, token.Unsubscribe, int64(run.ID), int64(contact)))
	for range 2 {
		if resp, text := w.stranger("POST", link, "", ""); resp.StatusCode != http.StatusOK {
			t.Fatalf("%s %s", resp.Status, text)
		}
	}
	if text := w.admin.get(fmt.Sprintf("/runs/%d", run.ID), http.StatusOK); !strings.Contains(text, `<td>unsubscribed</td><td class="num">1</td><td class="num soft">0.10 %</td>`) {
		t.Errorf("the report: %s", text)
	}
}
