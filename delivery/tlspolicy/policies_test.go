package tlspolicy

import (
	"context"
	"crypto/tls"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"broadside/delivery/dane"
	"broadside/delivery/mtasts"
	"broadside/delivery/mx"
	"broadside/delivery/smtp"
)

// hosts is the route to all domains of these tests.
var hosts = []mx.Host{{Name: "mx.example.net"}}

func sts(mode mtasts.Mode, patterns ...string) mtasts.Answer {
	return mtasts.Answer{Policy: &mtasts.Policy{Mode: mode, MX: patterns, MaxAge: time.Hour}}
}

// T3, T5, T6, T7: what becomes of a message under each policy, whatever stands between
// us and the server, and what is reported of it.
func TestStripped(t *testing.T) {
	year := time.Now().Add(24 * 365 * time.Hour)
	good, pool := certified(t, "mx.example.net", year)
	wrong, _ := certified(t, "mx.example.com", year)
	expired, _ := certified(t, "mx.example.net", time.Now().Add(-time.Hour))
	stranger, _ := certified(t, "mx.example.net", year)
	for _, p := range []*tls.Certificate{&wrong, &expired} {
		pool.AddCert(p.Leaf)
	}
	serve := func(c tls.Certificate) *mailServer {
		return startMailServer(t, &tls.Config{Certificates: []tls.Certificate{c}})
	}
	servers := []*mailServer{serve(good), startMailServer(t, nil), serve(wrong), serve(expired), serve(stranger)}
	names := []string{"good", "stripped", "wrong name", "expired", "not trusted"}

	enforce, trial := sts(mtasts.Enforce, "*.example.net"), sts(mtasts.Testing, "mx.example.net")
	secure := []string{"example.org. 600 IN MX 10 mx.example.net.", "mx.example.net. 600 IN A 192.0.2.1"}
	matching := signedZone(t, append(secure, tlsaOf("mx.example.net", good))...)
	unusable := signedZone(t, append(secure, "_25._tcp.mx.example.net. 600 IN TLSA 1 1 1 00")...)
	bogus := signedZone(t, append(secure, "_25._tcp.mx.example.net. TLSA SERVFAIL")...)
	bogusMX := signedZone(t, "example.org. MX SERVFAIL")

	const notTLS, noTLS, found = "TLS failed", "TLS unavailable", "no-policy-found example.org"
	tests := []struct {
		name string
		tls  smtp.TLSPolicy
		sts  mtasts.Answer
		dane *dane.Source
		// wanted is the domain that asks for reports even without a policy.
		wanted string
		want   [5]string // what becomes of the message, by server
		told   [5]string // what is reported
	}{
		{"none", smtp.NoTLS, mtasts.Answer{}, nil, "", [5]string{"clear", "clear", "clear", "clear", "clear"}, [5]string{}},
		{"opportunistic", smtp.Opportunistic, mtasts.Answer{}, nil, "", [5]string{"encrypted", "clear", "encrypted", "encrypted", "encrypted"}, [5]string{}},
		{"opportunistic, reports wanted", smtp.Opportunistic, mtasts.Answer{}, nil, "example.org", [5]string{"encrypted", "clear", "encrypted", "encrypted", "encrypted"},
			[5]string{found, found + " starttls-not-supported", found, found, found}},
		{"require, reports wanted", smtp.Require, mtasts.Answer{}, nil, "example.org", [5]string{"encrypted", noTLS, "encrypted", "encrypted", "encrypted"},
			[5]string{found, found + " starttls-not-supported", found, found, found}},
		{"require", smtp.Require, mtasts.Answer{}, nil, "", [5]string{"encrypted", noTLS, "encrypted", "encrypted", "encrypted"}, [5]string{}},
		{"MTA-STS enforce", smtp.Opportunistic, enforce, nil, "",
			[5]string{"encrypted", noTLS, notTLS, notTLS, notTLS},
			[5]string{"sts example.org", "sts example.org starttls-not-supported", "sts example.org certificate-host-mismatch", "sts example.org certificate-expired", "sts example.org certificate-not-trusted"}},
		{"MTA-STS enforce, another host", smtp.Opportunistic, sts(mtasts.Enforce, "mx.example.com"), nil, "",
			[5]string{"4.7.5", "4.7.5", "4.7.5", "4.7.5", "4.7.5"},
			[5]string{"sts example.org validation-failure", "sts example.org validation-failure", "sts example.org validation-failure", "sts example.org validation-failure", "sts example.org validation-failure"}},
		{"MTA-STS testing", smtp.Opportunistic, trial, nil, "",
			[5]string{"encrypted", "clear", "encrypted", "encrypted", "encrypted"},
			[5]string{"sts example.org", "sts example.org starttls-not-supported", "sts example.org certificate-host-mismatch", "sts example.org certificate-expired", "sts example.org certificate-not-trusted"}},
		{"MTA-STS that could not be fetched", smtp.Opportunistic, mtasts.Answer{Fault: mtasts.BadCertificate}, nil, "",
			[5]string{"encrypted", "clear", "encrypted", "encrypted", "encrypted"},
			[5]string{"sts example.org sts-webpki-invalid", "sts example.org sts-webpki-invalid", "sts example.org sts-webpki-invalid", "sts example.org sts-webpki-invalid", "sts example.org sts-webpki-invalid"}},
		{"DANE", smtp.Opportunistic, mtasts.Answer{}, matching, "",
			[5]string{"encrypted", noTLS, notTLS, notTLS, notTLS},
			[5]string{"tlsa example.org", "tlsa example.org starttls-not-supported", "tlsa example.org certificate-not-trusted", "tlsa example.org certificate-not-trusted", "tlsa example.org certificate-not-trusted"}},
		{"DANE, and MTA-STS that would let it pass", smtp.Opportunistic, trial, matching, "",
			[5]string{"encrypted", noTLS, notTLS, notTLS, notTLS},
			[5]string{"tlsa example.org, sts example.org", "tlsa example.org starttls-not-supported", "tlsa example.org certificate-not-trusted", "tlsa example.org certificate-not-trusted", "tlsa example.org certificate-not-trusted"}},
		{"DANE, all unusable", smtp.Opportunistic, mtasts.Answer{}, unusable, "",
			[5]string{"encrypted", noTLS, "encrypted", "encrypted", "encrypted"},
			[5]string{"tlsa example.org tlsa-invalid", "tlsa example.org starttls-not-supported", "tlsa example.org tlsa-invalid", "tlsa example.org tlsa-invalid", "tlsa example.org tlsa-invalid"}},
		{"DANE, bogus, and MTA-STS that fits", smtp.Opportunistic, enforce, bogus, "",
			[5]string{"4.7.5", "4.7.5", "4.7.5", "4.7.5", "4.7.5"},
			[5]string{"tlsa example.org dnssec-invalid", "tlsa example.org dnssec-invalid", "tlsa example.org dnssec-invalid", "tlsa example.org dnssec-invalid", "tlsa example.org dnssec-invalid"}},
		{"DANE, bogus MX", smtp.Opportunistic, mtasts.Answer{}, bogusMX, "",
			[5]string{"4.7.5", "4.7.5", "4.7.5", "4.7.5", "4.7.5"},
			[5]string{"tlsa example.org dnssec-invalid", "tlsa example.org dnssec-invalid", "tlsa example.org dnssec-invalid", "tlsa example.org dnssec-invalid", "tlsa example.org dnssec-invalid"}},
	}
	for _, test := range tests {
		for i, v := range servers {
			t.Run(test.name+"/"+names[i], func(t *testing.T) {
				cfg := Config{STS: fixedSTS{"example.org": test.sts}, Wanted: wantedBy(test.wanted)}
				if test.dane != nil {
					cfg.DANE = test.dane
				}
				p, counts := newPolicies(cfg)
				got := deliver(t, p, "example.org", v, smtp.Config{Hello: "out.example.com", TLS: test.tls, TLSConfig: &tls.Config{RootCAs: pool}})
				if got != test.want[i] {
					t.Errorf("%s, want %s", got, test.want[i])
				}
				if told := counts.take(); told != test.told[i] {
					t.Errorf("reported %q, want %q", told, test.told[i])
				}
			})
		}
	}
}

