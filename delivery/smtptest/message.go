package smtptest

import (
	"bytes"
	"encoding/binary"
)

// findings is what a look at a received message says about it.
type findings struct {
	messageID  []byte // with its brackets, a slice of the message; nil when there is not exactly one
	bareCR     bool
	bareLF     bool
	longLine   []byte // the start of a line over 998 octets
	eightBit   bool
	unfinished bool // does not end with CRLF
}

var messageIDField = []byte("message-id:")

// inspect goes through a message once, by line.
func inspect(msg []byte) findings {
	var f findings
	lines, header, ids := 0, true, 0
	for rest := msg; len(rest) > 0; {
		n := bytes.IndexByte(rest, '\n')
		if n < 0 {
			f.unfinished = true
			n = len(rest)
			if n > 998 {
				f.longLine = rest[:80]
			}
			break
		}
		line := rest[:n]
		rest = rest[n+1:]
		if n == 0 || line[n-1] != '\r' {
			f.bareLF = true
		} else {
			lines++
			line = line[:n-1]
		}
		if len(line) > 998 {
			f.longLine = line[:80]
		}
		if !header {
			continue
		}
		if len(line) == 0 {
			header = false
			continue
		}
		if value, ok := fieldValue(line, messageIDField); ok {
			ids++
			f.messageID = value
			if next, folded := foldedValue(value, rest); folded {
				f.messageID = next
			}
		}
	}
	if ids != 1 {
		f.messageID = nil
	}
	f.bareCR = bytes.Count(msg, []byte{'\r'}) != lines
	f.eightBit = hasEightBit(msg)
	return f
}

// fieldValue returns what follows a lower-case field name and colon.
func fieldValue(line, name []byte) ([]byte, bool) {
	if len(line) < len(name) || line[0]|0x20 != name[0] || !bytes.EqualFold(line[:len(name)], name) {
		return nil, false
	}
	return bytes.TrimSpace(line[len(name):]), true
}

// foldedValue finds the value on a continuation line when the field's own is empty.
func foldedValue(value, rest []byte) ([]byte, bool) {
	if len(value) > 0 || len(rest) == 0 || rest[0] != ' ' && rest[0] != '\t' {
		return nil, false
	}
	line, _, _ := bytes.Cut(rest, []byte{'\n'})
	return bytes.TrimSpace(line), true
}

func hasEightBit(b []byte) bool {
	for len(b) >= 8 {
		if binary.LittleEndian.Uint64(b)&0x8080808080808080 != 0 {
			return true
		}
		b = b[8:]
	}
	return !isASCII(b)
}
