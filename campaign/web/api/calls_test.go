package api_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"broadside/campaign"
	"broadside/campaign/account"
	"broadside/campaign/schedule"
	"broadside/campaign/upload"
	"broadside/campaign/web/api"
)

// values prepares what a valid call of an operation needs, and returns its parameters.
func (w *world) values(op string) map[string]any {
	w.Helper()
	ctx := w.Context()
	switch op {
	case "create-list", "create-campaign", "create-token":
		v := map[string]any{"body.name": w.name()}
		if op == "create-token" {
			v["body.expires"] = time.Now().Add(30 * time.Minute)
			v["body.scopes"] = []string{"see"}
		}
		return v
	case "present-list":
		l, _ := w.list()
		return map[string]any{"list": l.ID, "body.title": "Harbour News", "body.visible": true}
	case "list-forms":
		return map[string]any{"list": w.form().List}
	case "create-form":
		l, _ := w.list()
		return map[string]any{"list": l.ID, "body.from": "News <news@example.org>", "body.texts": map[string]any{"en": map[string]any{"title": "News", "consent": "Send me news"}}}
	case "show-form":
		return map[string]any{"form": w.form().ID}
	case "edit-form":
		return map[string]any{
			"form": w.form().ID, "body.from": "News <news@example.org>", "body.texts": map[string]any{"zh": map[string]any{"title": "港口新闻", "consent": "我想订阅"}},
			"body.fields": []any{map[string]any{"name": "first_name", "labels": map[string]any{"zh": "名字"}}},
		}
	case "close-form":
		return map[string]any{"form": w.form().ID, "body.closed": true}
	case "sign-up":
		return map[string]any{"form": w.form().ID, "body.email": "Hal@Example.org", "body.ip": "192.0.2.7", "body.language": "en"}
	case "undo-import":
		l, im := w.list()
		return map[string]any{"list": l.ID, "import": im}
	case "upload-file":
		return map[string]any{"name": "people.csv"}
	case "import-upload", "show-rejects":
		return map[string]any{"upload": w.upload(upload.Checked).ID}
	case "check-upload":
		return map[string]any{"upload": w.upload(upload.Received).ID, "body.list": w.name(), "body.mapping": map[string]string{"email": "E-Mail"}}
	case "edit-contact":
		l, _ := w.list()
		return map[string]any{"contact": must(w.db.ListContacts(ctx, l.ID, 0, 1))(w)[0].ID, "body.attributes": map[string]any{"city": "Rome"}}
	case "add-member":
		l, _ := w.list()
		return map[string]any{"list": l.ID, "body.email": "Gil@Example.org", "body.attributes": map[string]any{"first_name": "Gil", "points": 7}}
	case "set-list-tracking":
		l, _ := w.list()
		return map[string]any{"list": l.ID, "body.tracking": "anonymous"}
	case "suppress":
		return map[string]any{"body.who": "Eve@Example.ORG"}
	case "unsuppress":
		w.do("POST", "/suppressions", map[string]any{"who": "@fay.example"}, 204, nil)
		return map[string]any{"who": "fay.example"}
	case "test-campaign":
		return map[string]any{"campaign": w.campaign().ID, "body.to": "me@example.org", "body.as": "longest"}
	case "count-segment", "glance-at-segment":
		l, _ := w.list()
		return map[string]any{"body.lists": []string{l.Name}, "body.segment": "age >= 21"}
	case "create-segment":
		w.list() // for its attributes
		return map[string]any{"body.name": w.name(), "body.expression": "age >= 21"}
	case "show-segment", "edit-segment", "delete-segment":
		w.list() // for its attributes
		saved := must(w.service.CreateSegment(ctx, w.name(), `name == "Ann"`))(w)
		return map[string]any{"segment": saved.ID, "body.name": w.name(), "body.expression": "age < 21"}
	case "create-starter":
		return map[string]any{"body.name": w.name(), "body.markdown": "Hello"}
	case "show-starter", "preview-starter":
		return map[string]any{"starter": "newsletter"}
	case "edit-starter", "delete-starter":
		saved := must(w.service.CreateStarter(ctx, w.name(), campaign.StarterContent{Markdown: "Hello"}))(w)
		return map[string]any{"starter": saved.Key, "body.name": w.name(), "body.markdown": "Hello again"}
	case "edit-campaign":
		c := w.campaign()
		return map[string]any{"campaign": c.ID, "body.name": w.name(), "body.version": c.Updated.UnixMilli()}
	case "start-campaign":
		return map[string]any{"campaign": w.campaign().ID, "body.at": time.Now().Add(time.Hour), "body.recipients": 3}
	case "repeat-campaign", "show-repetition", "skip-next", "stop-repeating":
		c := must(w.db.CampaignByID(ctx, w.campaign().ID))(w)
		c.Spec.Repeat = schedule.Repeat{Cron: "0 9 * * mon", Zone: "UTC"}
		c = must(w.db.UpdateCampaign(ctx, c.ID, c.Spec, time.Now()))(w)
		if op != "repeat-campaign" {
			must(w.service.Repeat(ctx, c))(w)
		}
		return map[string]any{"campaign": c.ID}
	case "undo-start":
		c := must(w.db.CampaignByID(ctx, w.campaign().ID))(w)
		r := must(w.db.CreateRun(ctx, c, campaign.RunScheduled, time.Now().Add(time.Hour), time.Now()))(w)
		return map[string]any{"run": r.ID}
	case "resume-run":
		r := w.run()
		must(w.service.PauseRun(ctx, r.ID, ""))(w)
		return map[string]any{"run": r.ID}
	case "list-recipients":
		return map[string]any{"run": w.run().ID, "state": "skipped", "reason": campaign.Suppressed.String(), "limit": 1}
	case "revoke-token":
		t, _ := must2(w.accounts.CreateToken(ctx, w.users[account.Admin], "short", account.See, time.Now().Add(time.Hour)))(w)
		return map[string]any{"token": t.ID}
	case "invite-user":
		return map[string]any{"body.email": strings.ReplaceAll(w.name(), " ", "") + "@example.org", "body.role": "author"}
	case "change-user", "invite-user-again", "release-user":
		return map[string]any{"user": w.users[account.Viewer].ID, "body.role": "viewer"}
	case "send-message":
		return map[string]any{"Idempotency-Key": w.name(), "body.template": w.template().Spec.Name, "body.to": "Hal@Example.org", "body.data": map[string]any{"code": "4711"}}
	case "show-message":
		data := map[string]json.RawMessage{"code": json.RawMessage("1")}
		m, _ := must2(w.service.SendMessage(ctx, campaign.NewMessage{Template: w.template().Spec.Name, To: "hal@example.org", Data: data}))(w)
		return map[string]any{"message": m.ID}
	case "follow-up-campaign":
		return map[string]any{"campaign": w.campaign().ID, "body.whom": "missed"}
	case "choose-winner":
		return map[string]any{"run": w.compared().ID, "body.variant": "B"}
	case "send-rest":
		return map[string]any{"run": w.runWithCanary().ID}
	case "weigh-run":
		return map[string]any{"run": w.run().ID, "body.weight": 30}
	case "limit-site":
		return map[string]any{"site": "google", "body.rate": 20, "body.connections": 5}
	case "add-webhook":
		return map[string]any{"body.url": "https://example.org/hook", "body.types": []string{"message.bounced"}}
	case "show-webhook", "change-webhook", "remove-webhook", "rotate-webhook", "pause-webhook", "resume-webhook", "test-webhook", "list-deliveries", "replay-webhook":
		e := w.webhook()
		v := map[string]any{"webhook": e.ID, "state": "delivered"}
		switch op {
		case "change-webhook":
			v["body.url"], v["body.types"] = "https://example.org/other", []string{"run.paused"}
		case "replay-webhook":
			v["body.event"] = "evt_1"
		}
		return v
	case "pause-site", "resume-site":
		return map[string]any{"site": "google"}
	}
	l, im := w.list()
	contact := must(w.db.ListContacts(ctx, l.ID, 0, 1))(w)[0]
	return map[string]any{
		"list": l.ID, "import": im, "contact": contact.ID, "body.list": l.ID,
		"campaign": w.campaign().ID, "run": w.run().ID, "upload": w.upload(upload.Received).ID,
	}
}