// T5: a session of the site that was opened for another domain will do if it is good
// enough, and one domain's policy never stops its siblings.
func TestSiblings(t *testing.T) {
	good, pool := certified(t, "mx.example.net", time.Now().Add(time.Hour))
	p, _ := newPolicies(Config{STS: fixedSTS{"strict.example": sts(mtasts.Enforce, "mx.example.net")}})
	strict, _ := p.Requirement(t.Context(), "strict.example", hosts)
	easy, _ := p.Requirement(t.Context(), "easy.example", hosts)
	if !strict.Demands() || easy.Demands() {
		t.Fatalf("%v and %v", strict, easy)
	}
	for _, test := range []struct {
		name   string
		server *mailServer
		want   bool
	}{
		{"trusted", startMailServer(t, &tls.Config{Certificates: []tls.Certificate{good}}), true},
		{"stripped", startMailServer(t, nil), false},
	} {
		cfg := smtp.Config{Hello: "out.example.com", TLS: smtp.Opportunistic, TLSConfig: &tls.Config{RootCAs: pool}}
		session, r := smtp.Open(t.Context(), smtp.Host{Name: "mx.example.net", Addr: test.server.addr}, &cfg)
		if !r.OK() {
			t.Fatal(r)
		}
		if !easy.Satisfied(session) || strict.Satisfied(session) != test.want {
			t.Errorf("%s: easy %v, strict %v", test.name, easy.Satisfied(session), strict.Satisfied(session))
		}
		session.Close()
	}
}

// countingSTS knows no policy, and counts who asks while a gate is closed.
type countingSTS struct {
	gate  chan struct{}
	asked atomic.Int64
}

