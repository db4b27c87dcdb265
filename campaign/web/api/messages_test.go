package api_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"broadside/campaign"
	"broadside/campaign/account"
)

// A program whose token may do nothing else sends a message, asks again as after a lost
// answer, and sees where it stands; what is wrong has a name.
func TestMessages(t *testing.T) {
	each(t, func(w *world) {
		shop := w.token(account.Editor, account.Messages)
		name := w.template().Spec.Name
		ask := func(key string, body map[string]any) (*http.Response, []byte) {
			return w.call(request{
				method: "POST", path: "/messages", kind: "application/json", body: must(json.Marshal(body))(w), header: map[string]string{"Idempotency-Key": key},
			}, shop)
		}
		order := map[string]any{"template": name, "to": "Ann@Example.org", "data": map[string]any{"code": "4711"}}
		first, answer := ask("order 1", order)
		again, sameAnswer := ask("order 1", order)
		if first.StatusCode != 202 || again.StatusCode != 202 || string(answer) != string(sameAnswer) || first.Header.Get("Idempotent-Replayed") != "" || again.Header.Get("Idempotent-Replayed") != "true" {
			w.Fatalf("%s %s\n%s %s", first.Status, answer, again.Status, sameAnswer)
		}
		var made struct {
			ID    int64
			Email string
		}
		if err := json.Unmarshal(answer, &made); err != nil || made.Email != "Ann@example.org" {
			w.Fatalf("%s", answer)
		}
		resp, text := w.call(request{method: "GET", path: "/messages/" + string(must(json.Marshal(made.ID))(w))}, shop)
		if resp.StatusCode != 200 || !strings.Contains(string(text), `"state":"waiting"`) {
			w.Errorf("%s %s", resp.Status, text)
		}
		// Another user's key is another key.
		r := request{method: "POST", path: "/messages", kind: "application/json", body: must(json.Marshal(order))(w), header: map[string]string{"Idempotency-Key": "order 1"}}
		if resp, text := w.call(r, w.tokens[account.Admin]); resp.StatusCode != 202 || string(text) == string(answer) {
			w.Errorf("%s %s", resp.Status, text)
		}
		must(w.db.Suppress(w.Context(), []campaign.Suppression{{Email: "gone@example.org", Reason: "bounced"}}))(w)
		for _, c := range []struct {
			key    string
			body   map[string]any
			status int
			name   campaign.MessageProblem
			field  string
		}{
			{"order 1", map[string]any{"template": name, "to": "bob@example.org", "data": map[string]any{"code": "4711"}}, 422, campaign.KeyReused, "header.Idempotency-Key"},
			{"", map[string]any{"template": "none", "to": "bob@example.org"}, 404, campaign.NoTemplate, "body.template"},
			{"", map[string]any{"template": w.campaign().Spec.Name, "to": "bob@example.org"}, 422, campaign.NotATemplate, "body.template"},
			{"", map[string]any{"template": name, "to": "bob@example.org"}, 422, campaign.MissingValue, "body.data"},
			{"", map[string]any{"template": name, "to": "gone@example.org", "data": map[string]any{"code": 1}}, 422, campaign.RecipientGone, "body.to"},
			{"", map[string]any{"template": name, "to": "no address"}, 422, campaign.BadAddress, "body.to"},
		} {
			resp, text := ask(c.key, c.body)
			var p struct {
				Type   string
				Errors []struct{ Location string }
			}
			if err := json.Unmarshal(text, &p); err != nil || resp.StatusCode != c.status || p.Type != "urn:broadside:problem:"+string(c.name) || p.Errors[0].Location != c.field {
				w.Errorf("%s: %s %s", c.name, resp.Status, text)
			}
		}
	})
}
