package listfile

import (
	"bytes"
	"io"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
)

// detectCharset names the charset of a text by its first bytes, and how many of
// them are a byte order mark. Text that is neither UTF-16 nor mostly UTF-8 is
// Windows-1252, the charset of western spreadsheets.
func detectCharset(sample []byte) (charset string, bom int) {
	switch {
	case bytes.HasPrefix(sample, []byte("\xef\xbb\xbf")):
		return "UTF-8", 3
	case bytes.HasPrefix(sample, []byte("\xff\xfe")):
		return "UTF-16LE", 2
	case bytes.HasPrefix(sample, []byte("\xfe\xff")):
		return "UTF-16BE", 2
	}
	if cs := utf16WithoutMark(sample); cs != "" {
		return cs, 0
	}
	valid, invalid := 0, 0
	for p := sample; len(p) > 0; {
		r, n := utf8.DecodeRune(p)
		if r == utf8.RuneError && n == 1 {
			if !utf8.FullRune(p) {
				break // cut off by the sample's end
			}
			invalid++
		} else if n > 1 {
			valid++
		}
		p = p[n:]
	}
	if invalid > valid {
		return "Windows-1252", 0
	}
	return "UTF-8", 0
}

// utf16WithoutMark recognises western text by its zero bytes: every second one.
func utf16WithoutMark(sample []byte) string {
	var zeros [2]int
	for i, b := range sample {
		if b == 0 {
			zeros[i&1]++
		}
	}
	pairs := len(sample) / 2
	switch {
	case pairs < 4:
		return ""
	case zeros[1] > pairs/2 && zeros[0] < pairs/20+1:
		return "UTF-16LE"
	case zeros[0] > pairs/2 && zeros[1] < pairs/20+1:
		return "UTF-16BE"
	}
	return ""
}

// decoder returns r as UTF-8; r itself when it is.
func decoder(charset string, r io.Reader) io.Reader {
	switch charset {
	case "UTF-16LE":
		return unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM).NewDecoder().Reader(r)
	case "UTF-16BE":
		return unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM).NewDecoder().Reader(r)
	case "Windows-1252":
		return charmap.Windows1252.NewDecoder().Reader(r)
	}
	return r
}

// recode reads the cells of a record as Windows-1252: files glued together from two
// sources are UTF-8 in most of their lines only.
func recode(rec *Record) {
	for i := range rec.Cells {
		c := &rec.Cells[i]
		if utf8.Valid(c.Text) {
			continue
		}
		var out []byte
		for _, b := range c.Text {
			out = utf8.AppendRune(out, charmap.Windows1252.DecodeByte(b))
		}
		c.Text = out
	}
	rec.Recoded = true
}
