package webhook

import (
	"context"
	"encoding/base64"
	"log/slog"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestBackoff(t *testing.T) {
	var got []time.Duration
	for tries := range 12 {
		got = append(got, backoff(tries+1))
	}
	s, m, h := time.Second, time.Minute, time.Hour
	want := []time.Duration{5 * s, 15 * s, 45 * s, 2*m + 15*s, 6*m + 45*s, 20*m + 15*s, h + 45*s, 3*h + 2*m + 15*s, 6 * h, 6 * h, 6 * h, 6 * h}
	if !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	for range 1000 {
		if d := jittered(time.Minute); d < 54*s || d > 66*s {
			t.Fatalf("a minute became %s", d)
		}
	}
}

// The example of the Standard Webhooks libraries.
func TestSignature(t *testing.T) {
	secret, err := base64.StdEncoding.DecodeString("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	if err != nil {
		t.Fatal(err)
	}
	e := Endpoint{Secret: secret}
	h := http.Header{}
	now := time.Unix(1614265330, 0)
	e.sign(h, "msg_p5jXN8AQM9LWM0D4loKWxJek", []byte(`{"test": 2432232314}`), now)
	const want = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
	if got := h.Get("webhook-signature"); got != want || h.Get("webhook-timestamp") != "1614265330" || h.Get("webhook-id") != "msg_p5jXN8AQM9LWM0D4loKWxJek" {
		t.Errorf("%v", h)
	}
	e = Endpoint{Secret: newSecret(), OldSecret: secret, OldUntil: now.Add(time.Second)}
	e.sign(h, "msg_p5jXN8AQM9LWM0D4loKWxJek", []byte(`{"test": 2432232314}`), now)
	if got := strings.Fields(h.Get("webhook-signature")); len(got) != 2 || got[1] != want {
		t.Errorf("while it is rotated: %q", got)
	}
	e.sign(h, "msg_p5jXN8AQM9LWM0D4loKWxJek", []byte(`{"test": 2432232314}`), now.Add(time.Second))
	if got := strings.Fields(h.Get("webhook-signature")); len(got) != 1 {
		t.Errorf("after the rotation: %q", got)
	}
}

func TestCheck(t *testing.T) { // X6
	public := func(a netip.Addr) bool { return !a.IsPrivate() && !a.IsLoopback() }
	anywhere := func(netip.Addr) bool { return true }
	for _, test := range []struct {
		url   string
		allow func(netip.Addr) bool
		want  string // the address as it is kept, or "!" and part of the refusal
	}{
		{" https://example.org/hook?a=b#part ", public, "https://example.org/hook?a=b"},
		{"https://example.org:8443/hook", public, "https://example.org:8443/hook"},
		{"http://example.org/hook", anywhere, "!https"},
		{"http://localhost:80/hook", public, "!https"},
		{"http://localhost:80/hook", anywhere, "http://localhost:80/hook"},
		{"http://127.0.0.1:80/hook", anywhere, "http://127.0.0.1:80/hook"},
		{"http://10.0.0.1/hook", anywhere, "!https"},
		{"https://10.0.0.1/hook", public, "!not public"},
		{"https://[::1]/hook", public, "!not public"},
		{"https://ann:secret@example.org/", public, "!user"},
		{"https://example.org:0/", public, "!port"},
		{"https://example.org:99999/", public, "!port"},
		{"https:example.org", public, "!address"},
		{"ftp://example.org/", public, "!https"},
		{"", public, "!address"},
		{"https://example.org/" + strings.Repeat("a", 2000), public, "!longer"},
		{"https://example.org/%zz", public, "!address"},
	} {
		got, _, err := Draft{URL: test.url, Types: []string{"message.bounced"}}.check(test.allow)
		if refusal, refused := strings.CutPrefix(test.want, "!"); refused {
			if err == nil || !strings.Contains(err.Error(), refusal) {
				t.Errorf("%q: %v, want %q", test.url, err, refusal)
			}
		} else if err != nil || got != test.want {
			t.Errorf("%q: %q %v", test.url, got, err)
		}
	}
	for _, types := range [][]string{nil, {"message.bounced", "nothing"}, {string(Test)}, {string(RunComplete)}} {
		if _, _, err := (Draft{URL: "https://example.org/", Types: types}).check(public); err == nil {
			t.Errorf("types %q are taken", types)
		}
	}
	_, types, err := Draft{URL: "https://example.org/", Types: []string{"run.paused", "message.accepted", "run.paused"}}.check(public)
	if err != nil || !slices.Equal(types, []Type{Accepted, RunPaused}) {
		t.Errorf("%v %v", types, err)
	}
}

// An endpoint that is ill gets one request at a time, with pauses that end at once when
// it is well.
func TestHealth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHealth(time.Time{})
		rest := func(first bool) time.Duration {
			began := time.Now()
			ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
			defer cancel()
			h.rest(ctx, first)
			return time.Since(began)
		}
		for i := range illAfter {
			if d := rest(false); d != 0 {
				t.Errorf("waits %s after %d failures", d, i)
			}
			if _, fresh := h.ill(time.Now()); fresh != (i == 0) {
				t.Errorf("failure %d: fresh %v", i, fresh)
			}
		}
		for _, want := range []time.Duration{1, 2, 4, 8, 16, 32, 60, 60} {
			if d := rest(true); d != want*time.Second {
				t.Errorf("waits %s, want %ds", d, want)
			}
			h.ill(time.Now())
		}
		if d := rest(false); d != time.Hour {
			t.Errorf("the other lines go on after %s", d)
		}
		time.AfterFunc(time.Second, func() { h.well() })
		if d := rest(false); d != time.Second {
			t.Errorf("the other lines go on %s after it is well", d)
		}
		if h.well() {
			t.Error("it was ill still")
		}
	})
}

