package web

import (
	"bytes"
	"context"
	"fmt"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"
	"time"

	"broadside/campaign"
)

// upload sends a file as a form does, and returns where the answer leads.
func (b *browser) upload(path, name, text string, status int) (page, location string) {
	b.w.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreateFormFile("file", name)
	if err == nil {
		_, err = part.Write([]byte(text))
	}
	if err == nil {
		err = form.Close()
	}
	if err != nil {
		b.w.Fatal(err)
	}
	resp, page := b.do("POST", path, &body, http.Header{"Content-Type": {form.FormDataContentType()}})
	if resp.StatusCode != status {
		b.w.Fatalf("POST %s with %s: %s, want %d\n%s", path, name, resp.Status, status, page)
	}
	return page, resp.Header.Get("Location")
}

// settled waits until an upload's step is over, as the page's script does.
func (b *browser) settled(path string) string {
	b.w.Helper()
	if text := b.get(path+"/events", http.StatusOK); !strings.Contains(text, "event: over") {
		b.w.Fatalf("events: %s", text)
	}
	return b.get(path, http.StatusOK)
}

// importList brings a file into a list.
func (b *browser) importList(name, list, text string) {
	b.w.Helper()
	_, path := b.upload("/uploads", name, text, http.StatusSeeOther)
	b.post(path+"/check", http.StatusSeeOther, "new_list", list, "column-0", "email", "column-1", "name")
	b.settled(path)
	b.post(path+"/import", http.StatusSeeOther)
	b.settled(path)
}

// What a list, a file and a contact say is text wherever it is shown.
func TestContactFieldsAreText(t *testing.T) {
	w := newWorld(t)
	const nasty = `"><script>alert(1)</script><img src=x onerror=alert(1)>`
	w.admin.importList(nasty+".csv", nasty, "email,"+strings.ReplaceAll(nasty, ",", "")+"\nann@example.org,"+nasty+"\n\"<script>alert(2)</script>\",x\n")
	list, err := w.db.ListByName(t.Context(), nasty)
	if err != nil {
		t.Fatal(err)
	}
	c, err := w.db.ContactByEmail(t.Context(), "ann@example.org")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/", "/lists", fmt.Sprintf("/lists/%d", list.ID), "/contacts", fmt.Sprintf("/contacts/%d", c.ID), "/campaigns/new", "/audit"} {
		text := w.admin.get(path, http.StatusOK)
		if strings.Contains(text, "<script>alert") || strings.Contains(text, "<img src=x") {
			t.Errorf("%s runs it", path)
		}
	}
	resp, text := w.admin.do("POST", fmt.Sprintf("/lists/%d/export", list.ID), nil, nil)
	if disposition := resp.Header.Get("Content-Disposition"); resp.StatusCode != http.StatusOK || strings.ContainsAny(disposition, "\r\n") || !strings.HasPrefix(disposition, "attachment") || !strings.Contains(text, "ann@example.org") {
		t.Errorf("%s %q: %s", resp.Status, disposition, text)
	}
}

// Who is erased is gone from every page, the audit log included, and stays gone.
func TestErasing(t *testing.T) {
	w := newWorld(t)
	const file = "email,name\nann.archer@example.org,Ann\nbob@example.org,Bob\n"
	w.admin.importList("people.csv", "news", file)
	c, err := w.db.ContactByEmail(t.Context(), "ann.archer@example.org")
	if err != nil {
		t.Fatal(err)
	}
	path := fmt.Sprintf("/contacts/%d", c.ID)
	if _, text := w.admin.do("POST", path+"/export", nil, nil); !strings.Contains(text, "ann.archer@example.org") || !strings.Contains(text, "news") {
		t.Errorf("all we know: %s", text)
	}
	w.admin.post(path+"/suppress", http.StatusSeeOther)
	if text, _ := w.admin.post(path+"/erase", http.StatusUnprocessableEntity, "confirm", "bob@example.org"); !strings.Contains(text, "type the address") {
		t.Errorf("erased by a slip: %s", text)
	}
	w.admin.post(path+"/erase", http.StatusSeeOther, "confirm", "Ann.Archer@example.org")
	w.admin.get(path, http.StatusNotFound)
	w.admin.importList("again.csv", "news", file)
	for _, p := range []string{"/contacts?q=ann", "/suppressions?q=ann", "/audit", "/lists/1"} {
		if _, text := w.admin.do("GET", p, nil, nil); strings.Contains(text, "ann.archer@") {
			t.Errorf("%s still has the address", p)
		}
	}
}

