package smtp

import (
	"fmt"
	"unicode"
	"unicode/utf8"
)

// maxText caps what is kept of a server's text.
const maxText = 512

// escape makes a server's bytes safe to log and to show: valid UTF-8, printable
// and on one line, so that no reply forges a log entry or moves a cursor. The
// result is at most maxText bytes; an escape is never cut in two.
func escape(text []byte) string {
	if plain(text) {
		return string(text)
	}
	out := make([]byte, 0, min(len(text)+16, maxText))
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		var piece []byte
		switch {
		case r == utf8.RuneError && size <= 1:
			piece = fmt.Appendf(nil, `\x%02x`, text[0])
		case r == '\t':
			piece = []byte{' '}
		case unicode.IsPrint(r):
			piece = text[:size]
		case r < utf8.RuneSelf:
			piece = fmt.Appendf(nil, `\x%02x`, r)
		default:
			piece = fmt.Appendf(nil, `\u%04x`, r)
		}
		if len(out)+len(piece) > maxText {
			break
		}
		out = append(out, piece...)
		text = text[size:]
	}
	return string(out)
}

// plain reports that text needs no escaping and no cut.
func plain(text []byte) bool {
	if len(text) > maxText {
		return false
	}
	for _, c := range text {
		if c < ' ' || c > '~' {
			return false
		}
	}
	return true
}
