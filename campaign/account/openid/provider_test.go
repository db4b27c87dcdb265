package openid

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"broadside/campaign/account/openid/openidtest"
)

// silent is a provider that takes a request and says nothing.
type silent struct{ asked int }

func (s *silent) RoundTrip(r *http.Request) (*http.Response, error) {
	s.asked++
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// A provider that does not answer costs five seconds, and then nothing for ten.
func TestSilentProvider(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		transport := &silent{}
		p := New(Config{Issuer: issuer, Transport: transport, Now: time.Now})
		for _, want := range []struct {
			after, takes time.Duration
			asked        int
		}{{0, patience, 1}, {0, 0, 1}, {failedFor - patience - time.Nanosecond, 0, 1}, {time.Nanosecond, patience, 2}} {
			time.Sleep(want.after)
			began := time.Now()
			_, _, err := p.Begin(t.Context())
			if took := time.Since(began); !errors.Is(err, ErrDown) || took != want.takes || transport.asked != want.asked {
				t.Errorf("%v after %v, asked %d times: %v; want %+v", took, want.after, transport.asked, err, want)
			}
		}
	})
}

// The description is fetched anew each day, and yesterday's is good while that fails.
func TestDescriptionOfYesterday(t *testing.T) {
	there, err := openidtest.New()
	if err != nil {
		t.Fatal(err)
	}
	defer there.Close()
	now := time.Now()
	p := New(Config{Issuer: there.URL, ClientID: openidtest.ClientID, Transport: there.Client().Transport, Now: func() time.Time { return now }})
	const discovery = "/.well-known/openid-configuration"
	if p.Leave() != "" {
		t.Error("what it never told is known")
	}
	begin := func(want int) {
		t.Helper()
		if _, _, err := p.Begin(context.Background()); err != nil || there.Asked(discovery) != want {
			t.Errorf("asked %d times, want %d: %v", there.Asked(discovery), want, err)
		}
	}
	begin(1)
	now = now.Add(describedFor - time.Second)
	begin(1)
	now = now.Add(time.Second)
	begin(2)
	now = now.Add(describedFor)
	there.Instead[discovery] = http.NotFound
	begin(3)
	begin(3)
	if leave := p.Leave(); leave != there.URL+"/leave?client_id=broadside" {
		t.Errorf("leave by %q", leave)
	}
}

// What is sent says how the answer is tied to the question, and holds no secret.
func TestBegin(t *testing.T) {
	there, err := openidtest.New()
	if err != nil {
		t.Fatal(err)
	}
	defer there.Close()
	p := New(Config{
		Issuer: there.URL, ClientID: openidtest.ClientID, ClientSecret: openidtest.ClientSecret, Redirect: "https://news.example.org/back",
		Scopes: []string{"groups"}, Transport: there.Client().Transport, Now: time.Now,
	})
	first, address, err := p.Begin(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	second, _, err := p.Begin(context.Background())
	if err != nil || first.State == second.State || first.Nonce == second.Nonce || first.Verifier == second.Verifier {
		t.Errorf("%+v and %+v, %v", first, second, err)
	}
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	if q.Get("scope") != "openid email profile groups" || q.Get("state") != first.State || q.Get("nonce") != first.Nonce || q.Get("redirect_uri") != p.Redirect || q.Get("code_challenge_method") != "S256" {
		t.Errorf("sent to %s", address)
	}
	if strings.Contains(address, first.Verifier) || q.Has("client_secret") {
		t.Errorf("a secret is in %s", address)
	}
	if (Attempt{}).Answers(url.Values{}) || first.Answers(url.Values{"state": {second.State}}) || !first.Answers(url.Values{"state": {first.State}}) {
		t.Error("attempts don't know their answers")
	}
}

func TestSafe(t *testing.T) {
	for address, want := range map[string]bool{
		"https://login.example.org/realms/a": true, "http://localhost:8080/realms/a": true, "http://127.0.0.1:1": true, "http://[::1]:1": true,
		"http://login.example.org": false, "https://user@login.example.org": false, "https://": false, "login.example.org": false, "": false,
		"ftp://localhost": false, "javascript:alert(1)": false, "http://localhost.evil.example": false, "https://a/#b": false,
	} {
		if Safe(address) != want {
			t.Errorf("%q is %v", address, !want)
		}
	}
}
