package mtasts

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// world is a domain with DNS and a web server on loopback, and a Source that knows
// nothing else.
type world struct {
	*Source
	txt   []string // of _mta-sts.example.org
	dns   error
	ttl   time.Duration
	addrs []netip.Addr // of mta-sts.example.org
	kept  map[string]Kept
	store error
	now   time.Time
	// serve answers the next requests; it is set before they are made.
	serve    http.HandlerFunc
	requests atomic.Int64
	dialled  []string
}

func (w *world) LookupTXTTTL(_ context.Context, name string) ([]string, time.Duration, error) {
	if name != "_mta-sts.example.org" {
		return nil, time.Minute, &net.DNSError{Err: "no such name", Name: name, IsNotFound: true}
	}
	return w.txt, w.ttl, w.dns
}

func (w *world) LookupNetIP(context.Context, string, string) ([]netip.Addr, error) {
	return w.addrs, nil
}

func (w *world) MTASTSPolicy(_ context.Context, domain string, at time.Time) (Kept, bool, error) {
	k, ok := w.kept[domain]
	return k, ok && at.Before(k.Expires), w.store
}

func (w *world) KeepMTASTSPolicy(_ context.Context, k Kept) error {
	if w.store == nil {
		w.kept[k.Domain] = k
	}
	return w.store
}

// policyFile is a handler that serves a policy.
func policyFile(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Host != "mta-sts.example.org" || r.URL.Path != "/.well-known/mta-sts.txt" {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		fmt.Fprint(w, text)
	}
}

const enforced = "version: STSv1\nmode: enforce\nmx: mx.example.org\nmax_age: 604800\n"

// newWorld serves with a certificate for a name, good until a time, by an authority
// that the Source trusts.
func newWorld(t *testing.T, name string, until time.Time) *world {
	t.Helper()
	certificate, pool := issue(t, name, until)
	w := &world{
		txt: []string{"v=STSv1; id=1"}, ttl: 10 * time.Minute, addrs: []netip.Addr{netip.MustParseAddr("192.0.2.1")},
		kept: map[string]Kept{}, now: time.Now(), serve: policyFile(enforced),
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.requests.Add(1)
		w.serve(rw, r)
	}))
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	server.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}}
	server.StartTLS()
	t.Cleanup(server.Close)
	w.Source = New(Config{
		Resolver: w, Store: w, RootCAs: pool, Timeout: 5 * time.Second, Now: func() time.Time { return w.now }, Log: slog.New(slog.DiscardHandler),
		Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
			w.dialled = append(w.dialled, address)
			return new(net.Dialer).DialContext(ctx, network, server.Listener.Addr().String())
		},
	})
	return w
}

