package dane

import (
	"encoding/hex"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"broadside/delivery/smtptest/dnsserver"
)

// startResolver answers like a validating resolver on loopback, until the test ends.
// Each question, "NAME TYPE", has a text of words and records, ";" between them: "ad"
// for a signed answer, a response code such as SERVFAIL, "tcp" to be asked again by
// TCP, then records in zone file form. What is not listed is signed and not there.
func startResolver(t *testing.T, answers map[string]string) string {
	t.Helper()
	return serveDNS(t, dns.HandlerFunc(func(w dns.ResponseWriter, query *dns.Msg) {
		reply := new(dns.Msg).SetReply(query)
		q := query.Question[0]
		text, ok := answers[strings.TrimSuffix(q.Name, ".")+" "+dns.TypeToString[q.Qtype]]
		if !ok {
			reply.Rcode, reply.AuthenticatedData = dns.RcodeNameError, true
		}
		if !query.AuthenticatedData {
			t.Errorf("%s is asked without the AD bit", q.Name)
		}
		for part := range strings.SplitSeq(text, ";") {
			part = strings.TrimSpace(part)
			if code, ok := dns.StringToRcode[part]; ok {
				reply.Rcode = code
			} else if part == "ad" {
				reply.AuthenticatedData = true
			} else if part == "tcp" {
				if w.RemoteAddr().Network() == "udp" {
					reply.Truncated, reply.Answer = true, nil
					break
				}
			} else if rr, err := dns.NewRR(part); err != nil {
				t.Error(err)
			} else if rr != nil {
				reply.Answer = append(reply.Answer, rr)
			}
		}
		w.WriteMsg(reply)
	}))
}

// serveDNS answers on loopback until the test ends, and returns where.
func serveDNS(t *testing.T, handle dns.Handler) string {
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

const (
	address = "mx.example.net. 3600 IN A 192.0.2.1"
	digest  = "0102030405060708091011121314151617181920212223242526272829303132"
	usable  = "_25._tcp.mx.example.net. 600 IN TLSA 3 1 1 " + digest
)

// T6: what DNS says about a host, and whether it can be believed.
func TestHost(t *testing.T) {
	tests := []struct {
		name    string
		answers map[string]string
		secure  bool
		base    string
		records []string
		holds   time.Duration
		fails   bool
	}{
		{"secure", map[string]string{"mx.example.net A": "ad;" + address, "_25._tcp.mx.example.net TLSA": "ad;" + usable},
			true, "mx.example.net", []string{"3 1 1 " + digest}, 10 * time.Minute, false},
		{"secure, over TCP", map[string]string{"mx.example.net A": "ad;" + address, "_25._tcp.mx.example.net TLSA": "tcp;ad;" + usable},
			true, "mx.example.net", []string{"3 1 1 " + digest}, 10 * time.Minute, false},
		{"IPv6 alone", map[string]string{"mx.example.net A": "ad", "mx.example.net AAAA": "ad;mx.example.net. 60 IN AAAA 2001:db8::1", "_25._tcp.mx.example.net TLSA": "ad;" + usable},
			true, "mx.example.net", []string{"3 1 1 " + digest}, time.Minute, false},
		{"insecure zone: records don't count, nor whether they can be asked for", map[string]string{"mx.example.net A": address, "_25._tcp.mx.example.net TLSA": "SERVFAIL"},
			false, "", nil, time.Hour, false},
		{"insecure records", map[string]string{"mx.example.net A": "ad;" + address, "_25._tcp.mx.example.net TLSA": usable},
			false, "", nil, 10 * time.Minute, false},
		{"no records, and that is proven", map[string]string{"mx.example.net A": "ad;" + address}, false, "", nil, time.Hour, false},
		{"all unusable: encryption at least", map[string]string{"mx.example.net A": "ad;" + address, "_25._tcp.mx.example.net TLSA": "ad;" + strings.Replace(usable, "3 1 1", "1 1 1", 1)},
			true, "mx.example.net", nil, 10 * time.Minute, false},
		{"bogus address", map[string]string{"mx.example.net A": "SERVFAIL"}, false, "", nil, minTTL, true},
		{"bogus records", map[string]string{"mx.example.net A": "ad;" + address, "_25._tcp.mx.example.net TLSA": "SERVFAIL"}, false, "", nil, minTTL, true},
		{"refused", map[string]string{"mx.example.net A": "ad;" + address, "_25._tcp.mx.example.net TLSA": "REFUSED"}, false, "", nil, minTTL, true},
		{"alias, records at its end", map[string]string{
			"mx.example.net A":               "ad;mx.example.net. 300 IN CNAME real.example.com.;real.example.com. 3600 IN A 192.0.2.1",
			"_25._tcp.real.example.com TLSA": "ad;_25._tcp.real.example.com. 600 IN TLSA 3 1 1 " + digest,
		}, true, "real.example.com", []string{"3 1 1 " + digest}, 5 * time.Minute, false},
		{"alias, records at its beginning", map[string]string{
			"mx.example.net A":             "ad;mx.example.net. 300 IN CNAME real.example.com.;real.example.com. 3600 IN A 192.0.2.1",
			"_25._tcp.mx.example.net TLSA": "ad;" + usable,
		}, true, "mx.example.net", []string{"3 1 1 " + digest}, 5 * time.Minute, false},
		{"alias that leads out of what is signed", map[string]string{
			"mx.example.net A":             "mx.example.net. 300 IN CNAME real.example.com.;real.example.com. 3600 IN A 192.0.2.1",
			"mx.example.net CNAME":         "ad;mx.example.net. 300 IN CNAME real.example.com.",
			"_25._tcp.mx.example.net TLSA": "ad;" + usable,
		}, true, "mx.example.net", []string{"3 1 1 " + digest}, 5 * time.Minute, false},
		{"alias that is not signed", map[string]string{
			"mx.example.net A":             "mx.example.net. 300 IN CNAME real.example.com.;real.example.com. 3600 IN A 192.0.2.1",
			"mx.example.net CNAME":         "mx.example.net. 300 IN CNAME real.example.com.",
			"_25._tcp.mx.example.net TLSA": "ad;" + usable,
		}, false, "", nil, 5 * time.Minute, false},
		{"records behind an alias of their own", map[string]string{
			"mx.example.net A":             "ad;" + address,
			"_25._tcp.mx.example.net TLSA": "ad;_25._tcp.mx.example.net. 600 IN CNAME tlsa.example.com.;tlsa.example.com. 600 IN TLSA 3 1 1 " + digest,
		}, true, "mx.example.net", []string{"3 1 1 " + digest}, 10 * time.Minute, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s, err := New(startResolver(t, test.answers), time.Second)
			if err != nil {
				t.Fatal(err)
			}
			host, holds, err := s.Host(t.Context(), "MX.example.net.")
			var records []string
			if host.Records != nil {
				records = host.Records.Strings()
			}
			if (err != nil) != test.fails || host.Secure != test.secure || host.Base != test.base || !slices.Equal(records, test.records) || holds != test.holds {
				t.Errorf("%+v %q for %v, %v", host, records, holds, err)
			}
		})
	}
}

