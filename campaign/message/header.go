package message

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"unicode/utf8"
)

const (
	foldAt = 78 // RFC 5322 §2.1.1: what a line should not exceed
	// RFC 2047 §2: an encoded-word has at most 75 characters, a line with one 76.
	wordMax     = 75
	wordLine    = 76
	wordWrap    = len("=?UTF-8?Q?") + len("?=")
	longestAtom = 70 // a longer unbroken run is encoded, because only that can be folded
)

// appendUnstructured appends a header field whose value is free text: folded at
// blanks when it is plain ASCII, as encoded-words otherwise. The value must have
// passed headerProblem.
func appendUnstructured(dst []byte, field string, v []byte) []byte {
	dst = append(dst, field...)
	dst = append(dst, ':', ' ')
	col := len(field) + 2
	if isPlain(v) {
		dst = appendFolded(dst, v, col)
	} else {
		dst, _ = appendWords(dst, v, col, false)
	}
	return append(dst, '\r', '\n')
}

// isPlain reports whether a value can stand in a header as it is and be folded at
// its blanks without changing.
func isPlain(v []byte) bool {
	run := 0
	for i, c := range v {
		switch {
		case c < ' ' || c > '~':
			return false
		case c == ' ':
			if i == 0 || i == len(v)-1 || v[i+1] == ' ' {
				return false
			}
			run = 0
		case c == '=' && i+1 < len(v) && v[i+1] == '?':
			return false // would be read as an encoded-word
		default:
			if run++; run > longestAtom {
				return false
			}
		}
	}
	return true
}

func appendFolded(dst, v []byte, col int) []byte {
	for first := true; ; first = false {
		word, rest, more := bytes.Cut(v, []byte{' '})
		if !first {
			if col+1+len(word) > foldAt {
				dst, col = append(dst, '\r', '\n'), 0
			}
			dst = append(dst, ' ')
			col++
		}
		dst = append(dst, word...)
		col += len(word)
		if !more {
			return dst
		}
		v = rest
	}
}

// appendWords appends v as encoded-words (RFC 2047), each holding whole characters,
// in the shorter of the Q and B encodings. In a phrase (§5 rule 3) Q leaves fewer
// characters as they are. It returns the column after the last word.
func appendWords(dst, v []byte, col int, phrase bool) ([]byte, int) {
	q := 0
	for _, c := range v {
		q += qWidth(c, phrase)
	}
	b64 := (len(v)+2)/3*4 < q
	for len(v) > 0 {
		room := min(wordMax, wordLine-col) - wordWrap
		n := wordLen(v, room, b64, phrase)
		if n == 0 {
			// Only when col leaves no room: a fresh line always has it.
			dst, col = append(dst, '\r', '\n', ' '), 1
			continue
		}
		start := len(dst)
		dst = appendWord(dst, v[:n], b64, phrase)
		col += len(dst) - start
		v = v[n:]
	}
	return dst, col
}

// wordLen is how many bytes of v, in whole characters, fit into room characters.
func wordLen(v []byte, room int, b64, phrase bool) int {
	n, width := 0, 0
	for n < len(v) {
		_, size := utf8.DecodeRune(v[n:])
		if b64 {
			width = (n + size + 2) / 3 * 4
		} else {
			for _, c := range v[n : n+size] {
				width += qWidth(c, phrase)
			}
		}
		if width > room {
			break
		}
		n += size
	}
	return n
}

func appendWord(dst, v []byte, b64, phrase bool) []byte {
	if b64 {
		dst = append(dst, "=?UTF-8?B?"...)
		dst = base64.StdEncoding.AppendEncode(dst, v)
		return append(dst, '?', '=')
	}
	dst = append(dst, "=?UTF-8?Q?"...)
	for _, c := range v {
		switch {
		case c == ' ':
			dst = append(dst, '_')
		case qWidth(c, phrase) == 1:
			dst = append(dst, c)
		default:
			dst = append(dst, '=', upperHex[c>>4], upperHex[c&15])
		}
	}
	return append(dst, '?', '=')
}

func qWidth(c byte, phrase bool) int {
	switch {
	case c >= '0' && c <= '9', c >= 'A' && c <= 'Z', c >= 'a' && c <= 'z', c == ' ':
		return 1
	case phrase || c <= ' ' || c > '~' || c == '=' || c == '?' || c == '_':
		return 3
	}
	return 1
}

// appendPhrase appends a display name: as atoms, as a quoted string, or encoded.
func appendPhrase(dst, name []byte, col int) ([]byte, int) {
	if !isPlain(name) {
		return appendWords(dst, name, col, true)
	}
	if isAtoms(name) {
		return append(dst, name...), col + len(name)
	}
	start := len(dst)
	dst = append(dst, '"')
	for _, c := range name {
		if c == '"' || c == '\\' {
			dst = append(dst, '\\')
		}
		dst = append(dst, c)
	}
	dst = append(dst, '"')
	if col+len(dst)-start > wordLine {
		return appendWords(dst[:start], name, col, true)
	}
	return dst, col + len(dst) - start
}

func isAtoms(v []byte) bool {
	for _, c := range v {
		if c != ' ' && !isAtext(c) {
			return false
		}
	}
	return len(v) > 0 && len(v) < 60
}

// appendMailbox appends a header field with one mailbox.
func appendMailbox(dst []byte, field string, m mailbox) []byte {
	dst = append(dst, field...)
	dst = append(dst, ':', ' ')
	if m.name == "" {
		dst = append(dst, m.addr()...)
		return append(dst, '\r', '\n')
	}
	return appendNamed(dst, m.name, m.addr(), len(field)+2)
}

// appendNamed ends a header line with `Name <spec>`.
func appendNamed(dst []byte, name, spec string, col int) []byte {
	dst, col = appendPhrase(dst, []byte(name), col)
	if col+len(" <>")+len(spec) > wordLine {
		dst = append(dst, '\r', '\n')
	}
	dst = append(dst, ' ', '<')
	dst = append(dst, spec...)
	return append(dst, '>', '\r', '\n')
}

// headerProblem says why a value must not be put into a header: a control
// character or a line separator would let it add lines of its own (M14).
func headerProblem(v []byte) string {
	for i := 0; i < len(v); {
		if c := v[i]; c < utf8.RuneSelf {
			if c < ' ' || c == 0x7f {
				return fmt.Sprintf("has the control character U+%04X, which a header must not have", c)
			}
			i++
			continue
		}
		r, size := utf8.DecodeRune(v[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			return "is not valid UTF-8"
		case r < 0xa0 || r == 0x2028 || r == 0x2029:
			return fmt.Sprintf("has the line or control character U+%04X, which a header must not have", r)
		}
		i += size
	}
	return ""
}