// issue makes a certificate for a name, and the authority that vouches for it.
func issue(t *testing.T, name string, until time.Time) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: time.Now().Add(24 * 365 * time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: until, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, leaf, ca, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	caDER, err := x509.CreateCertificate(rand.Reader, ca, ca, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	authority, err := x509.ParseCertificate(caDER)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(authority)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

func year() time.Time { return time.Now().Add(24 * 365 * time.Hour) }

// T5: what is fetched is what holds, and for how long.
func TestLook(t *testing.T) {
	for _, mode := range []Mode{Enforce, Testing, NoMode} {
		t.Run(mode.String(), func(t *testing.T) {
			w := newWorld(t, "mta-sts.example.org", year())
			w.serve = policyFile(strings.Replace(enforced, "enforce", mode.String(), 1))
			answer, holds := w.Look(t.Context(), "example.org")
			if answer.Fault != NoFault || holds != 10*time.Minute {
				t.Errorf("%+v for %v", answer, holds)
			}
			if mode == NoMode {
				if answer.Policy != nil {
					t.Errorf("%+v", answer.Policy)
				}
			} else if p := answer.Policy; p == nil || p.Mode != mode || !p.Matches("mx.example.org") {
				t.Errorf("%+v", p)
			}
			if k := w.kept["example.org"]; k.ID != "1" || !k.Expires.Equal(w.now.Add(168*time.Hour)) {
				t.Errorf("kept %+v", k)
			}
			if w.dialled[0] != "192.0.2.1:443" {
				t.Errorf("dialled %q", w.dialled)
			}
		})
	}
}

// T5: nothing is fetched without a record, and an old policy outlives its record.
func TestLookWithoutRecord(t *testing.T) {
	for name, prepare := range map[string]func(w *world){
		"no such name":    func(w *world) { w.txt, w.dns = nil, &net.DNSError{IsNotFound: true} },
		"no answer":       func(w *world) { w.txt, w.dns = nil, errors.New("timeout") },
		"another's":       func(w *world) { w.txt = []string{"v=spf1 -all"} },
		"several records": func(w *world) { w.txt = []string{"v=STSv1; id=1", "v=STSv1; id=2"} },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, "mta-sts.example.org", year())
			prepare(w)
			if answer, _ := w.Look(t.Context(), "example.org"); answer != (Answer{}) {
				t.Errorf("%+v", answer)
			}
			w.kept["example.org"] = Kept{Domain: "example.org", ID: "0", Text: enforced, Fetched: w.now.Add(-time.Hour), Expires: w.now.Add(time.Minute)}
			answer, holds := w.Look(t.Context(), "example.org")
			if answer.Policy == nil || answer.Policy.Mode != Enforce || holds != time.Minute {
				t.Errorf("%+v for %v", answer, holds)
			}
			if n := w.requests.Load(); n != 0 {
				t.Errorf("%d requests", n)
			}
		})
	}
}

// T5: a policy is fetched anew when its id changes, or when it grows old.
func TestLookAgain(t *testing.T) {
	w := newWorld(t, "mta-sts.example.org", year())
	look := func(after time.Duration, wantRequests int64, wantMode Mode) {
		t.Helper()
		w.now = w.now.Add(after)
		answer, _ := w.Look(t.Context(), "example.org")
		if answer.Policy == nil || answer.Policy.Mode != wantMode || w.requests.Load() != wantRequests {
			t.Errorf("%+v after %d requests, want %v after %d", answer.Policy, w.requests.Load(), wantMode, wantRequests)
		}
	}
	look(0, 1, Enforce)
	look(23*time.Hour, 1, Enforce)
	w.serve = policyFile(strings.Replace(enforced, "enforce", "testing", 1))
	look(time.Minute, 1, Enforce) // the same id
	w.txt = []string{"v=STSv1; id=2"}
	look(time.Minute, 2, Testing)
	look(time.Minute, 2, Testing)
	look(24*time.Hour, 3, Testing) // of age
	if k := w.kept["example.org"]; k.ID != "2" || !k.Expires.Equal(w.now.Add(168*time.Hour)) {
		t.Errorf("kept %+v", k)
	}
}