// Every operation does what its document says when it is asked well, in the status and
// the schema that it names; what changes something is in the audit log.
func TestValidCalls(t *testing.T) {
	each(t, func(w *world) {
		d := w.document()
		if !strings.HasPrefix(d.OpenAPI, "3.1") {
			t.Errorf("OpenAPI %s", d.OpenAPI)
		}
		ours := api.New(api.Config{})
		byID := map[string]api.Operation{}
		for _, o := range ours.Operations() {
			byID[o.ID] = o
		}
		for _, op := range d.operations(w) {
			r := op.request(w, d, w.values(op.ID))
			resp, text := w.call(r, w.tokens[account.Admin])
			if strconv.Itoa(resp.StatusCode) != op.success() {
				w.Errorf("%s: %s %s: %s, want %s\n%s\n%s", op.ID, r.method, r.path, resp.Status, op.success(), r.body, text)
				continue
			}
			w.matches(ours.OpenAPI(), op, resp, text)
			action := byID[op.ID].Action
			last := must(w.accounts.Entries(w.Context(), 0, 1))(w)
			if logged := len(last) > 0 && last[0].Action == action && last[0].Status == resp.StatusCode && last[0].Via == "test"; logged != (action != "") {
				w.Errorf("%s: audit log %+v", op.ID, last)
			}
			if action != "" && last[0].Object == "" {
				w.Errorf("%s: the audit log does not say what was changed", op.ID)
			}
		}
	})
}

