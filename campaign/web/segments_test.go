package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"broadside/campaign"
)

// A segment is put together from rows without any script, shown as an expression, saved,
// changed as text, and not deleted under a campaign without a word.
func TestBuilder(t *testing.T) {
	w := newWorld(t)
	const list = "people"
	w.admin.importList("people.csv", list, "email,name\na@example.org,Person 0\nb@example.org,Person 1\nc@example.org,Person 2\n")
	page := w.admin.get("/segments/new?"+url.Values{
		"all": {"all"}, "group-all": {"all", "any"}, "group": {"0", "1", "1"}, "field": {"name", "email", ""}, "op": {"is", "ends", "received"},
		"value": {`Person "1"`, "@example.org", "Spring"}, "do": {"row 1"}, "name": {"near"},
	}.Encode(), http.StatusOK)
	const expression = `name == &#34;Person \&#34;1\&#34;&#34; and (email endsWith &#34;@example.org&#34; or received(&#34;Spring&#34;))`
	for _, want := range []string{expression, `no campaign is named`, `value="near"`, `value="drop 1 2"`, `option value="ends" selected`} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not have %s\n%s", want, page)
		}
	}
	// The expression was changed after the page was made: it wins over the rows.
	page = w.admin.get("/segments/new?"+url.Values{
		"all": {"all"}, "group-all": {"all"}, "group": {"0"}, "field": {"name"}, "op": {"is"}, "value": {"old"}, "was": {`name == "old"`}, "expression": {`name matches "n"`},
	}.Encode(), http.StatusOK)
	if !strings.Contains(page, "more than rows can show") || !strings.Contains(page, "name matches") {
		t.Errorf("a text that rows cannot show: %s", page)
	}
	if text, _ := w.admin.post("/segments", http.StatusUnprocessableEntity, "name", "broken", "expression", "name =="); !strings.Contains(text, "line 1, column 7") {
		t.Errorf("no place of the mistake: %s", text)
	}
	_, at := w.admin.post("/segments", http.StatusSeeOther, "name", "first", "expression", `name == "Person 0"`)
	w.admin.post("/segments", http.StatusUnprocessableEntity, "name", "first", "expression", `name == "Person 0"`)
	page = w.admin.get(at, http.StatusOK)
	if !strings.Contains(page, `value="Person 0"`) {
		t.Errorf("no row of the saved expression: %s", page)
	}
	w.admin.post(at, http.StatusSeeOther, "name", "first", "expression", `has(name)`)

	spec := campaign.Spec{Name: "Spring", Lists: []string{list}, Segments: []string{"first"}}
	if _, err := w.app.Service.CreateDraft(t.Context(), spec); err != nil {
		t.Fatal(err)
	}
	if page := w.admin.get(at, http.StatusOK); !strings.Contains(page, "Used by 1 campaign: Spring") {
		t.Errorf("does not say who uses it: %s", page)
	}
	if text, _ := w.admin.post(at+"/delete", http.StatusConflict); !strings.Contains(text, "used by campaign") {
		t.Errorf("why not: %s", text)
	}
	w.admin.post(at+"/delete", http.StatusSeeOther, "anyway", "yes")
	w.admin.get(at, http.StatusNotFound)
	if page := w.admin.get("/segments", http.StatusOK); !strings.Contains(page, "No segments yet") {
		t.Errorf("the list: %s", page)
	}
}

// While a person works, the page asks what the rows say, and how many people it means.
func TestBuilderLive(t *testing.T) {
	w := newWorld(t)
	const list = "people"
	w.admin.importList("people.csv", list, "email,name\na@example.org,Person 0\nb@example.org,Person 1\nc@example.org,Person 2\n")
	var seen looked
	data := http.Header{"Accept": {"application/json"}}
	ask := func(path string, q url.Values, out any) {
		t.Helper()
		resp, text := w.admin.do("GET", path+"?"+q.Encode(), nil, data)
		if err := json.Unmarshal([]byte(text), out); err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("%s: %v\n%s", resp.Status, err, text)
		}
	}
	ask("/segments/look", url.Values{"expression": {`name == "Person 1" or <script>`}}, &seen)
	if seen.InRows || seen.Problem == "" {
		t.Errorf("what is no expression: %+v", seen)
	}
	ask("/segments/look", url.Values{"expression": {`name == "</script><b>"`}}, &seen)
	if !seen.InRows || strings.Contains(seen.Rows, "<b>") || !strings.Contains(seen.Rows, "&lt;b&gt;") {
		t.Errorf("rows of text from people: %+v", seen)
	}
	var many glanced
	ask("/segments/glance", url.Values{"expression": {`name in ["Person 0", "Person 2"]`}, "list": {list}}, &many)
	if many.Recipients != 2 || !many.Complete || many.Members != 3 || len(many.Some) != 2 {
		t.Errorf("counted %+v", many)
	}
	ask("/segments/glance", url.Values{"expression": {`true`}}, &many)
	if many.Recipients != 3 {
		t.Errorf("of all lists %+v", many)
	}
	ask("/segments/glance", url.Values{"expression": {`opened("none")`}, "list": {list}}, &many)
	if !strings.Contains(many.Problem, "no campaign is named") {
		t.Errorf("about a campaign that is not there: %+v", many)
	}
}

// A campaign's page offers the saved segments, and its review shows them in the equation.
func TestSegmentsOfACampaign(t *testing.T) {
	w := newWorld(t)
	w.admin.importList("people.csv", "people", "email,name\na@example.org,Ann\nb@example.org,Bob\n")
	for _, name := range []string{"some", "others"} {
		w.admin.post("/segments", http.StatusSeeOther, "name", name, "expression", `name == "Ann"`)
	}
	_, at := w.admin.post("/campaigns", http.StatusSeeOther, "name", "Spring", "list", "people")
	c, err := w.db.CampaignByName(t.Context(), "Spring")
	if err != nil {
		t.Fatal(err)
	}
	w.admin.post(at+"/draft", http.StatusSeeOther, "version", fmt.Sprint(c.Updated.UnixMilli()), "name", "Spring", "lists", "people", "segments", "some", "exclude_segments", "others", "content", "Hi")
	page := w.admin.get(at, http.StatusOK)
	for _, want := range []string{`name="segments" value="some" checked`, `name="segments" value="others" >`, `name="exclude_segments" value="others" checked`} {
		if !strings.Contains(page, want) {
			t.Errorf("the page of the campaign does not have %s", want)
		}
	}
	page = w.admin.get(at+"/review", http.StatusOK)
	for _, want := range []string{`data-n="excluded"`, `data-n="outside"`, `>some</a>`, `>others</a>`} {
		if !strings.Contains(page, want) {
			t.Errorf("the review does not have %s", want)
		}
	}
	if events := w.admin.get(at+"/audience", http.StatusOK); !strings.Contains(events, `"members":2,"excluded":1,"outside":1`) {
		t.Errorf("counted %s", events)
	}
	// One that is deleted stays chosen until somebody takes it out.
	some, err := w.db.SegmentByName(t.Context(), "some")
	if err != nil {
		t.Fatal(err)
	}
	w.admin.post(fmt.Sprintf("/segments/%d/delete", some.ID), http.StatusSeeOther, "anyway", "yes")
	if page := w.admin.get(at, http.StatusOK); !strings.Contains(page, `name="segments" value="some" checked`) || !strings.Contains(page, "deleted") {
		t.Error("a deleted segment is dropped from the campaign")
	}
}
