package smtp

import (
	"bytes"
	"encoding/binary"
	"net"
)

// maxLine is the longest line of a message without its CRLF (RFC 5321 §4.5.3.1.6).
const maxLine = 998

// traits is what a message must be known for before it is sent.
type traits struct {
	size     int64
	eightBit bool
	flaw     string // why it must not be sent, "" if it may
}

// inspect reads a message once. Every CR must belong to a CRLF and so must every
// LF: a bare one lets a receiver see the end of the message where we don't (SMTP
// smuggling, CVE-2023-51764). The last line must be whole, so that a message is the
// same octets by BDAT and by DATA.
func inspect(msg net.Buffers) traits {
	var t traits
	var last byte // of the octets so far
	line := 0     // octets since the last LF
	crs, lfs := 0, 0
	for _, b := range msg {
		if len(b) == 0 {
			continue
		}
		t.size += int64(len(b))
		t.eightBit = t.eightBit || hasHighBit(b)
		crs += bytes.Count(b, crByte)
		for rest := b; ; {
			i := bytes.IndexByte(rest, '\n')
			if i < 0 {
				line += len(rest)
				break
			}
			before := last
			if i > 0 {
				before = rest[i-1]
			} else if len(rest) < len(b) {
				before = '\n'
			}
			if before != '\r' {
				t.flaw = "a bare LF in the message"
				return t
			}
			if line+i-1 > maxLine {
				t.flaw = "a line of more than 998 octets in the message"
				return t
			}
			lfs++
			line = 0
			rest = rest[i+1:]
		}
		last = b[len(b)-1]
	}
	switch {
	case crs != lfs: // each LF follows a CR of its own, so one CR is left over
		t.flaw = "a bare CR in the message"
	case t.size == 0 || line != 0:
		t.flaw = "the message does not end in CRLF"
	}
	return t
}

var crByte = []byte{'\r'}

// hasHighBit reports an octet above 127, 32 at a time.
func hasHighBit(b []byte) bool {
	const high = 0x8080808080808080
	for ; len(b) >= 32; b = b[32:] {
		word := binary.LittleEndian.Uint64
		if (word(b)|word(b[8:])|word(b[16:])|word(b[24:]))&high != 0 {
			return true
		}
	}
	for _, c := range b {
		if c >= 0x80 {
			return true
		}
	}
	return false
}
