package web

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"broadside/campaign"
)

// readRun is a run of one person, ann, who read it, with a machine beside her.
func (w *world) readRun(list, link string) (campaign.Run, campaign.Contact) {
	w.Helper()
	ctx := w.Context()
	ok := func(err error) {
		w.Helper()
		if err != nil {
			w.Fatal(err)
		}
	}
	w.admin.importList("people.csv", list, "email,name\nann@example.com,Ann\n")
	ann, err := w.db.ContactByEmail(ctx, "ann@example.com")
	ok(err)
	spec := campaign.Spec{Name: "May", Lists: []string{list}}
	spec.From, spec.Subject, spec.Text, spec.PostalAddress = "News <news@example.org>", "May", "May", "Harbour Street 1"
	c, err := w.app.Service.Create(ctx, spec)
	ok(err)
	run, err := w.db.CreateRun(ctx, c, campaign.RunRunning, time.Now(), time.Now())
	ok(err)
	ok(w.db.AppendRecipients(ctx, run.ID, 0, ann.ID, []campaign.NewRecipient{{Lane: campaign.LaneGoogle, Contact: ann.ID}}, true))
	at := time.Now().Add(-time.Hour)
	event := campaign.Event{Recipient: campaign.Recipient{Run: run.ID, Lane: campaign.LaneGoogle, Contact: ann.ID}, Attempt: 1, State: campaign.Accepted, Code: 250, At: at}
	ok(w.db.Apply(ctx, 0, 1, []campaign.Event{event}))
	_, err = w.db.SaveLinks(ctx, run.ID, []campaign.Link{{Target: link, Fixed: len(link)}})
	ok(err)
	hits := make([]campaign.Hit, 0, 1300)
	for i := range 1234 {
		hits = append(hits, campaign.Hit{Run: run.ID, Contact: ann.ID, At: at.Add(time.Minute + time.Duration(i)*time.Second), Evidence: campaign.ByPerson})
	}
	hits = append(hits, campaign.Hit{Run: run.ID, Contact: ann.ID, Link: 1, At: at.Add(time.Minute)}, campaign.Hit{Run: run.ID, Contact: ann.ID, Link: 1, At: at, Evidence: campaign.ScannerNetwork})
	ok(w.db.ApplyHits(ctx, 0, 1, hits))
	return run, ann
}

// X9: what readers did is shown with machines apart, and what gave those away.
func TestReadersAreShown(t *testing.T) {
	w := newWorld(t)
	const nasty = `https://shop.example/"><script>alert(1)</script>`
	run, ann := w.readRun("news", nasty)
	for _, path := range []string{fmt.Sprintf("/runs/%d", run.ID), fmt.Sprintf("/contacts/%d", ann.ID)} {
		text := w.admin.get(path, http.StatusOK)
		if strings.Contains(text, "<script>alert") || !strings.Contains(text, "https://shop.example/") || !strings.Contains(text, "1,234") {
			t.Errorf("%s: %s", path, text)
		}
	}
	if text := w.admin.get(fmt.Sprintf("/runs/%d", run.ID), http.StatusOK); !strings.Contains(text, campaign.ScannerNetwork.String()) {
		t.Error("the page of the run does not say what gave machines away")
	}
}

// A list's level is set on its page, and whoever may not change lists reads it there.
func TestListTracking(t *testing.T) { // ePrivacy 13
	w := newWorld(t)
	w.admin.importList("people.csv", "news", "email\nann@example.com\n")
	l, err := w.db.ListByName(t.Context(), "news")
	if err != nil {
		t.Fatal(err)
	}
	path := fmt.Sprintf("/lists/%d", l.ID)
	if text := w.admin.get(path, http.StatusOK); !strings.Contains(text, `name="tracking" value="off" checked`) {
		t.Errorf("a new list: %s", text)
	}
	w.admin.post(path+"/tracking", http.StatusSeeOther, "tracking", "individual")
	if l, err = w.db.ListByName(t.Context(), "news"); err != nil || l.Tracking != campaign.TrackIndividual {
		t.Fatalf("%+v, %v", l, err)
	}
	if text := w.admin.get(path, http.StatusOK); !strings.Contains(text, `value="individual" checked`) || !strings.Contains(text, "Tracking is individual") {
		t.Errorf("the list: %s", text)
	}
	for _, value := range []string{"", "always", "2"} {
		w.admin.post(path+"/tracking", http.StatusUnprocessableEntity, "tracking", value)
	}
	w.admin.post("/lists/99/tracking", http.StatusNotFound, "tracking", "off")
	if text := w.as("viewer").get(path, http.StatusOK); strings.Contains(text, `name="tracking"`) || !strings.Contains(text, campaign.TrackIndividual.Means()) {
		t.Errorf("a viewer sees: %s", text)
	}
	if text := w.admin.get("/audit", http.StatusOK); !strings.Contains(text, "set list tracking") || !strings.Contains(text, "news: individual") {
		t.Errorf("the audit log: %s", text)
	}
}

// echo answers readers with where they came from.
type echo struct{}

func (echo) Opened(w http.ResponseWriter, r *http.Request, from netip.Addr) {
	fmt.Fprintf(w, "opened %s from %s", r.PathValue("token"), from)
}

func (echo) Clicked(w http.ResponseWriter, r *http.Request, from netip.Addr) {
	w.Header().Set("Location", "https://shop.example/")
	w.WriteHeader(http.StatusFound)
	fmt.Fprintf(w, "clicked %s from %s", r.PathValue("token"), from)
}

// Readers are answered without a session, and as coming from where they do.
func TestReadersNeedNoUser(t *testing.T) {
	c := newWorld(t).app.Config
	c.Readers, c.Proxies = echo{}, []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	w := &world{T: t, app: New(c)}
	w.srv = httptest.NewServer(w.app)
	defer w.srv.Close()
	from := http.Header{"X-Forwarded-For": {"203.0.113.9"}, "Sec-Fetch-Site": {"cross-site"}}
	for path, want := range map[string]string{"/o/abc": "opened abc from 203.0.113.9", "/c/abc": "clicked abc from 203.0.113.9"} {
		resp, text := w.browser().do("GET", path, nil, from)
		if text != want || resp.StatusCode >= 400 {
			t.Errorf("%s: %s %q", path, resp.Status, text)
		}
		if resp, _ := w.browser().do("POST", path, io.NopCloser(strings.NewReader("")), nil); resp.StatusCode < 400 {
			t.Errorf("POST %s: %s", path, resp.Status)
		}
	}
}

// A campaign's own wish is chosen where it is written.
func TestComposeTracking(t *testing.T) {
	w := newWorld(t)
	run, _ := w.readRun("news", "https://shop.example/")
	path := fmt.Sprintf("/campaigns/%d", run.Campaign)
	c, err := w.db.CampaignByID(t.Context(), run.Campaign)
	if err != nil {
		t.Fatal(err)
	}
	w.admin.post(path+"/draft", http.StatusSeeOther, "version", fmt.Sprint(c.Updated.UnixMilli()), "name", "May", "track_opens", "off", "track_clicks", "anonymous", "weight", "10")
	if c, err = w.db.CampaignByID(t.Context(), run.Campaign); err != nil || c.Spec.Track != (campaign.Track{Opens: "off", Clicks: "anonymous"}) {
		t.Errorf("%+v, %v", c.Spec.Track, err)
	}
	if text := w.admin.get(path, http.StatusOK); !strings.Contains(text, `value="off" selected`) || !strings.Contains(text, `value="anonymous" selected`) {
		t.Errorf("the page: %s", text)
	}
}
