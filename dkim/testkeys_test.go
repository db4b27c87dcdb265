package dkim

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"os"
	"testing"
	"time"
)

const testDomain = "football.example.com"

// testTime is the time of the RFC's own signatures.
var testTime = time.Unix(1528637909, 0)

// rfcRSA is the 1024-bit key of RFC 8463 appendix A, which is public.
func rfcRSA(t testing.TB) *Key {
	t.Helper()
	text, err := os.ReadFile("testdata/rfc8463.pem")
	if err != nil {
		t.Fatal(err)
	}
	k, err := ParseKey(testDomain, "test", text)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// rfcEd25519 is the Ed25519 key of RFC 8463 appendix A.
func rfcEd25519(t testing.TB) *Key {
	t.Helper()
	seed, err := base64.StdEncoding.DecodeString("nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=")
	if err != nil {
		t.Fatal(err)
	}
	k, err := newKey(testDomain, "brisbane", ed25519.NewKeyFromSeed(seed))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func generate(t testing.TB, selector string, alg Algorithm) *Key {
	t.Helper()
	k, err := Generate(testDomain, selector, alg)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func newSigner(t testing.TB, keys ...*Key) *Signer {
	t.Helper()
	s, err := NewSigner(keys...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// records answers like a DNS that knows the keys.
func records(keys ...*Key) func(string) ([]string, error) {
	zone := make(map[string][]string)
	for _, k := range keys {
		name, txt := k.Record()
		zone[name] = append(zone[name], txt)
	}
	return func(name string) ([]string, error) {
		if txts := zone[name]; txts != nil {
			return txts, nil
		}
		return nil, errors.New("no such name: " + name)
	}
}

// signed is a message with its signatures before it.
func signed(t testing.TB, s *Signer, msg []byte) []byte {
	t.Helper()
	fields, err := s.Sign(nil, msg, testTime)
	if err != nil {
		t.Fatal(err)
	}
	return append(fields, msg...)
}