// T6: only hosts that DNS vouches for are a domain's.
func TestExchangers(t *testing.T) {
	s, err := New(startResolver(t, map[string]string{
		"secure.example MX":   "ad;secure.example. 600 IN MX 20 mx2.example.net.;secure.example. 600 IN MX 10 MX1.example.net.;secure.example. 600 IN MX 30 mx2.example.net.",
		"insecure.example MX": "insecure.example. 600 IN MX 10 mx1.example.net.",
		"bogus.example MX":    "SERVFAIL",
		"implicit.example MX": "ad",
		"null.example MX":     "ad;null.example. 600 IN MX 0 .",
	}), time.Second)
	if err != nil {
		t.Fatal(err)
	}
	for domain, want := range map[string][]string{
		"secure.example": {"mx1.example.net", "mx2.example.net"}, "insecure.example": nil, "bogus.example": nil,
		"implicit.example": {"implicit.example"}, "null.example": nil, "gone.example": nil,
	} {
		hosts, _, err := s.Exchangers(t.Context(), domain)
		if !slices.Equal(hosts, want) || (err != nil) != (domain == "bogus.example") {
			t.Errorf("%s: %q, %v", domain, hosts, err)
		}
	}
}

// A resolver that is silent is no proof of anything: mail waits.
func TestSilentResolver(t *testing.T) {
	silent, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	s, err := New(silent.LocalAddr().String(), 50*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Exchangers(t.Context(), "example.org"); err == nil {
		t.Error("no error")
	}
	if _, _, err := s.Host(t.Context(), "mx.example.org"); err == nil {
		t.Error("no error")
	}
}

func TestNew(t *testing.T) {
	for resolver, want := range map[string]string{"127.0.0.1": "127.0.0.1:53", "::1": "[::1]:53", "[::1]:5353": "[::1]:5353", "localhost": "", "": ""} {
		s, err := New(resolver, 0)
		if (err == nil) != (want != "") || err == nil && s.server != want {
			t.Errorf("%q: %+v, %v", resolver, s, err)
		}
	}
}

func TestRecordString(t *testing.T) {
	data, err := hex.DecodeString(digest)
	if err != nil {
		t.Fatal(err)
	}
	if s := (Record{3, 1, 1, data}).String(); s != "3 1 1 "+digest {
		t.Error(s)
	}
}
