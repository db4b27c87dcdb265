package api_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"broadside/campaign"
	"broadside/campaign/account"
	"broadside/campaign/schedule"
	"broadside/campaign/upload"
	"broadside/campaign/web/api"
)

// A file becomes a list: upload, columns, dry run, rejects, import, undo.
func TestFileToList(t *testing.T) {
	each(t, func(w *world) {
		resp, text := w.call(request{method: "POST", path: "/uploads?name=people.csv", kind: "application/octet-stream", body: []byte("E-Mail;Name\nann@example.org;Ann\nbob at example.org;Bob\nann@example.org;Ann\n")}, w.tokens[account.Editor])
		if resp.StatusCode != http.StatusCreated {
			t.Fatalf("%s %s", resp.Status, text)
		}
		var u api.Upload
		list := struct{ Items []api.Upload }{}
		w.do("GET", "/uploads", nil, 200, &list)
		u = list.Items[0]
		var look upload.Look
		w.do("GET", "/uploads/"+u.ID+"/columns?rows=2", nil, 200, &look)
		if len(look.Columns) != 2 || look.Columns[0].Field != "email" || look.Columns[1].Values[1] != "Bob" {
			t.Errorf("columns %+v", look)
		}
		w.do("POST", "/uploads/"+u.ID+"/import", nil, 409, nil) // not checked yet
		w.do("POST", "/uploads/"+u.ID+"/check", map[string]any{"list": "news", "mapping": map[string]string{"email": "Nothing"}}, 422, nil)
		w.do("POST", "/uploads/"+u.ID+"/check", map[string]any{"list": "news", "mapping": map[string]string{"email": "E-Mail"}}, 202, nil)
		w.ended(u.ID)
		w.do("GET", "/uploads/"+u.ID, nil, 200, &u)
		if r := u.Report; u.Phase != "checked" || r == nil || !r.DryRun || r.New != 1 || r.Duplicate != 1 || r.Invalid != 1 {
			t.Fatalf("checked %+v", u)
		}
		if _, text := w.call(request{method: "GET", path: "/uploads/" + u.ID + "/rejects"}, w.tokens[account.Editor]); !strings.Contains(string(text), "bob at example.org") {
			t.Errorf("rejects %s", text)
		}
		for range 2 { // asked again because an answer was lost
			w.do("POST", "/uploads/"+u.ID+"/import", nil, 202, nil)
			w.ended(u.ID)
		}
		w.do("GET", "/uploads/"+u.ID, nil, 200, &u)
		lists := api.Page[api.List]{}
		w.do("GET", "/lists", nil, 200, &lists)
		if u.Phase != "imported" || len(lists.Items) != 1 || lists.Items[0].Subscribed != 1 {
			t.Fatalf("imported %+v into %+v", u, lists)
		}
		path := fmt.Sprintf("/lists/%d", lists.Items[0].ID)
		if _, text := w.call(request{method: "POST", path: path + "/export"}, w.tokens[account.Editor]); string(text) != "email,list_status,name\nann@example.org,subscribed,Ann\n" {
			t.Errorf("export %q", text)
		}
		undo := fmt.Sprintf("%s/imports/%d/undo", path, u.Report.Import)
		w.do("POST", "/lists/999"+undo[len(path):], nil, 404, nil)
		w.do("POST", undo, nil, 200, nil)
		w.do("POST", undo, nil, 409, nil)
		w.do("GET", "/contacts?prefix=ANN", nil, 200, &lists)
		if len(lists.Items) != 0 {
			t.Errorf("still there: %+v", lists)
		}
	})
}

