package message

const (
	// qpLine leaves room for the "=" of a soft line break within the 76 characters
	// of RFC 2045 §6.7 rule 5.
	qpLine = 75

	softBreak = "=\r\n"
	upperHex  = "0123456789ABCDEF"
)

// appendQP appends text in quoted-printable, beginning at column col, and returns
// the column it ended at. LF, CR and CRLF become a CRLF each. A blank at the end of
// src is encoded only when last says that nothing follows on its line; otherwise
// the caller goes on with endQP, whose "=" protects it.
func appendQP(dst, src []byte, col int, last bool) ([]byte, int) {
	for i := 0; i < len(src); i++ {
		c := src[i]
		if c == '\n' || c == '\r' {
			if c == '\r' && i+1 < len(src) && src[i+1] == '\n' {
				i++
			}
			dst, col = append(dst, '\r', '\n'), 0
			continue
		}
		width := 3
		switch {
		case c == ' ' || c == '\t':
			if !endsLine(src, i+1, last) {
				width = 1
			}
		case c > ' ' && c < 0x7f && c != '=':
			width = 1
		}
		if col+width > qpLine {
			dst, col = append(dst, softBreak...), 0
		}
		if width == 1 {
			dst = append(dst, c)
		} else {
			dst = append(dst, '=', upperHex[c>>4], upperHex[c&15])
		}
		col += width
	}
	return dst, col
}

func endsLine(src []byte, i int, last bool) bool {
	if i == len(src) {
		return last
	}
	return src[i] == '\n' || src[i] == '\r'
}

// endQP brings the encoding back to column 0 without changing the text, so that
// what follows can have been encoded on its own.
func endQP(dst []byte, col int) []byte {
	if col > 0 {
		dst = append(dst, softBreak...)
	}
	return dst
}