func TestPlain(t *testing.T) {
	for text, want := range map[string]string{
		"ok":                            "ok",
		" a\r\nb\x00\x1b[31mc\xff ":     "a  b[31mc",
		strings.Repeat("x", 600):        strings.Repeat("x", 500),
		strings.Repeat("x", 499) + "é!": strings.Repeat("x", 499),
	} {
		if got := plain(text); got != want {
			t.Errorf("%q: %q", text, got)
		}
	}
}

// oneHook is a store of one endpoint.
type oneHook struct {
	Store
	endpoint Endpoint
}

func (s *oneHook) ChangeWebhook(_ context.Context, _ EndpointID, change func(*Endpoint) error) (Endpoint, error) {
	return s.endpoint, change(&s.endpoint)
}

// A failure that was on its way when a person resumed the endpoint does not end it again.
func TestResumedMeanwhile(t *testing.T) {
	for name, failure := range map[string]answer{
		"gone":    {status: http.StatusGone, failure: "gone"},
		"failing": {status: http.StatusBadGateway, failure: "bad gateway"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				db := &oneHook{endpoint: Endpoint{ID: 1, State: Active}}
				w := newWorker(&Dispatcher{Store: db, Log: slog.New(slog.DiscardHandler), pace: usual}, db.endpoint)
				fail := func(want State) {
					t.Helper()
					if err := w.judge(t.Context(), &db.endpoint, failure); err != nil {
						t.Fatal(err)
					}
					if db.endpoint.State != want {
						t.Errorf("it is %s, want %s", db.endpoint.State, want)
					}
				}
				if !failure.gone() {
					fail(Active)
					time.Sleep(usual.disableAfter + time.Second)
				}
				fail(Disabled)
				db.endpoint.State, db.endpoint.FailingSince = Active, time.Time{} // resumed
				fail(Active)
				if !failure.gone() {
					fail(Active)
					time.Sleep(usual.disableAfter + time.Second)
				}
				fail(Disabled)
			})
		})
	}
}