// Pages join to the whole, whatever is read in pages.
func TestPaging(t *testing.T) {
	each(t, func(w *world) {
		l, _ := w.list()
		r := w.run()
		w.run()
		for path, want := range map[string]int{
			fmt.Sprintf("/lists/%d/members?", l.ID): 3, "/contacts?": 9, "/contacts?prefix=a&": 3, "/campaigns?": 2, "/runs?": 2,
			fmt.Sprintf("/runs/%d/recipients?state=skipped&", r.ID): 2, "/audit?": 0, fmt.Sprintf("/lists/%d/imports?", l.ID): 1,
		} {
			seen := map[string]bool{}
			next := ""
			for range 20 {
				var page api.Page[map[string]any]
				w.do("GET", path+"limit=1&after="+url.QueryEscape(next), nil, 200, &page)
				for _, item := range page.Items {
					seen[fmt.Sprint(item["id"], item["contact"])] = true
				}
				if next = page.Next; next == "" {
					break
				}
			}
			if len(seen) != want {
				t.Errorf("%s: %d of %d", path, len(seen), want)
			}
		}
		w.do("GET", "/runs?after=nonsense", nil, 422, nil)
		w.do("GET", fmt.Sprintf("/runs/%d/recipients?state=skipped&after=1.x", r.ID), nil, 422, nil)
	})
}

// Whatever is asked twice starts one run.
func TestStartedOnce(t *testing.T) {
	each(t, func(w *world) {
		c := w.campaign()
		start := fmt.Sprintf("/campaigns/%d/start", c.ID)
		w.do("POST", start, map[string]any{"recipients": 2}, 409, nil)
		var first, second api.Run
		w.do("POST", start, map[string]any{"at_once": true, "at": time.Now().Add(time.Hour)}, 422, nil)
		w.do("POST", start, map[string]any{"recipients": 3, "at_once": true}, 201, &first)
		w.do("POST", start, map[string]any{}, 409, nil)
		path := fmt.Sprintf("/runs/%d", first.ID)
		for _, step := range []struct {
			verb  string
			state string
		}{{"pause", "paused"}, {"pause", "paused"}, {"resume", "running"}, {"resume", "running"}, {"cancel", "cancelled"}, {"cancel", "cancelled"}} {
			var r api.Run
			if w.do("POST", path+"/"+step.verb, nil, 200, &r); r.State != step.state {
				t.Errorf("%s: %+v", step.verb, r)
			}
		}
		w.do("POST", path+"/resume", nil, 409, nil)
		w.do("POST", start, map[string]any{}, 409, nil) // it was sent before
		w.do("POST", start, map[string]any{"again_after": first.ID + 1}, 409, nil)
		w.do("POST", start, map[string]any{"again_after": first.ID}, 201, &second)
		w.do("POST", fmt.Sprintf("/runs/%d/cancel", second.ID), nil, 200, nil)
		w.do("POST", start, map[string]any{"again_after": first.ID}, 409, nil) // the answer was lost, and asked again
	})
}

// A start can be taken back until the time that its answer names, and not later.
func TestUndo(t *testing.T) {
	each(t, func(w *world) {
		c := w.campaign()
		start := fmt.Sprintf("/campaigns/%d/start", c.ID)
		var first, second api.Run
		w.do("POST", start, map[string]any{}, 201, &first)
		if first.State != "scheduled" || !first.IrrevocableAt.Equal(first.StartAt) || time.Until(first.IrrevocableAt) < undoTime-time.Minute {
			t.Errorf("started %+v", first)
		}
		path := fmt.Sprintf("/runs/%d", first.ID)
		first = api.Run{}
		w.do("POST", path+"/undo", nil, 200, &first)
		if first.State != "cancelled" || !first.Started.IsZero() || !first.IrrevocableAt.IsZero() {
			t.Errorf("undone %+v", first)
		}
		w.do("POST", path+"/undo", nil, 409, nil)
		w.do("POST", start, map[string]any{"at_once": true}, 201, &second) // as if nothing had been
		w.do("POST", fmt.Sprintf("/runs/%d/undo", second.ID), nil, 409, nil)
		w.do("POST", fmt.Sprintf("/runs/%d/cancel", second.ID), nil, 200, nil)
	})
}

