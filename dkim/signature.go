package dkim

import (
	"crypto/sha256"
	"encoding/base64"
	"strconv"
	"time"
)

const (
	signatureName = "DKIM-Signature"
	// maxLine is the length of a line without its CRLF (RFC 5322 §2.1.1).
	maxLine = 78
	// maxTime is room for the seconds of t= and x=.
	maxTime = 20
)

// signature is a DKIM-Signature field under construction.
type signature struct {
	buf  []byte
	line int // where the current line begins
}

// tags writes everything up to the empty b= tag (RFC 6376 §3.5), which comes last
// and on a line of its own.
func (s *signature) tags(key *Key, headers *signedHeaders, body *[sha256.Size]byte, signed, expires time.Time) {
	s.line = len(s.buf)
	s.buf = append(s.buf, signatureName+":"...)
	s.tag("v=", "1")
	s.tag("a=", key.Algorithm().String())
	s.tag("c=", "relaxed/relaxed")
	s.tag("d=", key.Domain)
	s.tag("s=", key.Selector)
	s.time("t=", signed)
	if !expires.IsZero() {
		s.time("x=", expires)
	}
	s.headers(headers)
	s.word(len("bh=;") + base64.StdEncoding.EncodedLen(len(body)))
	s.buf = append(s.buf, "bh="...)
	s.buf = base64.StdEncoding.AppendEncode(s.buf, body[:])
	s.buf = append(s.buf, ';')
	s.fold()
	s.buf = append(s.buf, "b="...)
}

func (s *signature) tag(name, value string) {
	s.word(len(name) + len(value) + len(";"))
	s.buf = append(append(append(s.buf, name...), value...), ';')
}

func (s *signature) time(name string, t time.Time) {
	s.word(len(name) + maxTime)
	s.buf = append(s.buf, name...)
	s.buf = strconv.AppendInt(s.buf, t.Unix(), 10)
	s.buf = append(s.buf, ';')
}

func (s *signature) headers(headers *signedHeaders) {
	s.word(len("h=") + maxName)
	s.buf = append(s.buf, "h="...)
	for i, n := range signedNames {
		for range headers.listed(i) {
			s.room(len(n.name) + len(":"))
			s.buf = append(append(s.buf, n.name...), ':')
		}
	}
	s.buf[len(s.buf)-1] = ';'
}

// value completes the field with what the key signed, cut where a line ends.
func (s *signature) value(sig []byte) {
	for {
		n := min(len(sig), (maxLine-(len(s.buf)-s.line))/4*3)
		s.buf = base64.StdEncoding.AppendEncode(s.buf, sig[:n])
		sig = sig[n:]
		if len(sig) == 0 {
			break
		}
		s.fold()
	}
	s.buf = append(s.buf, crlf...)
}

// word makes room for a tag of n bytes, after a space or on a new line.
func (s *signature) word(n int) {
	if len(s.buf)-s.line+1+n > maxLine {
		s.fold()
		return
	}
	s.buf = append(s.buf, ' ')
}

// room makes room for n bytes that go on without a space.
func (s *signature) room(n int) {
	if len(s.buf)-s.line+n > maxLine {
		s.fold()
	}
}

func (s *signature) fold() {
	s.buf = append(s.buf, "\r\n "...)
	s.line = len(s.buf) - 1
}
