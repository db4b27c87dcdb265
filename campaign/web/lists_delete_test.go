package web

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"broadside/campaign"
)

// A list is deleted by who types its name once more, and not while a run needs it.
func TestDeleteListPage(t *testing.T) {
	w := newWorld(t)
	w.subscribe("ann@example.org", `{}`, "harbour")
	kept := w.subscribe("bob@example.org", `{}`, "harbour", "other")
	if text := w.admin.get("/lists/1", http.StatusOK); !strings.Contains(text, "Type the list&#39;s name") && !strings.Contains(text, "Type the list's name") {
		t.Errorf("the page does not offer it:\n%s", text)
	}
	text, _ := w.admin.post("/lists/1/delete", http.StatusUnprocessableEntity, "confirm", "harbor", "contacts", "yes")
	if !strings.Contains(text, "Nothing was deleted") {
		t.Errorf("a slip is not named:\n%s", text)
	}
	_, location := w.admin.post("/lists/1/delete", http.StatusSeeOther, "confirm", "harbour", "contacts", "yes")
	if location != "/lists" {
		t.Errorf("leads to %q", location)
	}
	if text := w.admin.get("/lists", http.StatusOK); !strings.Contains(text, "harbour is deleted: 2 memberships and 1 contact are gone") {
		t.Errorf("it is not told:\n%s", text)
	}
	w.admin.get("/lists/1", http.StatusNotFound)
	if in := w.in(kept); in != "other" {
		t.Errorf("bob is in %q", in)
	}
	c, err := w.db.CreateCampaign(t.Context(), campaign.Spec{Name: "under way", Lists: []string{"other"}}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.db.CreateRun(t.Context(), c, campaign.RunRunning, time.Now(), time.Now()); err != nil {
		t.Fatal(err)
	}
	if text, _ := w.admin.post("/lists/2/delete", http.StatusConflict, "confirm", "other"); !strings.Contains(text, "Not now") {
		t.Errorf("the run is not named:\n%s", text)
	}
}