// What is foretold of recipients' clocks is for the next time of a repetition, as the
// review page says it.
func TestForetoldForTheNextTime(t *testing.T) {
	each(t, func(w *world) {
		spec := w.campaign().Spec
		spec.Name, spec.LocalTime.Zone, spec.Repeat = w.name(), "UTC", schedule.Repeat{Cron: "0 9 1 1 *", Zone: "UTC"}
		c := must(w.service.Create(t.Context(), spec))(w)
		var seen api.Audience
		w.do("GET", fmt.Sprintf("/campaigns/%d/audience", c.ID), nil, 200, &seen)
		newYear := must(spec.Repeat.Parse())(w).Next(time.Now())
		if want := "For " + newYear.Format("Mon 2 Jan, 15:04") + " on each recipient's clock"; !strings.HasPrefix(seen.Clocks, want) {
			t.Errorf("%q, want %q", seen.Clocks, want)
		}
	})
}

// An archived campaign is not among the others and does not start, until it is restored.
func TestArchive(t *testing.T) {
	each(t, func(w *world) {
		c := w.campaign()
		path := fmt.Sprintf("/campaigns/%d", c.ID)
		listed := func(query string) (found bool) {
			var page api.Page[api.CampaignLine]
			w.do("GET", "/campaigns?limit=200"+query, nil, 200, &page)
			for _, line := range page.Items {
				found = found || line.ID == int64(c.ID)
			}
			return found
		}
		var run api.Run
		var put api.Campaign
		w.do("POST", path+"/start", map[string]any{}, 201, &run)
		w.do("POST", path+"/archive", nil, 409, nil) // it is to be sent
		w.do("POST", fmt.Sprintf("/runs/%d/undo", run.ID), nil, 200, nil)
		if w.do("POST", path+"/archive", nil, 200, &put); put.Archived.IsZero() {
			t.Errorf("archived %+v", put)
		}
		w.do("POST", path+"/archive", nil, 200, nil)
		if listed("") || !listed("&archived=true") {
			t.Error("it is among the others, or not in the archive")
		}
		w.do("POST", path+"/start", map[string]any{}, 409, nil)
		w.do("POST", path+"/restore", nil, 200, nil)
		put = api.Campaign{}
		w.do("POST", path+"/restore", nil, 200, &put)
		if !listed("") || listed("&archived=true") || !put.Archived.IsZero() {
			t.Errorf("it is not back: %+v", put)
		}
	})
}

