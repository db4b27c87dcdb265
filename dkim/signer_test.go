package dkim

import (
	"bytes"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// broken tells whether no signature of a message is valid any more.
func broken(t *testing.T, msg []byte, keys ...*Key) bool {
	t.Helper()
	got, err := Verify(msg, records(keys...))
	if err != nil || len(got) != len(keys) {
		t.Fatalf("Verify = %+v, %v, want %d signatures", got, err, len(keys))
	}
	return !slices.ContainsFunc(got, func(v Verification) bool { return v.Err == nil })
}

// D3, D4: what a reader sees can't be changed or added to.
func TestTampering(t *testing.T) {
	key := rfcRSA(t)
	msg := goldens(t)["13-newsletter"]
	whole := signed(t, newSigner(t, key), msg)
	fields, _ := newSigner(t, key).Sign(nil, msg, testTime)

	for _, n := range signedNames {
		if !n.oversign {
			continue
		}
		t.Run("another "+n.name, func(t *testing.T) {
			extra := []byte(n.name + ": x@example.net\r\n")
			if above := slices.Concat(extra, whole); !broken(t, above, key) {
				t.Error("prepended: still valid")
			}
			if below := slices.Concat(fields, extra, msg); !broken(t, below, key) {
				t.Error("put below the signature: still valid")
			}
		})
	}
	for _, tt := range []struct{ name, old, new string }{
		{"body appended", "--=_b1--\r\n", "--=_b1--\r\nmore\r\n"},
		{"body changed", "Offer 7", "Offer 8"},
		{"subject changed", "Offers_of_the_week", "Offers_of_the_year"},
		{"link changed", "football.example.com/u/", "football.example.net/u/"},
		{"signed field gone", "BIMI-Selector: v=BIMI1; s=brand\r\n", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			changed := bytes.Replace(whole, []byte(tt.old), []byte(tt.new), 1)
			if bytes.Equal(changed, whole) || !broken(t, changed, key) {
				t.Error("still valid, or nothing was changed")
			}
		})
	}
	t.Run("unsigned field changed", func(t *testing.T) {
		changed := bytes.Replace(whole, []byte("X-Mailer: not signed"), []byte("X-Mailer: other"), 1)
		if bytes.Equal(changed, whole) || broken(t, changed, key) {
			t.Error("no longer valid, or nothing was changed")
		}
	})
}

// M8, M11, M12, M13: what providers ask to be signed is in h=.
func TestSignedFields(t *testing.T) {
	key := rfcRSA(t)
	got, err := Verify(signed(t, newSigner(t, key), goldens(t)["13-newsletter"]), records(key))
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Fields("From From To To Cc Subject Subject Date Date Message-ID Message-ID Reply-To Reply-To " +
		"MIME-Version MIME-Version Content-Type Content-Type Content-Transfer-Encoding " +
		"List-Unsubscribe List-Unsubscribe List-Unsubscribe-Post List-Unsubscribe-Post List-Id List-Id " +
		"Feedback-ID Feedback-ID Precedence CFBL-Address BIMI-Selector")
	if !slices.Equal(got[0].Headers, want) {
		t.Errorf("h=%v, want %v", got[0].Headers, want)
	}
}

// D7: both algorithms are valid whichever comes first.
func TestTwoKeys(t *testing.T) {
	rsaKey, edKey := generate(t, "r", RSA2048), generate(t, "e", Ed25519)
	verifyAll(t, signed(t, newSigner(t, rsaKey, edKey), dinner), rsaKey, edKey)
	once := signed(t, newSigner(t, rsaKey), dinner)
	verifyAll(t, signed(t, newSigner(t, edKey), once), edKey, rsaKey)
}

