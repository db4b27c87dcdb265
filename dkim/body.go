package dkim

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"math/bits"
)

var (
	crlf  = []byte("\r\n")
	space = []byte{' '}
)

// bodyHasher hashes a body in relaxed form (RFC 6376 §3.4.4). Most bytes of a body
// are in that form already: runs of them are hashed where they stand, and only what
// lies between is copied together.
type bodyHasher struct {
	hash hash.Hash // SHA-256
	buf  [512]byte // canonical bytes that are not hashed yet
	used int
}

// sum hashes a body; what shared covers was hashed before.
func (h *bodyHasher) sum(body []byte, shared *BodyPrefix, sum *[sha256.Size]byte) {
	h.hash.Reset()
	if shared != nil && bytes.HasPrefix(body, shared.text) {
		own := h.hash
		defer func() { h.hash = own }()
		h.hash = shared.resume()
		body = body[len(shared.text):]
	}
	// Empty lines at the end don't count, and a body of nothing else is empty. What
	// remains ends in a byte that stays, so that a line can be closed without knowing
	// what follows.
	body = bytes.TrimRight(body, " \t\r\n")
	if len(body) > 0 {
		h.lines(body)
		h.write(crlf)
	}
	h.flush()
	h.hash.Sum(sum[:0])
}

// lines hashes text in relaxed form. Blanks at its very end become one space.
func (h *bodyHasher) lines(text []byte) {
	run := 0 // start of the bytes that stay as they are
	for i := nextBlank(text, 0); i < len(text); i = nextBlank(text, i) {
		if !isBlank(text[i]) {
			i++
			continue
		}
		end := i + 1
		for end < len(text) && isBlank(text[end]) {
			end++
		}
		h.write(text[run:i])
		if end == len(text) || text[end] != '\r' {
			h.write(space)
		}
		run, i = end, end
	}
	h.write(text[run:])
}

func (h *bodyHasher) write(b []byte) {
	if h.used+len(b) <= len(h.buf) {
		h.used += copy(h.buf[h.used:], b)
		return
	}
	h.flush()
	if len(b) > len(h.buf)/2 {
		h.hash.Write(b) // never fails, see hash.Hash
		return
	}
	h.used = copy(h.buf[:], b)
}

func (h *bodyHasher) flush() {
	h.hash.Write(h.buf[:h.used])
	h.used = 0
}

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// nextBlank returns the first position from i on where relaxed form may differ: a
// tab, or a space before another blank or a line end; len(b) if there is none. It
// looks at eight bytes at a time and may report a byte too many, never one too few.
func nextBlank(b []byte, i int) int {
	for ; i+9 <= len(b); i += 8 {
		here := binary.LittleEndian.Uint64(b[i:])
		next := binary.LittleEndian.Uint64(b[i+1:])
		spaces := zeroBytes(here ^ ' '*ones)
		// Bytes up to the space: borrows only ever add to these, which is harmless.
		low := (next - (' '+1)*ones) & ^next & highs
		if found := zeroBytes(here^'\t'*ones) | spaces&low; found != 0 {
			return i + bits.TrailingZeros64(found)/8
		}
	}
	for ; i < len(b); i++ {
		if isBlank(b[i]) {
			return i
		}
	}
	return len(b)
}

// zeroBytes sets the high bit of every byte of x that is zero, and perhaps that of
// a byte above one.
func zeroBytes(x uint64) uint64 { return (x - ones) & ^x & highs }

// bareNewline returns where a CR or a LF stands alone, -1 if nowhere. SMTP servers
// disagree about what such bytes mean, so a signature over them may not survive.
func bareNewline(b []byte) int {
	lines := 0
	for i := 0; ; lines++ {
		n := bytes.IndexByte(b[i:], '\n')
		if n < 0 {
			break
		}
		i += n
		if i == 0 || b[i-1] != '\r' {
			return i
		}
		i++
	}
	if bytes.Count(b, crlf[:1]) == lines {
		return -1
	}
	for i, c := range b {
		if c == '\r' && (i+1 == len(b) || b[i+1] != '\n') {
			return i
		}
	}
	return -1
}

// BodyPrefix is the beginning of a body that many messages share, hashed once. It
// doesn't change after it was made and may be shared.
type BodyPrefix struct {
	text []byte
	hash hash.Cloner // SHA-256 of text in relaxed form
}

// NewBodyPrefix hashes what messages have in common, their whole body perhaps. The
// text is cut at its last line that isn't empty and is copied.
func NewBodyPrefix(text []byte) *BodyPrefix {
	text = bytes.Clone(text[:prefixLen(text)])
	h := bodyHasher{hash: sha256.New()}
	h.lines(text)
	h.flush()
	return &BodyPrefix{text: text, hash: h.hash.(hash.Cloner)}
}

// prefixLen is where the last line ends that isn't empty: behind it the hash needs
// to remember nothing. 0 if a message that begins like this is never signed.
func prefixLen(text []byte) int {
	text = text[:bytes.LastIndexByte(text, '\n')+1]
	last := len(bytes.TrimRight(text, " \t\r\n"))
	if last == 0 || bareNewline(text) >= 0 {
		return 0
	}
	return last + bytes.Index(text[last:], crlf) + len(crlf)
}

// resume is a hash that has seen the prefix.
func (p *BodyPrefix) resume() hash.Hash {
	clone, err := p.hash.Clone()
	if err != nil {
		panic("SHA-256 can always be cloned: " + err.Error())
	}
	return clone
}
