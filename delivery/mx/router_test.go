package mx

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// zone is a Resolver with fixed answers: "mx example.net" → "10 a.example.net, 20 b",
// "ip a.example.net" → "192.0.2.1, 2001:db8::1"; "nx", "fail" and "loop" stand for
// errors, "" for an answer without records; what is missing is "nx".
type zone struct {
	answers map[string]string
	queries atomic.Int64
	slow    time.Duration
}

func (z *zone) lookup(ctx context.Context, kind, name string) ([]string, error) {
	z.queries.Add(1)
	if z.slow > 0 {
		select {
		case <-time.After(z.slow):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	answer, ok := z.answers[kind+" "+name]
	switch {
	case !ok || answer == "nx":
		return nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
	case answer == "fail":
		return nil, &net.DNSError{Err: "server failure", Name: name, IsTemporary: true}
	case answer == "loop":
		return nil, fmt.Errorf("%s: %w", name, ErrLoop)
	case answer == "":
		return nil, nil
	}
	return strings.Split(answer, ", "), nil
}

func (z *zone) LookupMX(ctx context.Context, domain string) ([]*net.MX, error) {
	fields, err := z.lookup(ctx, "mx", domain)
	var records []*net.MX
	for _, f := range fields {
		mx := new(net.MX)
		if _, err := fmt.Sscan(f, &mx.Pref, &mx.Host); err != nil {
			return nil, err
		}
		records = append(records, mx)
	}
	return records, err
}

func (z *zone) LookupNetIP(ctx context.Context, _, host string) ([]netip.Addr, error) {
	fields, err := z.lookup(ctx, "ip", host)
	var addrs []netip.Addr
	for _, f := range fields {
		addrs = append(addrs, netip.MustParseAddr(f))
	}
	return addrs, err
}

// describe is a route in one line, equal preferences sorted by name.
func describe(route Route, problem Problem) string {
	if problem != None {
		return problem.String()
	}
	slices.SortStableFunc(route.Hosts, func(a, b Host) int {
		if a.Preference != b.Preference {
			return 0
		}
		return strings.Compare(a.Name, b.Name)
	})
	var s strings.Builder
	s.WriteString(route.Site + ":")
	for _, h := range route.Hosts {
		s.WriteString(fmt.Sprintf(" %d %s %v", h.Preference, h.Name, h.Addrs))
	}
	return s.String()
}

func TestRoute(t *testing.T) {
	tests := []struct {
		name string
		zone map[string]string
		want string
	}{
		{"S7: by preference, addresses in the resolver's order", map[string]string{
			"mx example.net":   "20 C.example.net., 10 b.example.net, 10 a.example.net",
			"ip a.example.net": "192.0.2.9, 192.0.2.1, 2001:db8::1", "ip b.example.net": "192.0.2.2", "ip c.example.net": "192.0.2.3",
		}, "a.example.net: 10 a.example.net [192.0.2.9 192.0.2.1 2001:db8::1] 10 b.example.net [192.0.2.2] 20 c.example.net [192.0.2.3]"},
		{"S8: no MX, an address", map[string]string{"mx example.net": "", "ip example.net": "192.0.2.1"},
			"example.net: 0 example.net [192.0.2.1]"},
		{"S8: no MX says the resolver, an address", map[string]string{"ip example.net": "192.0.2.1"},
			"example.net: 0 example.net [192.0.2.1]"},
		{"S8: neither", nil, NoDomain.String()},
		{"S8: neither, the domain exists", map[string]string{"mx example.net": "", "ip example.net": ""}, NoDomain.String()},
		{"S8: MX without an address is never the domain's own", map[string]string{
			"mx example.net": "10 a.example.net", "ip example.net": "192.0.2.1"}, Unusable.String()},
		{"S8: SERVFAIL to MX", map[string]string{"mx example.net": "fail", "ip example.net": "192.0.2.1"}, Temporary.String()},
		{"S8: SERVFAIL to the address", map[string]string{"mx example.net": "", "ip example.net": "fail"}, Temporary.String()},
		{"S8: SERVFAIL to one host, none to another", map[string]string{
			"mx example.net": "10 a.example.net, 20 b.example.net", "ip a.example.net": "fail"}, Temporary.String()},
		{"one of two hosts can be had", map[string]string{
			"mx example.net": "10 a.example.net, 20 b.example.net", "ip a.example.net": "fail", "ip b.example.net": "192.0.2.2"},
			"a.example.net: 20 b.example.net [192.0.2.2]"},
		{"S9: loop at the domain", map[string]string{"mx example.net": "loop"}, Loop.String()},
		{"S9: loop at the address of a domain without MX", map[string]string{"mx example.net": "", "ip example.net": "loop"}, Loop.String()},
		{"S9: loop at a host", map[string]string{"mx example.net": "10 a.example.net", "ip a.example.net": "loop"}, Unusable.String()},
		{"S10: our name", map[string]string{
			"mx example.net":   "10 a.example.net, 20 b.example.net, 20 relay.example.org, 30 c.example.net",
			"ip a.example.net": "192.0.2.1", "ip b.example.net": "192.0.2.2", "ip c.example.net": "192.0.2.3", "ip relay.example.org": "192.0.2.4"},
			"a.example.net: 10 a.example.net [192.0.2.1]"},
		{"S10: our address", map[string]string{
			"mx example.net":   "10 a.example.net, 20 b.example.net",
			"ip a.example.net": "192.0.2.1", "ip b.example.net": "::ffff:198.51.100.7"},
			"a.example.net: 10 a.example.net [192.0.2.1]"},
		{"S10: we are the best", map[string]string{
			"mx example.net":   "10 relay.example.org, 20 b.example.net",
			"ip b.example.net": "192.0.2.2", "ip relay.example.org": "192.0.2.4"}, Loop.String()},
		{"S11: null MX", map[string]string{"mx example.net": "0 .", "ip example.net": "192.0.2.1"}, NullMX.String()},
		{"S11: a null MX among others is none", map[string]string{
			"mx example.net": "0 ., 10 a.example.net", "ip a.example.net": "192.0.2.1"}, "a.example.net: 10 a.example.net [192.0.2.1]"},
		{"an address is no MX", map[string]string{"mx example.net": "10 192.0.2.1, 10 2001:db8::1"}, Unusable.String()},
		{"a host twice counts once", map[string]string{
			"mx example.net": "20 a.example.net, 10 A.example.net.", "ip a.example.net": "192.0.2.1"}, "a.example.net: 10 a.example.net [192.0.2.1]"},
		{"a provider's site", map[string]string{
			"mx example.net":        "1 aspmx.l.google.com, 5 alt1.aspmx.l.google.com",
			"ip aspmx.l.google.com": "192.0.2.1"}, "google: 1 aspmx.l.google.com [192.0.2.1]"},
		{"a provider as the second choice does not make the site", map[string]string{
			"mx example.net":        "1 filter.example.net, 5 aspmx.l.google.com",
			"ip filter.example.net": "192.0.2.1"}, "filter.example.net: 1 filter.example.net [192.0.2.1]"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := New(Config{
				Resolver: &zone{answers: test.zone},
				ProviderOf: func(host string) (string, bool) {
					return "google", host == "aspmx.l.google.com"
				},
				OwnNames: []string{"Relay.example.org."},
				OwnAddrs: []netip.Addr{netip.MustParseAddr("198.51.100.7")},
			})
			for _, domain := range []string{"example.net", "EXAMPLE.net."} {
				if got := describe(r.Route(t.Context(), domain)); got != test.want {
					t.Errorf("%s:\n got %s\nwant %s", domain, got, test.want)
				}
			}
		})
	}
}

func TestRouteOfNoName(t *testing.T) {
	z := &zone{}
	r := New(Config{Resolver: z})
	for _, domain := range []string{"", ".", "192.0.2.1", "a..b", strings.Repeat("x", 64) + ".example", strings.Repeat("x.", 130)} {
		if _, problem := r.Route(t.Context(), domain); problem != NoDomain {
			t.Errorf("%q: %v", domain, problem)
		}
	}
	if n := z.queries.Load(); n != 0 {
		t.Errorf("%d queries for names that can't be", n)
	}
}

// S7: hosts of equal preference come in every order equally often.
func TestShuffle(t *testing.T) {
	r := New(Config{Resolver: &zone{answers: map[string]string{
		"mx example.net":   "10 a.example.net, 10 b.example.net, 10 c.example.net, 20 d.example.net",
		"ip a.example.net": "192.0.2.1", "ip b.example.net": "192.0.2.2", "ip c.example.net": "192.0.2.3", "ip d.example.net": "192.0.2.4",
	}}})
	const calls = 6000
	seen := make(map[string]int)
	for range calls {
		route, _ := r.Route(t.Context(), "example.net")
		var order strings.Builder
		for _, h := range route.Hosts {
			order.WriteString(h.Name[:1])
		}
		if !strings.HasSuffix(order.String(), "d") {
			t.Fatalf("order %s: preference 20 is last", order.String())
		}
		seen[order.String()]++
	}
	chi2 := 0.0
	for _, n := range seen {
		d := float64(n) - calls/6.0
		chi2 += d * d / (calls / 6.0)
	}
	// 5 degrees of freedom: above 50 once in a thousand million runs.
	if len(seen) != 6 || chi2 > 50 {
		t.Errorf("orders %v, χ² = %.1f", seen, chi2)
	}
}

// timed is a zone that tells TTLs.
type timed struct {
	*zone
	ttl time.Duration
}

func (z timed) LookupMXTTL(ctx context.Context, domain string) ([]*net.MX, time.Duration, error) {
	records, err := z.LookupMX(ctx, domain)
	return records, z.ttl, err
}

func (z timed) LookupNetIPTTL(ctx context.Context, network, host string) ([]netip.Addr, time.Duration, error) {
	addrs, err := z.LookupNetIP(ctx, network, host)
	return addrs, z.ttl, err
}

func TestAnswersHoldForTheirTTL(t *testing.T) {
	answers := map[string]string{
		"mx example.net": "10 a.example.net", "ip a.example.net": "192.0.2.1", "mx broken.example": "fail",
	}
	tests := []struct {
		name     string
		resolver func(*zone) Resolver
		domain   string
		holds    time.Duration
		queries  int64
	}{
		{"an answer", func(z *zone) Resolver { return timed{z, time.Hour} }, "example.net", time.Hour, 2},
		{"no such domain", func(z *zone) Resolver { return timed{z, time.Hour} }, "none.example", time.Hour, 1},
		{"no longer than a day", func(z *zone) Resolver { return timed{z, 1000 * time.Hour} }, "example.net", 24 * time.Hour, 2},
		{"not asked again at once", func(z *zone) Resolver { return timed{z, 0} }, "example.net", 30 * time.Second, 2},
		{"a resolver without TTLs", func(z *zone) Resolver { return z }, "example.net", 5 * time.Minute, 2},
		{"its failure", func(z *zone) Resolver { return z }, "broken.example", 30 * time.Second, 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				z := &zone{answers: answers}
				r := New(Config{Resolver: test.resolver(z)})
				start := time.Now()
				for z.queries.Load() <= test.queries {
					r.Route(t.Context(), test.domain)
					if z.queries.Load() > test.queries {
						break
					}
					<-time.After(time.Second)
				}
				if held := time.Since(start); held != test.holds {
					t.Errorf("held for %v, want %v", held, test.holds)
				}
			})
		})
	}
}

func TestManyAskOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		z := &zone{slow: time.Second, answers: map[string]string{"mx example.net": "10 a.example.net", "ip a.example.net": "192.0.2.1"}}
		r := New(Config{Resolver: z})
		impatient, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer cancel()
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, problem := r.Route(impatient, "example.net"); problem != Temporary {
				t.Errorf("cancelled: %v", problem)
			}
		})
		synctest.Wait() // the one whose look-up will be cancelled is the first
		var good atomic.Int64
		for range 1000 {
			wg.Go(func() {
				if _, problem := r.Route(t.Context(), "example.net"); problem == None {
					good.Add(1)
				}
			})
		}
		wg.Wait()
		if good.Load() != 1000 || z.queries.Load() != 3 {
			t.Errorf("%d routes by %d queries, want 1000 by 3: one cancelled, one MX, one address", good.Load(), z.queries.Load())
		}
	})
}

func TestLookupIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := New(Config{Resolver: &zone{slow: time.Hour}, Timeout: 10 * time.Second})
		start := time.Now()
		if _, problem := r.Route(t.Context(), "example.net"); problem != Temporary {
			t.Error(problem)
		}
		if took := time.Since(start); took != 10*time.Second {
			t.Errorf("took %v", took)
		}
	})
}

// S16: 10,000 jobs for a dead host cost a few dials.
func TestDeadHost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := New(Config{Resolver: &zone{answers: map[string]string{
			"mx example.net": "10 a.example.net", "ip a.example.net": "192.0.2.1, 192.0.2.2",
		}}})
		dials := 0
		start := time.Now()
		var tried []time.Duration
		for range 10_000 { // a job a second
			if route, problem := r.Route(t.Context(), "example.net"); problem == None {
				for _, a := range route.Hosts[0].Addrs {
					dials++
					r.Failed(a)
					r.Failed(a) // another dial that had begun counts for the same
				}
				tried = append(tried, time.Since(start))
			} else if problem != Down || route.Site == "" || !route.Retry.After(time.Now()) {
				t.Fatalf("%v, %+v", problem, route)
			}
			<-time.After(time.Second)
		}
		m := time.Minute
		want := []time.Duration{0, 1 * m, 3 * m, 7 * m, 15 * m, 30 * m, 45 * m, 60 * m, 75 * m, 90 * m, 105 * m, 120 * m, 135 * m, 150 * m, 165 * m}
		if !slices.Equal(tried, want) {
			t.Errorf("tried at %v, want %v", tried, want)
		}
		if dials != 2*len(want) {
			t.Errorf("%d dials", dials)
		}
	})
}

func TestOneDeadAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := New(Config{DeadFor: time.Minute, Resolver: &zone{answers: map[string]string{
			"mx example.net": "10 a.example.net, 20 b.example.net", "ip a.example.net": "192.0.2.1, 192.0.2.2", "ip b.example.net": "192.0.2.3",
		}}})
		route := func() string { return describe(r.Route(t.Context(), "example.net")) }
		r.Failed(netip.MustParseAddr("192.0.2.1"))
		if got := route(); got != "a.example.net: 10 a.example.net [192.0.2.2] 20 b.example.net [192.0.2.3]" {
			t.Error(got)
		}
		r.Failed(netip.MustParseAddr("192.0.2.2"))
		if got := route(); got != "a.example.net: 20 b.example.net [192.0.2.3]" {
			t.Error(got)
		}
		<-time.After(time.Minute)
		if got := route(); got != "a.example.net: 10 a.example.net [192.0.2.1 192.0.2.2] 20 b.example.net [192.0.2.3]" {
			t.Error(got)
		}
		// Long after the last failure the next one counts as the first.
		<-time.After(time.Hour)
		r.Failed(netip.MustParseAddr("192.0.2.1"))
		<-time.After(time.Minute)
		if got := route(); !strings.Contains(got, "192.0.2.1 ") {
			t.Error(got)
		}
	})
}