func TestNewSignerRefuses(t *testing.T) {
	rsaKey, edKey := rfcRSA(t), rfcEd25519(t)
	other, err := Generate("example.org", "e", Ed25519)
	if err != nil {
		t.Fatal(err)
	}
	for name, keys := range map[string][]*Key{
		"none":      nil,
		"swapped":   {edKey, rsaKey},
		"two RSA":   {rsaKey, rsaKey},
		"three":     {rsaKey, edKey, edKey},
		"elsewhere": {rsaKey, other},
	} {
		if _, err := NewSigner(keys...); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestExpiry(t *testing.T) {
	key := rfcRSA(t)
	s := newSigner(t, key)
	s.Expiry = 10 * 24 * time.Hour
	fields, err := s.Sign(nil, dinner, testTime)
	if err != nil || !strings.Contains(string(fields), "t=1528637909; x=1529501909;") {
		t.Errorf("Sign = %s, %v, want x= ten days after t=", fields, err)
	}
	if !broken(t, append(fields, dinner...), key) {
		t.Error("an expired signature is valid")
	}
}

// M3: lines stay within 78 bytes, whatever the names.
func TestSignatureFolds(t *testing.T) {
	label := strings.Repeat("a", 33)
	for n := range 40 {
		key := rfcRSA(t)
		named, err := newKey(label[:n%33+1]+".example.org", label[:n/2+1], key.private)
		if err != nil {
			t.Fatal(err)
		}
		whole := signed(t, newSigner(t, named), goldens(t)["07-tabs-and-runs"])
		verifyAll(t, whole, named)
		for line := range strings.SplitSeq(string(whole[:bytes.Index(whole, []byte("\r\nFrom:"))]), "\r\n") {
			if len(line) > maxLine {
				t.Errorf("a line of %d bytes: %s", len(line), line)
			}
		}
	}
}

func TestSignAppends(t *testing.T) {
	s := newSigner(t, rfcRSA(t))
	alone, err := s.Sign(nil, dinner, testTime)
	if err != nil {
		t.Fatal(err)
	}
	after, err := s.Sign([]byte("before"), dinner, testTime)
	if err != nil || string(after) != "before"+string(alone) {
		t.Errorf("Sign = %q, %v", after, err)
	}
	kept, err := s.Sign([]byte("before"), []byte("no message"), testTime)
	if err == nil || string(kept) != "before" {
		t.Errorf("Sign of no message = %q, %v, want dst as it was and an error", kept, err)
	}
}

func TestSharedPrefixSignsTheSame(t *testing.T) {
	s := newSigner(t, rfcRSA(t))
	msg := goldens(t)["13-newsletter"]
	_, body, _ := bytes.Cut(msg, []byte("\r\n\r\n"))
	want, err := s.Sign(nil, msg, testTime)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{0, 100, 1000, len(body)} {
		got, err := s.SignShared(nil, msg, NewBodyPrefix(body[:n]), testTime)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("with %d bytes shared: %s, %v, want %s", n, got, err, want)
		}
	}
	got, err := s.SignShared(nil, msg, NewBodyPrefix([]byte("another body\r\n")), testTime)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("with a prefix that isn't there: %s, %v, want %s", got, err, want)
	}
}

func TestSignConcurrently(t *testing.T) {
	s := newSigner(t, rfcRSA(t), rfcEd25519(t))
	messages := goldens(t)
	shared := NewBodyPrefix([]byte("Hi.\r\n"))
	var all sync.WaitGroup
	for name, msg := range messages {
		if refused(t, name) {
			continue
		}
		want, err := s.Sign(nil, msg, testTime)
		if err != nil {
			t.Fatal(err)
		}
		for range 4 {
			all.Go(func() {
				got, err := s.SignShared(nil, msg, shared, testTime)
				if err != nil || !bytes.Equal(got, want) {
					t.Errorf("%s: %s, %v, want %s", name, got, err, want)
				}
			})
		}
	}
	all.Wait()
}

// Whatever is in a message, it is refused or its signature is valid.
func FuzzSign(f *testing.F) {
	for _, msg := range goldens(f) {
		header, body, _ := bytes.Cut(msg, []byte("\r\n\r\n"))
		f.Add(header, body)
	}
	key := rfcEd25519(f)
	s := newSigner(f, key)
	f.Fuzz(func(t *testing.T, header, body []byte) {
		header = bytes.TrimRight(withCRLF(header), "\r\n")
		msg := slices.Concat(header, []byte("\r\n\r\n"), withCRLF(body))
		fields, err := s.Sign(nil, msg, testTime)
		if err != nil {
			return
		}
		verifyAll(t, append(fields, msg...), key)
	})
}
