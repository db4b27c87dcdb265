package listfile

import (
	"bytes"
	"math"
)

// delimiters in the order that breaks ties.
var delimiters = []byte{',', ';', '\t', '|'}

// noDelimiter stands where a file has one column; it is refused as a character.
const noDelimiter = 0

// sniffDialect finds delimiter and line ending from the first bytes of a text. whole
// says that the sample is all of it.
func sniffDialect(sample []byte, whole bool, ext string, limits Limits) dialect {
	d := dialect{delimiter: noDelimiter, lineEnd: '\n'}
	if bytes.IndexByte(sample, '\n') < 0 && bytes.IndexByte(sample, '\r') >= 0 {
		d.lineEnd = '\r'
	}
	// Excel's way of naming the delimiter.
	if len(sample) > 5 && bytes.EqualFold(sample[:4], []byte("sep=")) && (sample[5] == '\r' || sample[5] == '\n') {
		d.delimiter, d.skip = sample[4], 1
		return d
	}
	if len(bytes.Trim(sample, ",;\t| \r\n")) == 0 {
		d.delimiter = ',' // a table of nothing
	}
	best := 0.0
	for _, c := range delimiters {
		try := d
		try.delimiter = c
		s := score(sample, whole, try, limits)
		if c == '\t' && (ext == "tsv" || ext == "tab") {
			s *= 1.5
		}
		if s > best {
			best, d.delimiter = s, c
		}
	}
	return d
}

// score says how well a dialect cuts the sample: most for many columns in the same
// number on every row, the first row above all.
func score(sample []byte, whole bool, d dialect, limits Limits) float64 {
	src := newDelimited(bytes.NewReader(sample), d, limits)
	widths := make(map[int]int)
	rows, first := 0, 0
	var rec Record
	for rows < 100 && src.next(&rec) == nil {
		if src.w.eof && len(src.w.bytes()) == 0 && rows > 0 && !whole {
			break // cut off by the sample's end
		}
		if blank(&rec) {
			continue
		}
		if rows == 0 {
			first = len(rec.Cells)
		}
		rows++
		widths[len(rec.Cells)]++
	}
	width, n := 1, 0
	for w, k := range widths {
		if w > 1 && (k > n || k == n && w > width) {
			width, n = w, k
		}
	}
	if n == 0 || first == 1 && widths[1]*2 > rows {
		return 0 // one column, with a delimiter in some of its cells
	}
	share := float64(n) / float64(rows)
	s := share * share * math.Log2(float64(width))
	if first != width {
		s /= 2
	}
	return s
}