// matches compares an answer with its schema.
func (w *world) matches(doc *huma.OpenAPI, op operation, resp *http.Response, text []byte) {
	w.Helper()
	content := op.Responses[op.success()].Content
	if len(content) == 0 {
		if len(text) != 0 {
			w.Errorf("%s: answers %q, and its document says nothing", op.ID, text)
		}
		return
	}
	kind := slices.Collect(maps.Keys(content))[0]
	if !strings.HasPrefix(resp.Header.Get("Content-Type"), kind) {
		w.Errorf("%s: answers %s, not %s", op.ID, resp.Header.Get("Content-Type"), kind)
	}
	if kind != "application/json" {
		if len(text) == 0 {
			w.Errorf("%s: answers nothing", op.ID)
		}
		return
	}
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		w.Errorf("%s: %v in %s", op.ID, err, text)
		return
	}
	methods := map[string]*huma.Operation{"GET": doc.Paths[op.Path].Get, "POST": doc.Paths[op.Path].Post, "PUT": doc.Paths[op.Path].Put, "PATCH": doc.Paths[op.Path].Patch, "DELETE": doc.Paths[op.Path].Delete}
	s := methods[op.Method].Responses[op.success()].Content[kind].Schema
	var result huma.ValidateResult
	huma.Validate(doc.Components.Schemas, s, huma.NewPathBuffer(nil, 0), huma.ModeReadFromServer, v, &result)
	for _, err := range result.Errors {
		w.Errorf("%s: %v in %s", op.ID, err, text)
	}
}

// Whatever is wrong with a request is the client's to mend: a problem in 4xx, never a 500.
func TestInvalidCalls(t *testing.T) {
	each(t, func(w *world) {
		d := w.document()
		for _, op := range d.operations(w) {
			good := w.values(op.ID)
			wrong := func(what string, r request) {
				w.Helper()
				resp, text := w.call(r, w.tokens[account.Admin])
				w.problem(fmt.Sprintf("%s with %s", op.ID, what), resp, text)
			}
			for _, p := range op.Parameters {
				for _, bad := range badParameters(p.In, p.Schema) {
					v := maps.Clone(good)
					v[p.Name] = bad
					wrong(fmt.Sprintf("%s=%.20v", p.Name, bad), op.request(w, d, v))
				}
			}
			r := op.request(w, d, good)
			unknown := r
			unknown.path += map[bool]string{true: "&", false: "?"}[strings.Contains(r.path, "?")] + "nonsense=1"
			wrong("an unknown parameter", unknown)
			s, ok := op.body(d)
			if !ok {
				continue
			}
			for what, text := range map[string]string{"no body": "", "no JSON": "{", "a list": "[]", "null": "null", "an empty object": "{}", "text": `"text"`} {
				if text == "{}" && len(s.Required) == 0 {
					continue
				}
				wrong(what, request{method: r.method, path: r.path, kind: r.kind, body: []byte(text), header: r.header})
			}
			wrong("a form", request{method: r.method, path: r.path, kind: "application/x-www-form-urlencoded", body: r.body, header: r.header})
			for name, property := range s.Properties {
				for _, bad := range d.badValues(property, slices.Contains(s.Required, name)) {
					v := maps.Clone(good)
					v["body."+name] = bad
					wrong(fmt.Sprintf("%s: %.30v", name, bad), op.request(w, d, v))
				}
			}
			v := maps.Clone(good)
			v["body.nonsense"] = 1
			wrong("an unknown property", op.request(w, d, v))
		}
	})
}

