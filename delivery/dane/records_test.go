package dane

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// issued is a chain of a server and its authority.
type issued struct{ leaf, ca *x509.Certificate }

func (i issued) chain() []*x509.Certificate { return []*x509.Certificate{i.leaf, i.ca} }

// issue makes a certificate for a name, good until a time, and the authority that
// vouches for it and that nobody else knows.
func issue(t testing.TB, name string, until time.Time) issued {
	t.Helper()
	caKey, key := newKey(t), newKey(t)
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: time.Now().Add(24 * time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: until, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	return issued{leaf: sign(t, leaf, ca, key, caKey), ca: sign(t, ca, ca, caKey, caKey)}
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func sign(t testing.TB, c, parent *x509.Certificate, key, by *ecdsa.PrivateKey) *x509.Certificate {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, c, parent, &key.PublicKey, by)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

// recordOf is the record that a certificate's owner publishes.
func recordOf(c *x509.Certificate, usage, selector, matching uint8) Record {
	data := c.Raw
	if selector == 1 {
		data = c.RawSubjectPublicKeyInfo
	}
	switch matching {
	case 1:
		sum := sha256.Sum256(data)
		data = sum[:]
	case 2:
		sum := sha512.Sum512(data)
		data = sum[:]
	}
	return Record{usage, selector, matching, data}
}

// T6: which records match which certificates.
func TestVerify(t *testing.T) {
	tomorrow, yesterday := time.Now().Add(24*time.Hour), time.Now().Add(-24*time.Hour)
	mx, other := issue(t, "mx.example.net", tomorrow), issue(t, "mx.example.net", tomorrow)
	byDomain, expired, elsewhere := issue(t, "example.org", tomorrow), issue(t, "mx.example.net", yesterday), issue(t, "mx.example.com", tomorrow)
	tests := []struct {
		name    string
		chain   []*x509.Certificate
		records []Record
		flaw    string // "" for a match
	}{
		{"3 0 0", mx.chain(), []Record{recordOf(mx.leaf, 3, 0, 0)}, ""},
		{"3 0 1", mx.chain(), []Record{recordOf(mx.leaf, 3, 0, 1)}, ""},
		{"3 0 2", mx.chain(), []Record{recordOf(mx.leaf, 3, 0, 2)}, ""},
		{"3 1 0", mx.chain(), []Record{recordOf(mx.leaf, 3, 1, 0)}, ""},
		{"3 1 1", mx.chain(), []Record{recordOf(mx.leaf, 3, 1, 1)}, ""},
		{"3 1 2", mx.chain(), []Record{recordOf(mx.leaf, 3, 1, 2)}, ""},
		{"3 1 1 of another key", other.chain(), []Record{recordOf(mx.leaf, 3, 1, 1)}, "no TLSA record matches"},
		{"3 1 1 of the authority", mx.chain(), []Record{recordOf(mx.ca, 3, 1, 1)}, "no TLSA record matches"},
		{"3 1 1, expired: dates don't count", expired.chain(), []Record{recordOf(expired.leaf, 3, 1, 1)}, ""},
		{"3 1 1, another name: names don't count", elsewhere.chain(), []Record{recordOf(elsewhere.leaf, 3, 1, 1)}, ""},
		{"one of several", mx.chain(), []Record{recordOf(other.leaf, 3, 1, 1), recordOf(mx.leaf, 3, 1, 1)}, ""},
		{"2 0 1", mx.chain(), []Record{recordOf(mx.ca, 2, 0, 1)}, ""},
		{"2 1 2", mx.chain(), []Record{recordOf(mx.ca, 2, 1, 2)}, ""},
		{"2 0 1, the authority is not sent", mx.chain()[:1], []Record{recordOf(mx.ca, 2, 0, 1)}, "no TLSA record matches"},
		{"2 0 0, the authority is not sent, but in the record", mx.chain()[:1], []Record{recordOf(mx.ca, 2, 0, 0)}, ""},
		{"2 0 1 of another authority", mx.chain(), []Record{recordOf(other.ca, 2, 0, 1)}, "no TLSA record matches"},
		{"2 0 1, sent but not the issuer", []*x509.Certificate{mx.leaf, other.ca}, []Record{recordOf(other.ca, 2, 0, 1)}, "certificate signed by"},
		{"2 0 1 of the server itself", mx.chain(), []Record{recordOf(mx.leaf, 2, 0, 1)}, "no TLSA record matches"},
		{"2 0 1, expired", expired.chain(), []Record{recordOf(expired.ca, 2, 0, 1)}, "expired"},
		{"2 0 1, another name", elsewhere.chain(), []Record{recordOf(elsewhere.ca, 2, 0, 1)}, "not mx.example.net"},
		{"2 0 1, the recipient's domain", byDomain.chain(), []Record{recordOf(byDomain.ca, 2, 0, 1)}, ""},
		{"digest agility: the weaker one doesn't count", mx.chain(), []Record{recordOf(mx.leaf, 3, 1, 1), recordOf(other.leaf, 3, 1, 2)}, "no TLSA record matches"},
		{"digest agility: each selector apart", mx.chain(), []Record{recordOf(mx.leaf, 3, 0, 1), recordOf(other.leaf, 3, 1, 2)}, ""},
		{"no certificate", nil, []Record{recordOf(mx.leaf, 3, 1, 1)}, "no certificate"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := newRecords([]string{"mx.example.net"}, test.records)
			if r == nil {
				t.Fatal("unusable")
			}
			domain := "example.net"
			if strings.Contains(test.name, "recipient's") {
				domain = "example.org"
				if r.Verify(test.chain) == nil {
					t.Error("matches for every domain")
				}
			}
			err := r.For(domain).Verify(test.chain)
			if (err == nil) != (test.flaw == "") || err != nil && !strings.Contains(err.Error(), test.flaw) {
				t.Errorf("%v, want %q", err, test.flaw)
			}
		})
	}
}

// T6: PKIX usages and what can't match are unusable (RFC 7672 §3.1.3).
func TestUnusable(t *testing.T) {
	c := issue(t, "mx.example.net", time.Now().Add(time.Hour)).leaf
	all := []Record{
		recordOf(c, 0, 0, 1), recordOf(c, 1, 1, 1), recordOf(c, 4, 1, 1), recordOf(c, 255, 1, 1),
		{3, 2, 1, make([]byte, 32)}, {3, 1, 3, make([]byte, 32)},
		{3, 1, 1, make([]byte, 31)}, {3, 1, 2, make([]byte, 32)}, {3, 1, 1, nil},
		{3, 0, 0, []byte("no certificate")}, {3, 1, 0, []byte("no key")}, {2, 0, 0, nil},
	}
	if r := newRecords([]string{"mx.example.net"}, all); r != nil {
		t.Errorf("usable: %q", r.Strings())
	}
	// An unusable record takes nothing from a usable one, not even as the stronger digest.
	good := recordOf(c, 3, 1, 1)
	r := newRecords([]string{"mx.example.net"}, append(all, good))
	if r == nil || !slices.Equal(r.Strings(), []string{good.String()}) {
		t.Fatalf("%+v", r)
	}
	if r.For("example.org") != r {
		t.Error("DANE-EE is another one for each domain")
	}
}

func FuzzTLSA(f *testing.F) {
	c := issue(f, "mx.example.net", time.Now().Add(time.Hour))
	for _, r := range []Record{recordOf(c.leaf, 3, 1, 1), recordOf(c.ca, 2, 0, 0), recordOf(c.ca, 2, 1, 2), {3, 1, 1, nil}} {
		answer := new(dns.Msg).SetQuestion("_25._tcp.mx.example.net.", dns.TypeTLSA)
		rr, err := dns.NewRR("_25._tcp.mx.example.net. 60 IN TLSA " + r.String())
		if err != nil && len(r.Data) > 0 {
			f.Fatal(err)
		}
		if rr != nil {
			answer.Answer = []dns.RR{rr}
		}
		wire, err := answer.Pack()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(wire)
	}
	f.Fuzz(func(t *testing.T, wire []byte) {
		var answer dns.Msg
		if answer.Unpack(wire) != nil {
			return
		}
		r := newRecords([]string{"mx.example.net"}, tlsa(&answer, "_25._tcp.mx.example.net"))
		if r == nil {
			return
		}
		for _, record := range r.list {
			if record.Usage < 2 || record.Usage > 3 || len(record.Data) == 0 {
				t.Fatalf("usable: %v", record)
			}
		}
		err := r.For("example.org").Verify(c.chain())
		matches := slices.ContainsFunc(r.list, func(record Record) bool {
			return record.Usage == daneEE && record.matches(c.leaf) || record.Usage == daneTA && record.matches(c.ca)
		})
		if (err == nil) != matches {
			t.Fatalf("%v, though records match: %v", err, matches)
		}
	})
}
