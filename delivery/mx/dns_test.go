package mx

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"broadside/delivery/smtptest/dnsserver"
)

// startDNS runs a server on loopback, UDP and TCP on one port, until the test ends.
func startDNS(t *testing.T, handle dns.HandlerFunc) string {
	t.Helper()
	s, err := dnsserver.Start("127.0.0.1:0", handle)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s.Addr()
}

// records answers from lines in zone file form. Only what is asked for and the
// CNAME of the name itself are in an answer, unless whole chains are given for it.
func records(t *testing.T, chains bool, zone string) dns.HandlerFunc {
	t.Helper()
	var all []dns.RR
	for line := range strings.Lines(strings.TrimSpace(zone)) {
		rr, err := dns.NewRR(strings.TrimSpace(line))
		if err != nil || rr == nil {
			t.Fatalf("%q: %v", line, err)
		}
		all = append(all, rr)
	}
	return func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg).SetReply(q)
		name, qtype := q.Question[0].Name, q.Question[0].Qtype
		m.Rcode = dns.RcodeNameError
		for range 20 {
			next := ""
			for _, rr := range all {
				if !strings.EqualFold(rr.Header().Name, name) {
					continue
				}
				m.Rcode = dns.RcodeSuccess
				if c, ok := rr.(*dns.CNAME); ok {
					next = c.Target
					m.Answer = append(m.Answer, rr)
				} else if rr.Header().Rrtype == qtype {
					m.Answer = append(m.Answer, rr)
				}
			}
			if next == "" || !chains {
				break
			}
			name = next
		}
		if len(m.Answer) == 0 {
			soa, _ := dns.NewRR("example. 600 IN SOA ns.example. root.example. 1 2 3 4 120")
			m.Ns = append(m.Ns, soa)
		}
		if udp := w.LocalAddr().Network() == "udp"; udp {
			m.Truncate(dns.MinMsgSize)
		}
		w.WriteMsg(m)
	}
}

