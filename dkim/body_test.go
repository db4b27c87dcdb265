package dkim

import (
	"bytes"
	"crypto/sha256"
	"regexp"
	"strings"
	"testing"
)

// bodyHash hashes a body as a Signer does.
func bodyHash(body []byte, shared *BodyPrefix) (sum [sha256.Size]byte) {
	h := bodyHasher{hash: sha256.New()}
	h.sum(body, shared, &sum)
	return sum
}

var (
	blankRuns  = regexp.MustCompile(`[ \t]+`)
	blankEnds  = regexp.MustCompile(` (\r\n|$)`)
	emptyLines = regexp.MustCompile(`(\r\n)*$`)
)

// plainRelaxed is RFC 6376 §3.4.4 sentence by sentence.
func plainRelaxed(body []byte) []byte {
	body = blankRuns.ReplaceAll(body, []byte(" "))
	body = blankEnds.ReplaceAll(body, []byte("$1"))
	body = emptyLines.ReplaceAll(body, nil)
	if len(body) > 0 {
		body = append(body, crlf...)
	}
	return body
}

var bodies = []string{
	"",
	"\r\n",
	"\r\n\r\n \t\r\n",
	" ",
	"a",
	"a\r\n",
	"a \r\n\r\n",
	"\r\n\r\na",
	"a\t b\r\n",
	"a b c  d\t\te",
	" a\r\n  b\r\n\tc\r\n \r\n\t\r\nd \t\r\n \t",
	strings.Repeat("0123456 ", 3) + " x",
	strings.Repeat("long line without any blank ", 60) + "\r\n",
	strings.Repeat("  <td>cell</td>\t\r\n", 200),
	"!!! !! ! \r\n !!\t!\r\n",
}

func TestBodyHash(t *testing.T) {
	for _, body := range bodies {
		if got, want := bodyHash([]byte(body), nil), sha256.Sum256(plainRelaxed([]byte(body))); got != want {
			t.Errorf("%.60q: hash %x, want that of %q", body, got, plainRelaxed([]byte(body)))
		}
	}
}

// A shared prefix changes what is computed, never the result.
func FuzzBodyHash(f *testing.F) {
	for _, body := range bodies {
		for cut := range min(len(body)+1, 40) {
			f.Add([]byte(body), cut)
		}
	}
	f.Fuzz(func(t *testing.T, body []byte, cut int) {
		body = withCRLF(body)
		want := sha256.Sum256(plainRelaxed(body))
		if got := bodyHash(body, nil); got != want {
			t.Fatalf("%q: another hash than that of %q", body, plainRelaxed(body))
		}
		prefix := NewBodyPrefix(body[:max(0, min(cut, len(body)))])
		if got := bodyHash(body, prefix); got != want {
			t.Fatalf("%q with the prefix %q: another hash", body, prefix.text)
		}
	})
}

// withCRLF makes every line end a CRLF.
func withCRLF(b []byte) []byte {
	b = bytes.ReplaceAll(b, []byte{'\r'}, nil)
	return bytes.ReplaceAll(b, []byte{'\n'}, crlf)
}

func TestBodyPrefix(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"", ""},
		{"Dear ", ""},
		{"\r\n\r\n", ""},
		{"one\r\ntwo", "one\r\n"},
		{"one \t\r\n\r\n \r\n", "one \t\r\n"},
		{"one\ntwo\r\n", ""},
		{"one\r\ntwo\r", "one\r\n"},
	} {
		if got := NewBodyPrefix([]byte(tt.text)); string(got.text) != tt.want {
			t.Errorf("NewBodyPrefix(%q) shares %q, want %q", tt.text, got.text, tt.want)
		}
	}
}

func TestBareNewline(t *testing.T) {
	for _, tt := range []struct {
		text string
		want int
	}{
		{"", -1},
		{"a\r\nb\r\n", -1},
		{"\n", 0},
		{"\r", 0},
		{"a\r\n\nb", 3},
		{"a\r\r\n", 1},
		{"a\r\nb\r", 4},
		{"a\r\nb\rc\r\n", 4},
	} {
		if got := bareNewline([]byte(tt.text)); got != tt.want {
			t.Errorf("bareNewline(%q) = %d, want %d", tt.text, got, tt.want)
		}
	}
}