// T5: all that makes a fetch fail. Without an older policy there is none; an older one
// survives, until its own end.
func TestFetchFails(t *testing.T) {
	plain := func(status int, kind, text string) func(w *world) {
		return func(w *world) {
			w.serve = func(rw http.ResponseWriter, _ *http.Request) {
				rw.Header().Set("Content-Type", kind)
				rw.WriteHeader(status)
				fmt.Fprint(rw, text)
			}
		}
	}
	tests := []struct {
		name    string
		cert    string
		until   time.Time
		prepare func(w *world)
		fault   Fault
		detail  string
	}{
		{"certificate for another name", "www.example.org", year(), nil, BadCertificate, "not mta-sts.example.org"},
		{"certificate for the domain alone", "example.org", year(), nil, BadCertificate, ""},
		{"certificate expired", "mta-sts.example.org", time.Now().Add(-time.Hour), nil, BadCertificate, "expired"},
		{"redirect", "", time.Time{}, func(w *world) {
			w.serve = func(rw http.ResponseWriter, r *http.Request) {
				if r.URL.Path != "/.well-known/mta-sts.txt" {
					policyFile(enforced)(rw, r)
				}
				http.Redirect(rw, r, "https://mta-sts.example.org/elsewhere", http.StatusFound)
			}
		}, FetchFailed, "status 302"},
		{"not found", "", time.Time{}, plain(404, "text/plain", enforced), FetchFailed, "status 404"},
		{"HTML", "", time.Time{}, plain(200, "text/html", enforced), FetchFailed, "media type"},
		{"no media type", "", time.Time{}, plain(200, "", enforced), FetchFailed, "media type"},
		{"64 KiB and a byte", "", time.Time{}, plain(200, "text/plain", enforced+strings.Repeat("x", maxSize-len(enforced)+1)), FetchFailed, "more than 65536"},
		{"no policy", "", time.Time{}, plain(200, "text/plain", "hello"), BadPolicy, "line 1"},
		{"no address", "", time.Time{}, func(w *world) { w.addrs = nil }, FetchFailed, "no address"},
		{"a private address (T10)", "", time.Time{}, func(w *world) {
			w.cfg.AllowAddr = func(a netip.Addr) bool { return !a.IsPrivate() }
			w.addrs = []netip.Addr{netip.MustParseAddr("10.0.0.1")}
		}, FetchFailed, "must not be connected to"},
		{"a drip without end", "", time.Time{}, func(w *world) {
			w.cfg.Timeout = 200 * time.Millisecond
			w.serve = func(rw http.ResponseWriter, r *http.Request) {
				rw.Header().Set("Content-Type", "text/plain")
				rw.(http.Flusher).Flush()
				<-r.Context().Done()
			}
		}, FetchFailed, "deadline exceeded"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if test.cert == "" {
				test.cert, test.until = "mta-sts.example.org", year()
			}
			w := newWorld(t, test.cert, test.until)
			if test.prepare != nil {
				test.prepare(w)
			}
			answer, holds := w.Look(t.Context(), "example.org")
			if answer.Policy != nil || answer.Fault != test.fault || !strings.Contains(answer.Detail, test.detail) {
				t.Errorf("%+v", answer)
			}
			if holds != minRecheck { // RFC 8461 §3.3: five minutes or more until the next try
				t.Errorf("holds for %v", holds)
			}
			w.kept["example.org"] = Kept{Domain: "example.org", ID: "0", Text: enforced, Fetched: w.now, Expires: w.now.Add(time.Hour)}
			if answer, _ = w.Look(t.Context(), "example.org"); answer.Policy == nil || answer.Policy.Mode != Enforce || answer.Fault != test.fault {
				t.Errorf("with an older policy: %+v", answer)
			}
			w.now = w.now.Add(time.Hour)
			if answer, _ = w.Look(t.Context(), "example.org"); answer.Policy != nil {
				t.Errorf("after its end: %+v", answer)
			}
			if n := w.requests.Load(); n > 3 {
				t.Errorf("%d requests: something was followed", n)
			}
		})
	}
}

// A store that is away costs the memory, not the policy.
func TestStoreAway(t *testing.T) {
	w := newWorld(t, "mta-sts.example.org", year())
	w.store = errors.New("away")
	if answer, _ := w.Look(t.Context(), "example.org"); answer.Policy == nil {
		t.Errorf("%+v", answer)
	}
}

// What is no domain is asked of nobody.
func TestLookOfNoDomain(t *testing.T) {
	w := newWorld(t, "mta-sts.example.org", year())
	for _, domain := range []string{"", "[192.0.2.1]", "a/../b.example", "*.example.org", "a..b", "x@y"} {
		if answer, _ := w.Look(t.Context(), domain); answer != (Answer{}) {
			t.Errorf("%q: %+v", domain, answer)
		}
	}
}