func newDNS(t *testing.T, servers ...string) *DNS {
	t.Helper()
	d, err := NewDNS(servers, 200*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

const testZone = `
	plain.example.  300 IN MX 20 b.example.
	plain.example.  200 IN MX 10 a.example.
	a.example.      300 IN A 192.0.2.1
	a.example.      300 IN A 192.0.2.7
	a.example.      100 IN AAAA 2001:db8::1
	hidden.example. 300 IN AAAA ::ffff:10.0.0.1
	alias.example.  50  IN CNAME alias2.example.
	alias2.example. 300 IN CNAME plain.example.
	loop1.example.  300 IN CNAME loop2.example.
	loop2.example.  300 IN CNAME loop1.example.
	self.example.   300 IN CNAME self.example.
	gone.example.   300 IN CNAME nowhere.example.
	txt.example.    300 IN TXT "no mail"
	null.example.   300 IN MX 0 .
`

// S7, S8, S9, S11: records in the order in which the server has them.
func TestDNS(t *testing.T) {
	for _, chains := range []bool{true, false} {
		t.Run(fmt.Sprintf("chains in one answer %v", chains), func(t *testing.T) {
			d := newDNS(t, startDNS(t, records(t, chains, testZone)))
			mx := func(domain string) string {
				records, ttl, err := d.LookupMXTTL(t.Context(), domain)
				return describeMX(records, ttl, err)
			}
			for domain, want := range map[string]string{
				"plain.example":   "[20 b.example. 10 a.example.] 3m20s",
				"PLAIN.example.":  "[20 b.example. 10 a.example.] 3m20s",
				"null.example":    "[0 .] 5m0s",
				"txt.example":     "[] 2m0s",
				"nothing.example": "no such domain 2m0s",
				"loop1.example":   "the way to the domain is a circle 15m0s",
				"self.example":    "the way to the domain is a circle 15m0s",
				"alias.example":   "[20 b.example. 10 a.example.] 50s",
				"gone.example":    "no such domain 2m0s",
			} {
				if got := mx(domain); got != want {
					t.Errorf("%s: %s, want %s", domain, got, want)
				}
			}
			for host, want := range map[string]string{
				"a.example":       "[192.0.2.1 192.0.2.7 2001:db8::1] 1m40s <nil>",
				"hidden.example":  "[::ffff:10.0.0.1] 2m0s <nil>", // T10: for the guard to see
				"txt.example":     "[] 2m0s <nil>",
				"nothing.example": "[] 2m0s lookup nothing.example.: no such domain",
			} {
				addrs, ttl, err := d.LookupNetIPTTL(t.Context(), "ip", host)
				if got := fmt.Sprint(addrs, ttl, err); got != want {
					t.Errorf("%s: %s, want %s", host, got, want)
				}
			}
			for network, want := range map[string]string{"ip4": "[192.0.2.1 192.0.2.7]", "ip6": "[2001:db8::1]"} {
				if addrs, err := d.LookupNetIP(t.Context(), network, "a.example"); err != nil || fmt.Sprint(addrs) != want {
					t.Errorf("%s: %v, %v", network, addrs, err)
				}
			}
		})
	}
}

func describeMX(records []*net.MX, ttl time.Duration, err error) string {
	if p := problemOf(err); p != None {
		return fmt.Sprint(p, " ", ttl)
	}
	list := []string{}
	for _, mx := range records {
		list = append(list, fmt.Sprint(mx.Pref, " ", mx.Host))
	}
	return fmt.Sprint(list, " ", ttl)
}

// An answer too large for UDP is fetched by TCP.
func TestDNSTruncated(t *testing.T) {
	var zone strings.Builder
	for i := range 100 {
		fmt.Fprintf(&zone, "big.example. 300 IN A 192.0.2.%d\n", i)
	}
	d := newDNS(t, startDNS(t, records(t, true, zone.String())))
	if addrs, err := d.LookupNetIP(t.Context(), "ip4", "big.example"); len(addrs) != 100 || err != nil {
		t.Errorf("%d addresses, %v", len(addrs), err)
	}
}

// A server that fails is passed over; that all do is temporary (S8).
func TestDNSFailures(t *testing.T) {
	good := startDNS(t, records(t, true, testZone))
	for name, handle := range map[string]dns.HandlerFunc{
		"SERVFAIL": func(w dns.ResponseWriter, q *dns.Msg) { w.WriteMsg(new(dns.Msg).SetRcode(q, dns.RcodeServerFailure)) },
		"REFUSED":  func(w dns.ResponseWriter, q *dns.Msg) { w.WriteMsg(new(dns.Msg).SetRcode(q, dns.RcodeRefused)) },
		"silence":  func(dns.ResponseWriter, *dns.Msg) {},
		"another question": func(w dns.ResponseWriter, q *dns.Msg) {
			m := new(dns.Msg).SetReply(q)
			m.Question[0].Name = "evil.example."
			w.WriteMsg(m)
		},
		"truncated without end": func(w dns.ResponseWriter, q *dns.Msg) {
			m := new(dns.Msg).SetReply(q)
			m.Truncated = true
			w.WriteMsg(m)
		},
		"another id": func(w dns.ResponseWriter, q *dns.Msg) {
			m := new(dns.Msg).SetReply(q)
			m.Id++
			w.WriteMsg(m)
		},
		"another type": func(w dns.ResponseWriter, q *dns.Msg) {
			m := new(dns.Msg).SetReply(q)
			m.Question[0].Qtype = dns.TypeTXT
			w.WriteMsg(m)
		},
		"no question": func(w dns.ResponseWriter, q *dns.Msg) {
			m := new(dns.Msg).SetReply(q)
			m.Question = nil
			w.WriteMsg(m)
		},
		"an echo": func(w dns.ResponseWriter, q *dns.Msg) { w.WriteMsg(q) },
		"a referral": func(w dns.ResponseWriter, q *dns.Msg) {
			m := new(dns.Msg).SetReply(q)
			ns, _ := dns.NewRR("example. 600 IN NS ns.example.")
			m.Ns = []dns.RR{ns}
			w.WriteMsg(m)
		},
		"half a packet": func(w dns.ResponseWriter, q *dns.Msg) {
			packet, _ := new(dns.Msg).SetReply(q).Pack()
			w.Write(packet[:len(packet)/2])
		},
		"no DNS at all": func(w dns.ResponseWriter, q *dns.Msg) { w.Write([]byte("hello")) },
	} {
		t.Run(name, func(t *testing.T) {
			bad := startDNS(t, handle)
			_, err := newDNS(t, bad).LookupMX(t.Context(), "plain.example")
			if e, ok := errors.AsType[*net.DNSError](err); !ok || !e.IsTemporary || e.IsNotFound || e.Server != bad {
				t.Errorf("alone: %v", err)
			}
			if name == "silence" {
				if e, ok := errors.AsType[*net.DNSError](err); !ok || !e.IsTimeout {
					t.Errorf("no time-out: %v", err)
				}
			}
			if records, err := newDNS(t, bad, good).LookupMX(t.Context(), "plain.example"); len(records) != 2 || err != nil {
				t.Errorf("with a good one: %v, %v", records, err)
			}
		})
	}
}

// Truncated by UDP and not to be had by TCP is no answer, whatever it begins with.
func TestDNSTruncatedWithoutTCP(t *testing.T) {
	udp, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	defer func() { udp.Close(); <-done }()
	go func() {
		defer close(done)
		packet := make([]byte, 512)
		for {
			n, from, err := udp.ReadFrom(packet)
			if err != nil {
				return
			}
			q := new(dns.Msg)
			if q.Unpack(packet[:n]) != nil {
				continue
			}
			m := new(dns.Msg).SetReply(q)
			m.Truncated = true
			rr, _ := dns.NewRR("plain.example. 300 IN MX 10 only-the-first.example.")
			m.Answer = []dns.RR{rr}
			reply, _ := m.Pack()
			udp.WriteTo(reply, from)
		}
	}()
	records, err := newDNS(t, udp.LocalAddr().String()).LookupMX(t.Context(), "plain.example")
	if problemOf(err) != Temporary || len(records) != 0 {
		t.Errorf("%v, %v", records, err)
	}
}

// Who answers faster than the server, but does not know the id, changes nothing.
func TestDNSForged(t *testing.T) {
	good := records(t, true, testZone)
	d := newDNS(t, startDNS(t, func(w dns.ResponseWriter, q *dns.Msg) {
		forged := new(dns.Msg).SetReply(q)
		forged.Id += 7
		rr, _ := dns.NewRR("plain.example. 300 IN MX 1 evil.example.")
		forged.Answer = []dns.RR{rr}
		w.WriteMsg(forged)
		good(w, q)
	}))
	got, ttl, err := d.LookupMXTTL(t.Context(), "plain.example")
	if want := "[20 b.example. 10 a.example.] 3m20s"; describeMX(got, ttl, err) != want {
		t.Errorf("%s, want %s", describeMX(got, ttl, err), want)
	}
}

// What an answer says about names that were not asked for counts for nothing.
func TestDNSOfOthers(t *testing.T) {
	d := newDNS(t, startDNS(t, func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg).SetReply(q)
		for _, line := range []string{
			"other.example. 300 IN MX 1 evil.example.", "other.example. 300 IN CNAME plain.example.",
			"plain.example. 300 CH MX 1 evil.example.", "plain.example. 300 IN MX 10 a.example.",
		} {
			rr, err := dns.NewRR(line)
			if err != nil {
				t.Error(err)
			}
			m.Answer = append(m.Answer, rr)
		}
		w.WriteMsg(m)
	}))
	got, ttl, err := d.LookupMXTTL(t.Context(), "plain.example")
	if want := "[10 a.example.] 5m0s"; describeMX(got, ttl, err) != want {
		t.Errorf("%s, want %s", describeMX(got, ttl, err), want)
	}
}

