package web

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"broadside/campaign"
)

// Every number of a run's equation opens its people, the number of the planned too; a
// reason says at which sites, and opens those whom it is about.
func TestNumbersOpenTheirPeople(t *testing.T) {
	w := newWorld(t)
	ctx, now := t.Context(), time.Now()
	w.admin.importList("people.csv", "news", "email,name\nann.archer@example.org,Ann\nbob@example.org,Bob\n")
	c, err := w.db.CreateCampaign(ctx, campaign.Spec{Name: "spring", Lists: []string{"news"}}, now)
	if err != nil {
		t.Fatal(err)
	}
	run, err := w.db.CreateRun(ctx, c, campaign.RunRunning, time.Time{}, now)
	if err != nil {
		t.Fatal(err)
	}
	id := func(email string) campaign.ContactID {
		who, err := w.db.ContactByEmail(ctx, email)
		if err != nil {
			t.Fatal(err)
		}
		return who.ID
	}
	last := id("bob@example.org")
	rows := []campaign.NewRecipient{
		{Lane: campaign.LaneGoogle, Contact: id("ann.archer@example.org"), State: campaign.Skipped, Reason: campaign.Unsubscribed},
		{Lane: campaign.TailLane, Contact: last, State: campaign.Skipped, Reason: campaign.Unsubscribed},
		{Lane: campaign.TailLane + 1, Contact: last + 1, State: campaign.Skipped, Reason: campaign.Suppressed},
	}
	if err := w.db.AppendRecipients(ctx, run.ID, 0, last+1, rows, true); err != nil {
		t.Fatal(err)
	}
	path := fmt.Sprintf("/runs/%d", run.ID)
	text := w.admin.get(path, http.StatusOK)
	for _, words := range []string{
		fmt.Sprintf(`<a class="term" href="%s/people"><b data-n="planned">3</b>`, path),
		fmt.Sprintf(`href="%s/people?state=skipped"`, path),
		"Gmail 1 · the small sites 1",
	} {
		if !strings.Contains(text, words) {
			t.Errorf("the report does not have %q:\n%s", words, text)
		}
	}
	for query, want := range map[string][]string{
		"":               {"planned", "ann.archer@", "bob@", "erased", "CSV of everybody"},
		"?state=skipped": {"skipped", "ann.archer@", "bob@", "CSV of all skipped"},
		fmt.Sprintf("?reason=%d", campaign.Suppressed):                                 {"</span> planned</h1>", "ann.archer@", "bob@", "erased"}, // it is of a state
		fmt.Sprintf("?lane=%d&contact=0", campaign.TailLane):                           {"bob@"},
		fmt.Sprintf("?state=skipped&reason=%d", campaign.Suppressed):                   {"erased"},
		fmt.Sprintf("?lane=%d&contact=%d", campaign.TailLane+1, campaign.FirstMessage): {"Nobody"},
	} {
		page := w.admin.get(path+"/people"+query, http.StatusOK)
		for _, words := range want {
			if !strings.Contains(page, words) {
				t.Errorf("people%s: no %q in\n%s", query, words, page)
			}
		}
	}
	w.admin.get(path+"/people?state=", http.StatusNotFound)
	w.admin.post(path+"/cancel", http.StatusSeeOther)
	if text := w.admin.get(path+"/events", http.StatusOK); !strings.Contains(text, `"n":2,"sites":"Gmail 1 · the small sites 1"`) {
		t.Errorf("whoever watches is not told why: %s", text)
	}
}