// problem wants an error of the client's, told as RFC 9457 has it.
func (w *world) problem(what string, resp *http.Response, text []byte) {
	w.Helper()
	var p struct {
		Title, Detail string
		Status        int
		Errors        []struct{ Message, Location string }
	}
	switch err := json.Unmarshal(text, &p); {
	case resp.StatusCode < 400 || resp.StatusCode >= 500:
		w.Errorf("%s: %s\n%s", what, resp.Status, text)
	case err != nil || resp.Header.Get("Content-Type") != "application/problem+json" || p.Status != resp.StatusCode || p.Title == "" || p.Detail == "":
		w.Errorf("%s: %s is no problem: %s", what, resp.Status, text)
	case p.Status == http.StatusUnprocessableEntity && (len(p.Errors) == 0 || p.Errors[0].Location == "" || p.Errors[0].Message == ""):
		w.Errorf("%s: does not name the field: %s", what, text)
	}
}

// badParameters are values that a parameter must not have.
func badParameters(in string, s schema) []any {
	bad := []any{"a\x00b"}
	if in == "header" {
		bad = nil // no client sends it
	}
	if s.MaxLength > 0 {
		bad = append(bad, strings.Repeat("x", s.MaxLength+1))
	}
	if s.Type == "integer" {
		bad = append(bad, "text", "-1", "9223372036854775808", "1.5")
		if in == "path" {
			bad = append(bad, "0", "999999999")
		}
	}
	if len(s.Enum) > 0 {
		bad = append(bad, "nonsense")
	}
	return bad
}

// badValues are values that a property must not have.
func (d document) badValues(s schema, required bool) []any {
	s = d.resolve(s)
	bad := []any{map[string]any{"a": []int{1}}, "a\x00b"}
	if required {
		bad = append(bad, nil)
	}
	if s.Type != "string" {
		bad = append(bad, "text")
	}
	if s.Type == "string" {
		bad = append(bad, 1, true, []string{"text"})
		if s.MaxLength > 0 {
			bad = append(bad, strings.Repeat("x", s.MaxLength+1))
		}
		if s.Format != "" || len(s.Enum) > 0 {
			bad = append(bad, "nonsense")
		}
	}
	if s.Type == "integer" {
		bad = append(bad, -1, 1.5, 1e300)
	}
	if s.Type == "array" {
		bad = append(bad, []any{map[string]any{}}, 7)
	}
	return bad
}

// Who sends no token, a wrong one, or one of a user who is gone, learns nothing.
func TestUnauthorisedCalls(t *testing.T) {
	each(t, func(w *world) {
		d := w.document()
		ended := w.token(account.Editor, account.See)
		must(w.accounts.Change(w.Context(), w.users[account.Editor].ID, "gone", account.Editor, true))(w)
		for _, op := range d.operations(w) {
			r := op.request(w, d, map[string]any{"name": "people.csv", "state": "waiting"})
			for _, token := range []string{"", "bsd_nonsense", "nonsense", ended} {
				resp, text := w.call(r, token)
				if resp.StatusCode != http.StatusUnauthorized || resp.Header.Get("WWW-Authenticate") == "" {
					w.Errorf("%s with token %q: %s", op.ID, token, resp.Status)
				}
				w.problem(op.ID, resp, text)
			}
		}
	})
}

// Each role meets each operation; a token does no more than its scopes, whoever its
// user is.
func TestRoleMatrix(t *testing.T) {
	each(t, func(w *world) {
		d := w.document()
		onlySee := w.token(account.Admin, account.See)
		for _, op := range d.operations(w) {
			// Nothing has this number: what is allowed finds nothing, and changes nothing.
			values := map[string]any{"name": "people.csv", "state": "waiting", "body.list": 999999, "body.role": "none"}
			for _, p := range op.Parameters {
				if p.In == "path" {
					values[p.Name] = 999999
				}
			}
			r, need := op.request(w, d, values), op.need(w)
			check := func(who string, may account.Permission, token string) {
				w.Helper()
				resp, text := w.call(r, token)
				if refused := resp.StatusCode == http.StatusForbidden; refused != (may&need != need) || resp.StatusCode == http.StatusUnauthorized || resp.StatusCode >= 500 {
					w.Errorf("%s to %s, which needs %s: %s\n%s", who, op.ID, need, resp.Status, text)
				}
			}
			for role, token := range w.tokens {
				check(string(role), role.May(), token)
			}
			check("an admin's token with the scope see", account.See, onlySee)
		}
	})
}