// One family that can't be looked up doesn't take the other away.
func TestDNSHalfAnAnswer(t *testing.T) {
	good := records(t, true, testZone)
	d := newDNS(t, startDNS(t, func(w dns.ResponseWriter, q *dns.Msg) {
		if q.Question[0].Qtype == dns.TypeAAAA {
			w.WriteMsg(new(dns.Msg).SetRcode(q, dns.RcodeServerFailure))
			return
		}
		good(w, q)
	}))
	if addrs, err := d.LookupNetIP(t.Context(), "ip", "a.example"); fmt.Sprint(addrs) != "[192.0.2.1 192.0.2.7]" || err != nil {
		t.Errorf("%v, %v", addrs, err)
	}
	if _, err := d.LookupNetIP(t.Context(), "ip", "txt.example"); problemOf(err) != Temporary {
		t.Errorf("no A, no answer for AAAA: %v", err)
	}
}

func TestDNSCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	d := newDNS(t, startDNS(t, func(dns.ResponseWriter, *dns.Msg) { cancel() }))
	if _, err := d.LookupMX(ctx, "plain.example"); problemOf(err) != Temporary {
		t.Error(err)
	}
}

func TestNewDNS(t *testing.T) {
	d, err := NewDNS([]string{"192.0.2.1", "2001:db8::1", "192.0.2.1:5353"}, 0)
	if want := "[192.0.2.1:53 [2001:db8::1]:53 192.0.2.1:5353]"; err != nil || fmt.Sprint(d.servers) != want {
		t.Errorf("%v, %v", d, err)
	}
	if _, err := NewDNS([]string{"dns.example"}, 0); err == nil {
		t.Error("a server by name")
	}
}

