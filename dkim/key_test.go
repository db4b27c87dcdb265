package dkim

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"os"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// weakPEM is an RSA key of 512 bits, made for this test.
const weakPEM = `-----BEGIN RSA PRIVATE KEY-----
MIIBOwIBAAJBALexYc6lqUdZsaa1cPrFuQ0Q/ZWt+RNtU684Q/jv5k9jcI/JbZIx
fzq7A3et5plxHwvExkOra9PKlp1sL4IGcxMCAwEAAQJBAI1olQWyy9ysdLEETmQO
YAVqBfz6/5pv+BMUOmdhrqd/c5XqN6voF8kjv8iVe8vYll8bBHMo2J81tuLgAmLK
2KECIQDqqFls61mSqEFylYHFHP0HE0ucBL5KPqqJXZMtkXbKcQIhAMhmZVAwjd9S
edhtrpJ2U7LaVy4Z8FBXXXMPk7pQF6/DAiAGcelC3JPxOz3Q79pIl6s7boQ9HMQ9
NctpSnCoZ75jgQIgUGiFjj9tLYYyTZz0xt+jhcgF4wGVYycq39gINmGcn3ECIQCy
Vz7vmxabbPMHbh9bgxUcniZsDjt3QhNTOeuZxT5Sjw==
-----END RSA PRIVATE KEY-----
`

// D1
func TestParseKeyRefuses(t *testing.T) {
	ecKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(ecKey)
	if err != nil {
		t.Fatal(err)
	}
	good, err := os.ReadFile("testdata/rfc8463.pem")
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(good)
	for _, tt := range []struct {
		name, domain, selector string
		text                   []byte
		want                   string
	}{
		{"512 bits", testDomain, "s", []byte(weakPEM), "512 bits"},
		{"elliptic curve", testDomain, "s", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), "can't sign mail"},
		{"no PEM", testDomain, "s", []byte("secret"), "no PEM block"},
		{"a public key", testDomain, "s", pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), `"PUBLIC KEY"`},
		{"broken PKCS#8", testDomain, "s", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der[:20]}), "PKCS#8"},
		{"broken PKCS#1", testDomain, "s", pem.EncodeToMemory(&pem.Block{Type: block.Type, Bytes: block.Bytes[:20]}), "PKCS#1"},
		{"no domain", "", "s", good, "domain"},
		{"a bare label", "localhost", "s", good, "domain"},
		{"a path for a domain", "../etc", "s", good, "domain"},
		{"a domain in Unicode", "bücher.example", "s", good, "domain"},
		{"a tag in the selector", testDomain, "s; l=1", good, "selector"},
		{"a path for a selector", testDomain, "a/b", good, "selector"},
		{"a long label", testDomain, strings.Repeat("a", 64), good, "selector"},
	} {
		if _, err := ParseKey(tt.domain, tt.selector, tt.text); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want an error about %q", tt.name, err, tt.want)
		}
	}
}

// D1: SHA-1 is no choice that a key or an algorithm could make.
func TestOnlySHA256(t *testing.T) {
	for _, alg := range []Algorithm{RSA2048, Ed25519} {
		if got := generate(t, "s", alg).Algorithm(); got != alg || !strings.HasSuffix(got.String(), "-sha256") {
			t.Errorf("Generate(%v) signs with %v", alg, got)
		}
	}
}

func TestKeyRoundTrip(t *testing.T) {
	for _, k := range []*Key{rfcRSA(t), rfcEd25519(t), generate(t, "s", RSA2048)} {
		text, err := k.PEM()
		if err != nil {
			t.Fatal(err)
		}
		again, err := ParseKey("Football.EXAMPLE.com.", strings.ToUpper(k.Selector), text)
		if err != nil {
			t.Fatal(err)
		}
		if again.Domain != k.Domain || again.Selector != k.Selector {
			t.Errorf("%s of %s came back as %s of %s", k.Selector, k.Domain, again.Selector, again.Domain)
		}
		verifyAll(t, signed(t, newSigner(t, again), dinner), k)
	}
}

// A name server reads the zone line as the record that verifiers see.
func TestZoneLine(t *testing.T) {
	for _, k := range []*Key{generate(t, "2026a", RSA2048), rfcEd25519(t)} {
		name, txt := k.Record()
		rr, err := dns.NewRR(k.ZoneLine())
		if err != nil {
			t.Fatal(err)
		}
		record, ok := rr.(*dns.TXT)
		if !ok || record.Hdr.Name != name+"." || strings.Join(record.Txt, "") != txt {
			t.Errorf("zone line %s, want the record %s %s", k.ZoneLine(), name, txt)
		}
		for _, s := range record.Txt {
			if len(s) > maxString {
				t.Errorf("a string of %d bytes", len(s))
			}
		}
	}
}

func FuzzParseKey(f *testing.F) {
	good, err := os.ReadFile("testdata/rfc8463.pem")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte(weakPEM))
	f.Fuzz(func(t *testing.T, text []byte) {
		k, err := ParseKey(testDomain, "s", text)
		if err != nil {
			return
		}
		if _, err := k.PEM(); err != nil {
			t.Errorf("a key that was read can't be written: %v", err)
		}
	})
}