// What two people write at once is not lost; what cannot be sent is not started, and
// every reason is told.
func TestDrafts(t *testing.T) {
	each(t, func(w *world) {
		var c, read api.Campaign
		draft := map[string]any{"name": "Spring", "subject": "Hello", "html": "<p>{{ shoe_size }}</p>", "attachments": []any{map[string]any{"name": "a.txt", "data": "SGk="}}, "give_up": "90m"}
		w.do("POST", "/campaigns", draft, 201, &c)
		w.do("POST", "/campaigns", draft, 409, nil)
		path := fmt.Sprintf("/campaigns/%d", c.ID)
		w.do("GET", path, nil, 200, &read)
		if string(read.Attachments[0].Data) != "Hi" || read.GiveUp != "1h30m0s" || read.HTML != draft["html"] {
			t.Errorf("read %+v", read)
		}
		draft["version"], draft["text"] = read.Version, "Hello"
		w.do("PUT", path, draft, 200, &c)
		draft["version"] = read.Version - 1
		w.do("PUT", path, draft, 409, nil)
		draft["give_up"] = "soon"
		w.do("PUT", path, draft, 422, nil)
		draft["give_up"], draft["window"] = "90m", map[string]any{"days": "mon-fri", "from": "08:00", "to": "20:00"}
		w.do("PUT", path, draft, 422, nil) // without a zone
		draft["window"], draft["spread"] = map[string]any{"days": "mon-fri", "zone": "UTC"}, "wide"
		w.do("PUT", path, draft, 422, nil)
		draft["ab"] = map[string]any{"after": "soon", "variants": []any{map[string]any{"subject": "Good day"}}}
		draft["spread"] = "4h"
		w.do("PUT", path, draft, 422, nil)
		draft["ab"] = map[string]any{"share": 30, "after": "90m", "variants": []any{map[string]any{"subject": "Good day"}}}
		draft["spread"], draft["version"] = "4h", c.Version
		draft["brake"] = map[string]any{"complaints": 0.1, "bounces": 101}
		w.do("PUT", path, draft, 422, nil)
		draft["brake"] = map[string]any{"complaints": 0.1}
		w.do("PUT", path, draft, 200, &c)
		delete(draft, "brake") // then it stays as it is
		draft["version"] = c.Version
		w.do("PUT", path, draft, 200, &c)
		if c.Brake == nil || *c.Brake != (api.BrakeLimits{Complaints: 0.1}) {
			t.Errorf("brake %+v", c.Brake)
		}
		if c.Spread != "4h0m0s" || c.Window.Days != "mon-fri" || c.Window.Zone != "UTC" {
			t.Errorf("window %+v, spread %q", c.Window, c.Spread)
		}
		var refused struct {
			Errors []struct{ Location, Message string }
		}
		w.do("POST", path+"/start", map[string]any{}, 422, &refused)
		if len(refused.Errors) == 0 || refused.Errors[0].Location == "" {
			t.Errorf("refused %+v", refused)
		}
		w.do("POST", path+"/start", map[string]any{"at": time.Now().Add(-time.Hour)}, 422, nil)
		var review api.Review
		if w.do("GET", path+"/review", nil, 200, &review); review.Ready || len(review.Findings) == 0 {
			t.Errorf("review %+v", review)
		}
		w.do("GET", path+"/preview?as=nobody", nil, 422, nil)
		w.do("GET", path+"/preview?as=nobody@example.org", nil, 404, nil)
		var copied api.Campaign
		if w.do("POST", path+"/clone", nil, 201, &copied); copied.Name != "Spring (2)" || copied.HTML != c.HTML {
			t.Errorf("copy %+v", copied)
		}
		l, _ := w.list()
		var count api.Audience
		w.do("POST", "/segments/count", map[string]any{"lists": []string{l.Name}, "segment": "age > 20"}, 200, &count)
		if count.Members != 3 || count.Outside != 1 || count.Recipients != 2 {
			t.Errorf("count %+v", count)
		}
		w.do("POST", "/segments/count", map[string]any{"lists": []string{l.Name}, "segment": "age >"}, 422, nil)
		w.do("POST", "/segments/count", map[string]any{"lists": []string{"none"}}, 422, nil)
	})
}

// A token makes none that may do more than itself, or outlives it.
func TestTokensDoNotGrow(t *testing.T) {
	w := newWorld(t, t.TempDir()+"/test.db")
	small := w.token(account.Admin, account.See|account.Write)
	for body, want := range map[string]int{
		`{"name":"a","scopes":["see","write"],"expires":"` + time.Now().Add(time.Minute*30).Format(time.RFC3339) + `"}`: 201,
		`{"name":"b","scopes":["see","send"],"expires":"` + time.Now().Add(time.Minute*30).Format(time.RFC3339) + `"}`:  422,
		`{"name":"c","scopes":["see"],"expires":"` + time.Now().Add(24*time.Hour).Format(time.RFC3339) + `"}`:           422,
	} {
		if resp, text := w.call(request{method: "POST", path: "/tokens", kind: "application/json", body: []byte(body)}, small); resp.StatusCode != want {
			t.Errorf("%s: %s %s", body, resp.Status, text)
		}
	}
}