func TestMemoryIsBounded(t *testing.T) {
	z := &zone{}
	r := New(Config{Resolver: z, MaxDomains: 1000})
	const domains = 20_000
	for i := range domains {
		r.Route(t.Context(), fmt.Sprintf("d%d.example", i))
	}
	remembered := 0
	for i := range domains { // the latest first
		before := z.queries.Load()
		if r.Route(t.Context(), fmt.Sprintf("d%d.example", domains-1-i)); z.queries.Load() == before {
			remembered++
		}
	}
	if remembered == 0 || remembered > 1000 {
		t.Errorf("%d domains remembered", remembered)
	}
	for i := range 2 * maxDead {
		r.Failed(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}))
	}
	if n := len(r.dead.addrs); n > maxDead {
		t.Errorf("%d dead addresses remembered", n)
	}
}

func TestProblems(t *testing.T) {
	for p := None; p <= Down; p++ {
		if code := p.Enhanced(); p != None && (p.Permanent() != strings.HasPrefix(code, "5.")) {
			t.Errorf("%v: permanent %v, code %s", p, p.Permanent(), code)
		}
	}
	if NullMX.Enhanced() != "5.1.10" { // S11
		t.Error(NullMX.Enhanced())
	}
	if problemOf(errors.New("x")) != Temporary || problemOf(context.Canceled) != Temporary {
		t.Error("an unknown error is temporary")
	}
}

// The MX logic keeps its promises for any set of records.
func FuzzRoute(f *testing.F) {
	f.Add("10 a.example, 10 b.example", "192.0.2.1", "", "a.example")
	f.Add("0 .", "", "192.0.2.1", "b.example")
	f.Add("10 a.example, 5 b.example, 5 a.example", "fail", "192.0.2.2", "x.example")
	f.Add("", "loop", "nx", "")
	f.Fuzz(func(t *testing.T, records, a, b, own string) {
		for _, answer := range []string{a, b} {
			for field := range strings.SplitSeq(answer, ", ") {
				if _, err := netip.ParseAddr(field); err != nil && !slices.Contains([]string{"", "nx", "fail", "loop"}, answer) {
					return // not an answer the zone can give
				}
			}
		}
		r := New(Config{OwnNames: []string{own}, Resolver: &zone{answers: map[string]string{
			"mx example.net": records, "ip a.example": a, "ip b.example": b, "ip example.net": "192.0.2.9",
		}}})
		route, problem := r.Route(t.Context(), "example.net")
		if (problem == None) != (len(route.Hosts) > 0) {
			t.Fatalf("%v with hosts %v", problem, route.Hosts)
		}
		last := uint16(0)
		for _, h := range route.Hosts {
			if h.Preference < last || len(h.Addrs) == 0 || h.Name == "" || h.Name == normal(own) {
				t.Fatalf("own %q: hosts %v", own, route.Hosts)
			}
			last = h.Preference
			if h.Name == "example.net" && records != "" && records != "nx" && !strings.Contains(strings.ToLower(records), "example.net") {
				t.Fatalf("the domain's own address with MX %q", records)
			}
		}
		if problem == None && route.Site == "" {
			t.Fatal("a route without a site")
		}
	})
}

func BenchmarkRoute(b *testing.B) {
	r := New(Config{Resolver: &zone{answers: map[string]string{
		"mx example.net":   "10 a.example.net, 10 b.example.net",
		"ip a.example.net": "192.0.2.1", "ip b.example.net": "192.0.2.2",
	}}})
	b.ReportAllocs()
	for b.Loop() {
		r.Route(b.Context(), "example.net")
	}
}