func TestRouteByDNS(t *testing.T) {
	d := newDNS(t, startDNS(t, records(t, true, testZone)))
	r := New(Config{Resolver: d, Network: "ip4"})
	for domain, want := range map[string]string{
		"alias.example":   "a.example: 10 a.example [192.0.2.1 192.0.2.7]",
		"null.example":    NullMX.String(),
		"loop1.example":   Loop.String(),
		"nothing.example": NoDomain.String(),
		"a.example":       "a.example: 0 a.example [192.0.2.1 192.0.2.7]",
		"txt.example":     NoDomain.String(),
	} {
		if got := describe(r.Route(t.Context(), domain)); got != want {
			t.Errorf("%s: %s, want %s", domain, got, want)
		}
	}
}

// Whatever is in an answer, following it ends and yields what was asked for.
func FuzzChase(f *testing.F) {
	m := new(dns.Msg).SetQuestion("a.example.", dns.TypeMX)
	for _, line := range []string{"a.example. 1 IN CNAME b.example.", "b.example. 2 IN CNAME a.example.", "b.example. 3 IN MX 1 c.example."} {
		rr, err := dns.NewRR(line)
		if err != nil {
			f.Fatal(err)
		}
		m.Answer = append(m.Answer, rr)
		packet, err := m.Pack()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(packet)
	}
	f.Fuzz(func(t *testing.T, packet []byte) {
		m := new(dns.Msg)
		if m.Unpack(packet) != nil || len(m.Question) == 0 {
			return
		}
		q := m.Question[0]
		rrs, _, ttl, hops := chase(m, q.Name, q.Qtype)
		if hops > maxChain+1 || ttl < 0 || ttl > maxTTL {
			t.Fatalf("%d hops, TTL %v", hops, ttl)
		}
		for _, rr := range rrs {
			if rr.Header().Rrtype != q.Qtype {
				t.Fatalf("%v is not what was asked for", rr)
			}
		}
	})
}