// The report's parts add up to the whole, and each number opens its people.
func TestReportBalances(t *testing.T) {
	each(t, func(w *world) {
		r := w.run()
		var report api.Report
		w.do("GET", fmt.Sprintf("/runs/%d/report", r.ID), nil, 200, &report)
		sum := int64(0)
		for _, s := range report.Sites {
			sum += s.Counts.Planned
		}
		if !report.Counts.Balanced() || report.Counts.Planned != 3 || sum != 3 || report.Sites[0].Counts.Skipped != 2 {
			t.Errorf("report %+v", report)
		}
		for _, reason := range report.Sites[0].Reasons {
			var page api.Page[api.Recipient]
			w.do("GET", fmt.Sprintf("/runs/%d/recipients?state=%s&reason=%s", r.ID, reason.State, url.QueryEscape(reason.Reason)), nil, 200, &page)
			if int64(len(page.Items)) != reason.N || page.Items[0].Reason != reason.Reason {
				t.Errorf("%+v opens %+v", reason, page)
			}
		}
		w.do("GET", fmt.Sprintf("/runs/%d/recipients?state=skipped&reason=bad+weather", r.ID), nil, 422, nil)
		_, text := w.call(request{method: "POST", path: fmt.Sprintf("/runs/%d/export?state=skipped", r.ID)}, w.tokens[account.Editor])
		if lines := strings.Count(string(text), "\n"); lines != 3 || !strings.Contains(string(text), campaign.MergeFailed.String()) {
			t.Errorf("export %s", text)
		}
	})
}

// What is not there is a problem too.
func TestNoSuchPlace(t *testing.T) {
	w := newWorld(t, t.TempDir()+"/test.db")
	for path, want := range map[string]int{"/nothing": 404, "/lists/1/2/3": 404} {
		resp, text := w.call(request{method: "GET", path: path}, "")
		w.problem(path, resp, text)
		if resp.StatusCode != want {
			t.Errorf("%s: %s", path, resp.Status)
		}
	}
	resp, text := w.call(request{method: "PATCH", path: "/lists"}, "")
	w.problem("PATCH", resp, text)
	if resp.StatusCode != http.StatusMethodNotAllowed || resp.Header.Get("Allow") == "" {
		t.Errorf("PATCH: %s %v", resp.Status, resp.Header)
	}
}

// One person joins, is edited, leaves and is erased; nobody is brought back.
func TestOnePerson(t *testing.T) {
	each(t, func(w *world) {
		l, _ := w.list()
		members := fmt.Sprintf("/lists/%d/members", l.ID)
		join := func(attributes map[string]any) (j api.Joined) {
			t.Helper()
			w.do("POST", members, map[string]any{"email": "Gil@EXAMPLE.org", "attributes": attributes, "consent": map[string]any{"ip": "192.0.2.7", "form": "Yes, monthly"}}, 200, &j)
			return j
		}
		first := join(map[string]any{"city": "Rome", "number": json.Number("12345678901234567890")})
		if first.Effect != "new" || first.Contact.Email != "Gil@example.org" || first.Import == 0 {
			t.Fatalf("joined %+v", first)
		}
		if again := join(map[string]any{"city": "Rome"}); again.Effect != "unchanged" {
			t.Errorf("again %+v", again)
		}
		if again := join(map[string]any{"city": "Oslo"}); again.Effect != "updated" || again.Contact.Attributes["city"] != "Oslo" {
			t.Errorf("moved %+v", again)
		}
		path := fmt.Sprintf("/contacts/%d", first.Contact.ID)
		w.do("PATCH", path, map[string]any{"attributes": map[string]any{"city": nil, "shoe_size": 42}}, 200, nil)
		_, text := w.call(request{method: "GET", path: path}, w.tokens[account.Viewer])
		if !strings.Contains(string(text), `"attributes":{"city":null,"number":12345678901234567890,"shoe_size":42}`) {
			t.Errorf("edited %s", text)
		}
		var person campaign.Person
		w.do("POST", path+"/export", nil, 200, &person)
		if len(person.Consents) != 3 || person.Consents[0].IP != "192.0.2.7" || person.Consents[0].How != "api" {
			t.Errorf("consents %+v", person.Consents)
		}
		for _, bad := range []map[string]any{{"Shoe Size": 1}, {"email": "x@example.org"}, {"a": []int{1}}, {"a": map[string]any{}}, {"a": strings.Repeat("x", 5000)}} {
			w.do("PATCH", path, map[string]any{"attributes": bad}, 422, nil)
		}
		if fields := must(w.db.Fields(t.Context()))(t); !slices.Contains(fields, "shoe_size") {
			t.Errorf("fields %v", fields)
		}
		for range 2 {
			w.do("POST", path+"/unsubscribe", map[string]any{"list": l.ID}, 204, nil)
		}
		if again := join(nil); again.Effect != "unsubscribed" {
			t.Errorf("left, and joined %+v", again)
		}
		var erased campaign.Erasure
		w.do("DELETE", path, nil, 200, &erased)
		w.do("DELETE", path, nil, 404, nil)
		if again := join(nil); !erased.Contact || again.Effect != "erased" || again.Contact != nil {
			t.Errorf("erased %+v, and joined %+v", erased, again)
		}
	})
}

