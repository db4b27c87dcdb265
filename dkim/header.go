package dkim

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
)

// signedName is a header field that is signed.
type signedName struct {
	name string // as it stands in h=
	// oversign lists the field once more than it occurs, so that a signature fails
	// when someone adds one (RFC 6376 §5.4, §8.15). For fields that a reader's
	// program acts on; the others are legitimately added on the way by a list.
	oversign bool
}

// signedNames in the order of h=; the names are shorter than maxName.
var signedNames = [...]signedName{
	{"From", true},
	{"To", true},
	{"Cc", true},
	{"Subject", true},
	{"Date", true},
	{"Message-ID", true},
	{"Reply-To", true},
	{"MIME-Version", true},
	{"Content-Type", true},
	{"Content-Transfer-Encoding", true},
	{"List-Unsubscribe", true},
	{"List-Unsubscribe-Post", true},
	{"List-Id", true},
	{"Feedback-ID", true},
	{"Sender", false},
	{"In-Reply-To", false},
	{"References", false},
	{"List-Help", false},
	{"List-Subscribe", false},
	{"List-Post", false},
	{"List-Owner", false},
	{"List-Archive", false},
	{"Precedence", false},
	{"Auto-Submitted", false},
	{"CFBL-Address", false},
	{"CFBL-Feedback-ID", false},
	{"BIMI-Selector", false},
}

const (
	fromName = 0 // index in signedNames
	maxName  = 32
)

// nameIndex finds a lower-case name in signedNames.
var nameIndex = func() map[string]int {
	index := make(map[string]int, len(signedNames))
	for i, n := range signedNames {
		index[string(lower(make([]byte, 0, maxName), n.name))] = i
	}
	return index
}()

// field is a header field that is signed, as it stands in the message.
type field struct {
	name  int    // index in signedNames
	value []byte // after the colon, with its folds and its CRLF
}

var (
	errNoBlank = errors.New("the message has no empty line after its header: end the header with CRLF CRLF")
	errNoFrom  = errors.New("the message has no From field, without which a signature is worth nothing (RFC 6376 §5.4)")
)

// signedHeaders is what a signature takes from a message's header.
type signedHeaders struct {
	fields    []field // from the top of the message
	counts    [len(signedNames)]int
	canonical []byte // the fields in relaxed form, in the order of h=
}

// read takes the header of msg and returns the body, which is what follows the
// first empty line.
func (h *signedHeaders) read(msg []byte) (body []byte, err error) {
	h.fields, h.canonical, h.counts = h.fields[:0], h.canonical[:0], [len(signedNames)]int{}
	body, err = h.split(msg)
	if err != nil {
		return nil, err
	}
	if h.counts[fromName] == 0 {
		return nil, errNoFrom
	}
	for i, n := range signedNames {
		left := h.counts[i]
		// A name that is listed again means the next field further up (RFC 6376 §5.4.2).
		for j := len(h.fields) - 1; left > 0; j-- {
			if h.fields[j].name == i {
				h.canonical = appendRelaxed(h.canonical, n.name, h.fields[j].value)
				left--
			}
		}
	}
	return body, nil
}

// listed is how often the name i stands in h=.
func (h *signedHeaders) listed(i int) int {
	if signedNames[i].oversign {
		return h.counts[i] + 1
	}
	return h.counts[i]
}

// digest is what a key signs: the fields, then the signature itself with an empty
// b= and without its CRLF (RFC 6376 §3.7).
func (h *signedHeaders) digest(tags []byte) [sha256.Size]byte {
	fields := len(h.canonical)
	h.canonical = appendRelaxed(h.canonical, signatureName, tags)
	sum := sha256.Sum256(h.canonical[:len(h.canonical)-len(crlf)])
	h.canonical = h.canonical[:fields]
	return sum
}

func (h *signedHeaders) split(msg []byte) (body []byte, err error) {
	for rest := msg; ; {
		if bytes.HasPrefix(rest, crlf) {
			return rest[len(crlf):], nil
		}
		raw := rest[:fieldLen(rest)]
		if len(raw) == 0 {
			return nil, errNoBlank
		}
		rest = rest[len(raw):]
		colon := bytes.IndexByte(raw, ':')
		name := raw[:max(colon, 0)]
		if !isFieldName(name) {
			return nil, fmt.Errorf("the header line %.60q is no field: expected Name: value", raw)
		}
		var buf [maxName]byte
		if len(name) > maxName {
			continue
		}
		i, ok := nameIndex[string(lower(buf[:0], name))]
		if !ok {
			continue
		}
		h.counts[i]++
		h.fields = append(h.fields, field{name: i, value: raw[colon+1:]})
	}
}

// fieldLen is the length of the field that b begins with, its continuation lines
// included; 0 when its end is missing.
func fieldLen(b []byte) int {
	for end := 0; ; {
		n := bytes.IndexByte(b[end:], '\n')
		if n < 0 {
			return 0
		}
		end += n + 1
		if end == len(b) || !isBlank(b[end]) {
			return end
		}
	}
}

// isFieldName checks RFC 5322 §3.6.8: printable ASCII but the colon. The blanks that
// obsolete syntax allows before the colon are refused by some verifiers.
func isFieldName(name []byte) bool {
	for _, c := range name {
		if c <= ' ' || c > '~' {
			return false
		}
	}
	return len(name) > 0
}

// appendRelaxed appends a field in relaxed form (RFC 6376 §3.4.2) with its CRLF.
func appendRelaxed[T ~[]byte | ~string](dst []byte, name string, value T) []byte {
	dst = append(lower(dst, name), ':')
	blank := false
	start := len(dst)
	for i := range len(value) {
		c := value[i]
		if isBlank(c) || c == '\r' || c == '\n' {
			blank = true
			continue
		}
		if blank && len(dst) > start {
			dst = append(dst, ' ')
		}
		blank = false
		dst = append(dst, c)
	}
	return append(dst, crlf...)
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' }

// lower appends s in lower case; names are ASCII.
func lower[T ~[]byte | ~string](dst []byte, s T) []byte {
	for i := range len(s) {
		c := s[i]
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		dst = append(dst, c)
	}
	return dst
}
