package smtptest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// world is a small zone with every kind of name.
func world(memory bool) Config {
	return Config{
		Memory: memory,
		Providers: []Provider{
			{Name: "big", Domains: []string{"big.example"}, MX: []string{"10 mx1.big.example", "20 mx2.big.example"}},
			{Name: "tail", Domains: []string{"*.tail.example"}, MX: []string{"mx.host.example"}},
			{Name: "null", Domains: []string{"null.example"}, MX: []string{"0 ."}},
			{Name: "gone", Domains: []string{"gone.example"}},
		},
		Records: map[string]Records{
			"alias.example":          {CNAME: "www.alias.example"},
			"www.alias.example":      {CNAME: "big.example."},
			"loop.example":           {CNAME: "pool.example"},
			"pool.example":           {CNAME: "loop.example"},
			"fail.example":           {Fault: ServFail},
			"silent.example":         {Fault: Silence},
			"only-a.example":         {A: []netip.Addr{netip.MustParseAddr("127.1.0.1"), netip.MustParseAddr("fd00::1")}},
			"cut.example":            {MX: []net.MX{{Host: "mx1.big.example.", Pref: 5}}, Truncate: true},
			"9.0.0.127.in-addr.arpa": {PTR: []string{"out.sender.example."}},
		},
		TXT: map[string][]string{"s1._domainkey.sender.example": {"v=DKIM1; p=" + strings.Repeat("A", 400)}, "big.example": {"v=spf1 -all"}},
	}
}

func mxText(records []*net.MX, err error) string {
	if err != nil {
		return errorText(err)
	}
	var all []string
	for _, r := range records {
		all = append(all, fmt.Sprint(r.Pref, " ", r.Host))
	}
	return strings.Join(all, ", ")
}

func errorText(err error) string {
	e, ok := errors.AsType[*net.DNSError](err)
	switch {
	case !ok:
		return "no DNSError: " + err.Error()
	case e.IsNotFound:
		return "not found"
	case e.IsTimeout:
		return "timeout"
	case e.IsTemporary:
		return "temporary"
	}
	return err.Error()
}

var lookups = []struct{ name, want string }{ // S7–S11
	{"big.example", "10 mx1.big.example., 20 mx2.big.example."},
	{"BIG.example.", "10 mx1.big.example., 20 mx2.big.example."},
	{"shop.tail.example", "10 mx.host.example."},
	{"a.b.tail.example", "not found"},
	{"tail.example", "not found"},
	{"null.example", "0 ."},
	{"gone.example", "not found"},
	{"nowhere.example", "not found"},
	{"only-a.example", "not found"},
	{"alias.example", "10 mx1.big.example., 20 mx2.big.example."},
	{"loop.example", "temporary"},
	{"fail.example", "temporary"},
	{"cut.example", "5 mx1.big.example."},
}

func TestLookupMX(t *testing.T) {
	i := start(t, world(true))
	for _, l := range lookups {
		if got := mxText(i.LookupMX(t.Context(), l.name)); got != l.want {
			t.Errorf("MX of %s: %s, want %s", l.name, got, l.want)
		}
	}
	if got := mxText(i.LookupMX(t.Context(), "silent.example")); got != "timeout" {
		t.Errorf("silent: %s", got)
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := i.LookupMX(over, "big.example"); !errors.Is(err, context.Canceled) {
		t.Errorf("with a cancelled context: %v", err)
	}
}

// The standard library's resolver over the DNS server sees the same zone.
func TestDNSServer(t *testing.T) {
	i := start(t, world(false))
	r := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, network, i.DNSAddr())
	}}
	for _, l := range lookups {
		if got := mxText(r.LookupMX(t.Context(), dns.Fqdn(strings.ToLower(l.name)))); got != l.want {
			t.Errorf("MX of %s: %s, want %s", l.name, got, l.want)
		}
	}
	for _, resolver := range []interface {
		LookupTXT(context.Context, string) ([]string, error)
		LookupNetIP(context.Context, string, string) ([]netip.Addr, error)
		LookupAddr(context.Context, string) ([]string, error)
		LookupCNAME(context.Context, string) (string, error)
	}{r, i} {
		texts, err := resolver.LookupTXT(t.Context(), "s1._domainkey.sender.example.")
		if err != nil || len(texts) != 1 || len(texts[0]) != 411 {
			t.Errorf("%T: TXT %q, %v", resolver, texts, err)
		}
		if texts, err = resolver.LookupTXT(t.Context(), "big.example."); err != nil || len(texts) != 1 {
			t.Errorf("%T: TXT %q, %v", resolver, texts, err)
		}
		ips, err := resolver.LookupNetIP(t.Context(), "ip", "mx2.big.example.")
		if err != nil || len(ips) != 1 || ips[0].Unmap() != i.HostAddr("mx2.big.example") {
			t.Errorf("%T: address %v, %v", resolver, ips, err)
		}
		if ips, err = resolver.LookupNetIP(t.Context(), "ip6", "only-a.example."); err != nil || len(ips) != 1 || !ips[0].Is6() {
			t.Errorf("%T: IPv6 address %v, %v", resolver, ips, err)
		}
		names, err := resolver.LookupAddr(t.Context(), "127.0.0.9")
		if err != nil || len(names) != 1 || names[0] != "out.sender.example." {
			t.Errorf("%T: PTR %v, %v", resolver, names, err)
		}
	}
}

func TestTruncatedOverUDP(t *testing.T) {
	i := start(t, world(false))
	q := new(dns.Msg)
	q.SetQuestion("cut.example.", dns.TypeMX)
	for network, truncated := range map[string]bool{"udp": true, "tcp": false} {
		m, _, err := (&dns.Client{Net: network}).Exchange(q, i.DNSAddr())
		if err != nil {
			t.Fatal(err)
		}
		if m.Truncated != truncated || (len(m.Answer) == 0) != truncated {
			t.Errorf("%s: truncated %v with %d answers", network, m.Truncated, len(m.Answer))
		}
	}
}

// A name that does not exist and one that has no records differ in the rcode.
func TestNoDomainAndNoData(t *testing.T) {
	i := start(t, world(false))
	for name, rcode := range map[string]int{
		"gone.example.": dns.RcodeNameError, "x.y.z.": dns.RcodeNameError, "only-a.example.": dns.RcodeSuccess,
		"tail.example.": dns.RcodeSuccess, "_domainkey.sender.example.": dns.RcodeSuccess, "fail.example.": dns.RcodeServerFailure,
	} {
		q := new(dns.Msg)
		q.SetQuestion(name, dns.TypeMX)
		m, err := dns.Exchange(q, i.DNSAddr())
		if err != nil {
			t.Fatal(err)
		}
		if m.Rcode != rcode || len(m.Answer) != 0 {
			t.Errorf("%s: rcode %d with %d answers, want %d", name, m.Rcode, len(m.Answer), rcode)
		}
	}
}

func TestSetRecords(t *testing.T) {
	i := start(t, world(true))
	i.SetRecords("Big.example", Records{Fault: ServFail})
	if got := mxText(i.LookupMX(t.Context(), "big.example")); got != "temporary" {
		t.Errorf("after SetRecords: %s", got)
	}
}