// A client that goes away in the middle of its request is told so, if it still listens,
// and leaves nothing.
func TestBrokenOff(t *testing.T) {
	w := newWorld(t, t.TempDir()+"/test.db")
	for _, path := range []string{"/lists", "/uploads?name=people.csv"} {
		conn := must(net.Dial("tcp", w.srv.Listener.Addr().String()))(t).(*net.TCPConn)
		fmt.Fprintf(conn, "POST /api/v1%s HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\nContent-Length: 1000\r\n\r\n{\"name\": ", path, w.tokens[account.Editor])
		if err := conn.CloseWrite(); err != nil {
			t.Fatal(err)
		}
		resp := must(http.ReadResponse(bufio.NewReader(conn), nil))(t)
		w.problem(path, resp, must(io.ReadAll(resp.Body))(t))
		_ = conn.Close()
	}
	if left := must(w.uploads.List())(t); len(left) != 0 {
		t.Errorf("left behind: %+v", left)
	}
}

// The audience of a campaign is told at once: what was not looked at is estimated, and not
// taken for the truth.
func TestCountAudience(t *testing.T) {
	each(t, func(w *world) {
		var now atomic.Int64
		w.service.Now = func() time.Time { return time.Unix(1_800_000_000+now.Add(1), 0) } // no time is enough
		path := fmt.Sprintf("/campaigns/%d/audience", w.campaign().ID)
		var few, many, exact api.Audience
		if w.do("GET", path, nil, 200, &few); !few.Complete || few.Members != 3 || few.Recipients != 3 || few.About != 3 || few.Forecast == nil {
			t.Errorf("of three: %+v", few)
		}
		l := must(w.db.CreateList(t.Context(), w.name(), time.Now()))(w)
		rows := make([]campaign.ImportRow, 1000)
		for i := range rows {
			rows[i] = campaign.ImportRow{Row: int64(i + 1), Email: fmt.Sprintf("many%d@example.org", i), Attributes: fmt.Appendf(nil, `{"nr":%d}`, i)}
		}
		tx := must(w.db.BeginImport(t.Context(), l.ID, "many.csv", false, time.Now()))(w)
		if err := tx.Put(t.Context(), rows); err != nil {
			t.Fatal(err)
		}
		must2(tx.Finish(t.Context(), nil))(w)
		spec := campaign.Spec{Name: w.name(), Lists: []string{l.Name}, Segment: "nr % 2 == 0"}
		path = fmt.Sprintf("/campaigns/%d/audience", must(w.service.CreateDraft(t.Context(), spec))(w).ID)
		if w.do("GET", path, nil, 200, &many); many.Complete || many.Recipients != 100 || many.Members != 200 || many.Forecast != nil || many.About < 450 || many.About > 550 {
			t.Errorf("of a thousand: %+v", many)
		}
		if w.do("GET", path+"?exact=true", nil, 200, &exact); !exact.Complete || exact.Members != 1000 || exact.Outside != 500 || exact.Recipients != 500 || exact.About != 500 || exact.Forecast == nil {
			t.Errorf("exactly: %+v", exact)
		}
		w.do("GET", path+"?exact=perhaps", nil, 422, nil)
	})
}