func TestUploadsThatAreRefused(t *testing.T) {
	w := newWorld(t)
	for name, text := range map[string]string{"empty.csv": "", "../../evil.csv": ""} {
		if page, _ := w.admin.upload("/uploads", name, text, http.StatusUnprocessableEntity); !strings.Contains(page, "is empty") {
			t.Errorf("%s: %s", name, page)
		}
	}
	// What is no list is refused where it was dropped, and leaves no page that cannot be shown.
	page, _ := w.admin.upload("/uploads", "../../etc/people.csv", "a,b\x00\n1,2\n", http.StatusUnprocessableEntity)
	if !strings.Contains(page, `data-said role="status"><span class="error">people.csv`) || strings.Contains(page, "etc/") || strings.Contains(page, "Waiting for you") {
		t.Errorf("no list: %s", page)
	}
	_, path := w.admin.upload("/uploads", "people.csv", "email,mail\nann@example.org,bob@example.org\n", http.StatusSeeOther)
	for _, fields := range [][]string{
		{"new_list", "", "column-0", "email"},
		{"new_list", "news", "column-0", "-"},
		{"new_list", "news", "column-0", "email", "column-1", "email"},
		{"new_list", "news", "column-0", "email", "column-1", "+", "name-1", "  "},
	} {
		w.admin.post(path+"/check", http.StatusUnprocessableEntity, fields...)
	}
	w.admin.post(path+"/import", http.StatusConflict)
	w.admin.post(path+"/discard", http.StatusSeeOther)
	w.admin.get(path, http.StatusNotFound)
}

