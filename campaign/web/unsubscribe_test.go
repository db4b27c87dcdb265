package web

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"broadside/campaign"
	"broadside/campaign/token"
)

// people remembers who left which list.
type people struct {
	left []campaign.ContactID
	down bool
}

func (p *people) RunByID(_ context.Context, id campaign.RunID) (campaign.Run, error) {
	if p.down {
		return campaign.Run{}, errors.New("database down")
	}
	return campaign.Run{ID: id, Spec: campaign.Spec{Lists: []string{"news", "gone"}}}, nil
}

func (p *people) ListByName(_ context.Context, name string) (campaign.List, error) {
	if name == "gone" {
		return campaign.List{}, campaign.ErrNotFound
	}
	return campaign.List{ID: 5, Name: name}, nil
}

func (p *people) Unsubscribe(_ context.Context, c campaign.ContactID, list campaign.ListID, _ time.Time) error {
	if list == 5 {
		p.left = append(p.left, c)
	}
	return nil
}

func TestUnsubscribe(t *testing.T) { // M8, X8, X9
	tokens := token.NewMaker(bytes.Repeat([]byte{1}, 32))
	other := token.NewMaker(bytes.Repeat([]byte{2}, 32))
	link := "/u/" + string(tokens.Append(nil, token.Unsubscribe, 3, 77))
	var form bytes.Buffer
	parts := multipart.NewWriter(&form)
	_ = parts.WriteField("List-Unsubscribe", "One-Click")
	_ = parts.Close()

	for _, test := range []struct {
		name, method, path, kind, body string
		down                           bool
		status, left                   int
		says                           string
	}{
		{"a look changes nothing", "GET", link, "", "", false, 200, 0, "Unsubscribe?"},
		{"nor does a scanner's", "HEAD", link, "", "", false, 200, 0, ""},
		{"one click, urlencoded", "POST", link, "application/x-www-form-urlencoded", "List-Unsubscribe=One-Click", false, 200, 1, "You are unsubscribed"},
		{"one click, multipart", "POST", link, parts.FormDataContentType(), form.String(), false, 200, 1, "You are unsubscribed"},
		{"an empty body", "POST", link, "", "", false, 200, 1, "You are unsubscribed"},
		{"token of another secret", "POST", "/u/" + string(other.Append(nil, token.Unsubscribe, 3, 77)), "", "", false, 404, 0, "not complete"},
		{"token for another purpose", "POST", "/u/" + string(tokens.Append(nil, token.Bounce, 3, 77)), "", "", false, 404, 0, "not complete"},
		{"database down", "POST", link, "", "", true, 503, 0, "try again"},
	} {
		t.Run(test.name, func(t *testing.T) {
			store := &people{down: test.down}
			srv := httptest.NewServer(Recipients(store, tokens, slog.New(slog.DiscardHandler)))
			defer srv.Close()
			req, err := http.NewRequest(test.method, srv.URL+test.path, strings.NewReader(test.body))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Content-Type", test.kind)
			client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return errors.New("redirected") }}
			resp, err := client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(resp.Body)
			_ = resp.Body.Close()
			if err != nil || resp.StatusCode != test.status || !strings.Contains(string(body), test.says) || resp.Header.Get("Set-Cookie") != "" {
				t.Errorf("%s (%v): %s", resp.Status, err, body)
			}
			if len(store.left) != test.left || test.left > 0 && store.left[0] != 77 {
				t.Errorf("left: %v", store.left)
			}
		})
	}
}