func (c *countingSTS) Look(ctx context.Context, _ string) (mtasts.Answer, time.Duration) {
	c.asked.Add(1)
	select {
	case <-c.gate:
	case <-ctx.Done():
	}
	return mtasts.Answer{}, time.Minute
}

// A domain that many ask for at once is looked up once, and again when its time is
// over; who stops waiting hears that nothing is proven.
func TestLookedUpOnce(t *testing.T) {
	now := time.Now()
	var mu sync.Mutex
	source := &countingSTS{gate: make(chan struct{})}
	p, _ := newPolicies(Config{STS: source, Now: func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		return now
	}})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, problem := p.Requirement(ctx, "example.org", hosts); problem != Unproven {
		t.Error(problem)
	}
	before := source.asked.Load()
	var askers sync.WaitGroup
	for range 20 {
		askers.Go(func() {
			if req, problem := p.Requirement(t.Context(), "Example.org.", hosts); problem != None || req != (Requirement{}) {
				t.Error(req, problem)
			}
		})
	}
	close(source.gate)
	askers.Wait()
	if n := source.asked.Load() - before; n != 1 {
		t.Errorf("looked up %d times", n)
	}
	mu.Lock()
	now = now.Add(time.Minute)
	mu.Unlock()
	p.Requirement(t.Context(), "example.org", hosts)
	if n := source.asked.Load() - before; n != 2 {
		t.Errorf("looked up %d times in two minutes", n)
	}
}

// What is remembered is bounded, however many domains there are.
func TestBounded(t *testing.T) {
	source := &countingSTS{gate: make(chan struct{})}
	close(source.gate)
	p, _ := newPolicies(Config{STS: source, MaxDomains: 100})
	const domains = 10_000
	for i := range domains {
		p.Requirement(t.Context(), fmt.Sprintf("d%d.example", i), hosts)
	}
	remembered := 0
	for i := range domains { // the latest first
		before := source.asked.Load()
		if p.Requirement(t.Context(), fmt.Sprintf("d%d.example", domains-1-i), hosts); source.asked.Load() == before {
			remembered++
		}
	}
	if remembered == 0 || remembered > 100 {
		t.Errorf("%d domains are remembered", remembered)
	}
}

// T6: hosts that many domains share are looked up once, and a host among several that
// can't be trusted is left out.
func TestOneBogusHost(t *testing.T) {
	good, pool := certified(t, "mx.example.net", time.Now().Add(time.Hour))
	zone := signedZone(t,
		"example.org. 600 IN MX 10 bad.example.net.", "example.org. 600 IN MX 20 mx.example.net.",
		"mx.example.net. 600 IN A 192.0.2.1", "bad.example.net. 600 IN A 192.0.2.2",
		tlsaOf("mx.example.net", good), "_25._tcp.bad.example.net. TLSA SERVFAIL")
	p, _ := newPolicies(Config{DANE: zone})
	req, problem := p.Requirement(t.Context(), "example.org", []mx.Host{{Name: "bad.example.net"}, {Name: "mx.example.net"}})
	if problem != None {
		t.Fatal(problem)
	}
	if _, ok := req.Configure(smtp.Config{}, "bad.example.net"); ok {
		t.Error("mail may go to the host that can't be trusted")
	}
	if got := deliver(t, p, "example.org", startMailServer(t, &tls.Config{Certificates: []tls.Certificate{good}}), smtp.Config{Hello: "out.example.com", TLSConfig: &tls.Config{RootCAs: pool}}); got != "encrypted" {
		t.Error(got)
	}
	if _, problem := p.Requirement(t.Context(), "example.org", []mx.Host{{Name: "bad.example.net"}}); problem != NoHost {
		t.Errorf("the bad host alone: %v", problem)
	}
}

// A look at what is remembered costs less than a microsecond and no memory.
func BenchmarkRequirement(b *testing.B) {
	p, _ := newPolicies(Config{STS: fixedSTS{"strict.example": sts(mtasts.Enforce, "mx.example.net")}})
	session := facts{host: "mx.example.net"}
	for _, domain := range []string{"easy.example", "strict.example"} {
		b.Run(domain, func(b *testing.B) {
			var s Session = session
			b.ReportAllocs()
			for b.Loop() {
				req, problem := p.Requirement(b.Context(), domain, hosts)
				if problem != None || !req.Satisfied(s) {
					b.Fatal(problem)
				}
			}
		})
	}
}

// The promise of the benchmark, held by the tests.
func TestRememberedCostsNoMemory(t *testing.T) {
	p, _ := newPolicies(Config{STS: fixedSTS{"strict.example": sts(mtasts.Enforce, "mx.example.net")}})
	var s Session = facts{host: "mx.example.net"}
	ctx := t.Context()
	for _, domain := range []string{"easy.example", "strict.example"} {
		if n := testing.AllocsPerRun(100, func() {
			if req, problem := p.Requirement(ctx, domain, hosts); problem != None || !req.Satisfied(s) {
				t.Error(problem)
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations", domain, n)
		}
	}
}