// A run is watched: whoever joins is told at once, and what is done to it is seen by all.
func TestWatching(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	c, err := w.db.CreateCampaign(ctx, campaign.Spec{Name: "spring"}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	run, err := w.db.CreateRun(ctx, c, campaign.RunRunning, time.Time{}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	path := fmt.Sprintf("/runs/%d", run.ID)
	ended := make(chan string, 2)
	for range cap(ended) {
		go func() {
			_, text := w.admin.do("GET", path+"/events", nil, nil)
			ended <- text
		}()
	}
	w.admin.post(path+"/resume", http.StatusConflict)
	w.admin.post(path+"/pause", http.StatusSeeOther)
	w.admin.get(path, http.StatusOK)
	w.admin.post(path+"/resume", http.StatusSeeOther)
	w.admin.post(path+"/cancel", http.StatusSeeOther)
	for range cap(ended) {
		if text := <-ended; !strings.Contains(text, "event: over") || !strings.Contains(text, `"state":"cancelled"`) {
			t.Errorf("a viewer was told: %s", text)
		}
	}
	w.app.Wait() // nobody watches: nothing reads
	w.admin.get(path+"/people?state=nonsense", http.StatusNotFound)
	w.admin.get(path+"/people?state=accepted&contact=-7&lane=99999999", http.StatusOK)
}

// A stream ends when the server stops, and holds nothing back.
func TestStopEndsStreams(t *testing.T) {
	w := newWorld(t)
	c, err := w.db.CreateCampaign(t.Context(), campaign.Spec{Name: "spring"}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	run, err := w.db.CreateRun(context.Background(), c, campaign.RunPaused, time.Time{}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		w.admin.do("GET", fmt.Sprintf("/runs/%d/events", run.ID), nil, nil)
	}()
	w.app.Stop()
	<-ended
	w.app.Wait()
}

// A file of which nobody can be imported says what to do instead.
func TestNobodyToImport(t *testing.T) {
	w := newWorld(t)
	for text, want := range map[string]string{
		"email,name\n":                    "the file has no rows",
		"email,name\nno address,Nobody\n": "There is nobody to import",
	} {
		_, path := w.admin.upload("/uploads", "people.csv", text, http.StatusSeeOther)
		w.admin.post(path+"/check", http.StatusSeeOther, "new_list", "news", "column-0", "email", "column-1", "name")
		if page := w.admin.settled(path); !strings.Contains(page, want) || !strings.Contains(page, `<button class="btn primary" disabled>`) {
			t.Errorf("%q: no %q in\n%s", text, want, page)
		}
	}
}

// A column becomes what a person calls it, also where no contact has such a field yet.
func TestColumnOfOnesOwnName(t *testing.T) {
	w := newWorld(t)
	_, path := w.admin.upload("/uploads", "people.csv", "E-Mail;Ort\nann@example.org;Rom\n", http.StatusSeeOther)
	w.admin.post(path+"/check", http.StatusSeeOther, "new_list", "news", "column-0", "email", "column-1", "+", "name-1", "Home town")
	if page := w.admin.settled(path); !strings.Contains(page, "<option selected>home_town</option>") {
		t.Errorf("the mapping is not shown: %s", page)
	}
	w.admin.post(path+"/import", http.StatusSeeOther)
	w.admin.settled(path)
	if c, err := w.db.ContactByEmail(t.Context(), "ann@example.org"); err != nil || string(c.Attributes) != `{"home_town":"Rom"}` {
		t.Errorf("%s %v", c.Attributes, err)
	}
}

func TestFilesOfACampaign(t *testing.T) {
	w := newWorld(t)
	_, path := w.admin.post("/campaigns", http.StatusSeeOther, "name", "Spring")
	w.admin.upload(path+"/files?as=image", `../a pea".png`, "\x89PNG\r\n\x1a\n", http.StatusSeeOther)
	w.admin.upload(path+"/files", "menu.pdf", "%PDF", http.StatusSeeOther)
	w.admin.upload(path+"/files", "empty.pdf", "", http.StatusUnprocessableEntity)
	c, err := w.db.CampaignByName(t.Context(), "Spring")
	if err != nil || len(c.Spec.Inline) != 1 || c.Spec.Inline[0].Name != "a-pea-.png" || len(c.Spec.Attachments) != 1 {
		t.Fatalf("%+v %v", c.Spec, err)
	}
	version := w.admin.version(path)
	w.admin.save(path+"/draft", http.StatusOK, draft(version, "content", "Look: ![a pea](cid:a-pea-.png)")...)
	if text := w.admin.get(path+"/preview", http.StatusOK); !strings.Contains(text, "data:image/png;base64,") {
		t.Errorf("the preview does not show it: %s", text)
	}
	w.admin.post(path+"/files/menu.pdf/remove", http.StatusSeeOther)
	w.admin.post(path+"/files/menu.pdf/remove", http.StatusNotFound)
}

func TestSitesPage(t *testing.T) {
	w := newWorld(t)
	w.admin.post("/sites/pause", http.StatusUnprocessableEntity, "site", "no such/thing")
	w.admin.post("/sites/pause", http.StatusUnprocessableEntity, "site", "google", "for", "99h")
	w.admin.post("/sites/pause", http.StatusSeeOther, "site", "Google", "for", "1h", "why", "they asked")
	if text := w.admin.get("/sites", http.StatusOK); !strings.Contains(text, "they asked (by ann@example.org)") {
		t.Errorf("sites: %s", text)
	}
	w.sites.activity = []campaign.SiteActivity{{Site: "google", Rate: 3, Paused: true, Ordered: campaign.SiteLimit{Rate: 0.5, Connections: 4, Who: "ann@example.org"}}}
	text := w.admin.get("/sites?limit=google", http.StatusOK)
	for _, words := range []string{`aria-label="Resume google"`, `href="/sites?limit=google#limit"`, `value="0.5"`, `value="4"`, `<option value="microsoft">`} {
		if !strings.Contains(text, words) {
			t.Errorf("no %s on the page of sites: %s", words, text)
		}
	}
	// What is wrong stands beside the field that it is about, not beside its namesake.
	if text, _ := w.admin.post("/sites/limit", http.StatusUnprocessableEntity, "site", "no such/thing"); strings.Count(text, "is a provider such as google") != 1 || !strings.Contains(text, `id="limited-site-note"`) {
		t.Errorf("limits: %s", text)
	}
	for range 2 { // twice is once
		w.admin.post("/sites/resume", http.StatusSeeOther, "site", "google")
	}
}
