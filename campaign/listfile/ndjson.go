package listfile

import (
	"bytes"
	"io"
	"slices"
)

// jsonSource reads objects, one a line (NDJSON) or in one array. Each key is a column;
// an object in an object gives columns named "outer.inner".
type jsonSource struct {
	w       window
	array   bool
	limits  Limits
	row     int64
	columns []string
	index   map[string]int
	object  objectParser
	cells   []Cell
}

func newJSONSource(r io.Reader, array bool, limits Limits) *jsonSource {
	return &jsonSource{w: newWindow(r), array: array, limits: limits, index: make(map[string]int)}
}

// jsonKind tells whether a text is JSON: "ndjson" when it begins with an object,
// "json" with an array of objects, else "".
func jsonKind(sample []byte) string {
	p := bytes.TrimLeft(sample, " \t\r\n")
	switch {
	case len(p) == 0:
		return ""
	case p[0] == '{':
		return "ndjson"
	case p[0] != '[':
		return ""
	}
	if p = bytes.TrimLeft(p[1:], " \t\r\n"); len(p) > 0 && (p[0] == '{' || p[0] == ']') {
		return "json"
	}
	return ""
}

func (s *jsonSource) names() []string { return s.columns }

func (s *jsonSource) next(rec *Record) error {
	raw, err := s.raw(rec)
	if err != nil {
		return err
	}
	rec.Cells = rec.Cells[:0]
	if bytes.IndexByte(raw, 0) >= 0 {
		return errNUL
	}
	if len(bytes.TrimSpace(raw)) == 0 {
		return nil
	}
	s.object.reset(raw)
	clear(s.cells)
	broken := s.object.parse(s.put)
	if len(s.columns) > s.limits.Columns {
		return flawf("more than %d different keys; remove those that the mails don't need", s.limits.Columns)
	}
	if broken != "" {
		rec.Broken = broken
		return nil
	}
	rec.Cells = s.cells
	for i := range s.cells {
		if len(s.cells[i].Text) > s.limits.Field {
			return flawf("the value of %q is longer than %s; shorten it", s.columns[i], size(int64(s.limits.Field)))
		}
	}
	return nil
}

func (s *jsonSource) put(key []byte, c Cell) {
	i, ok := s.index[string(key)]
	if !ok {
		i = len(s.columns)
		s.columns = append(s.columns, string(key))
		s.index[s.columns[i]] = i
		s.cells = append(s.cells, Cell{})
	}
	s.cells[i] = c
}

// raw returns the bytes of the next line, or of the array's next object.
func (s *jsonSource) raw(rec *Record) ([]byte, error) {
	if s.array {
		return s.element(rec)
	}
	s.row++
	rec.Row = s.row
	for {
		if line, n := s.w.line('\n'); n >= 0 {
			s.w.use(n)
			return line, nil
		}
		if s.w.eof {
			return nil, io.EOF
		}
		if len(s.w.bytes()) > s.limits.Row {
			return nil, flawf("longer than %s; write one object per line", size(int64(s.limits.Row)))
		}
		if err := s.w.more(); err != nil {
			return nil, err
		}
	}
}

// element returns the bytes of an array's next object. Rows of arrays are elements.
func (s *jsonSource) element(rec *Record) ([]byte, error) {
	s.row++
	rec.Row = s.row
	for {
		b := s.w.bytes()
		start := bytes.IndexFunc(b, func(r rune) bool { return !isBetweenElements(r) })
		if start >= 0 && b[start] != '{' {
			return nil, flaw("the array holds something else than objects; export it as NDJSON")
		}
		if start >= 0 {
			if n := objectLength(b[start:]); n > 0 {
				s.w.use(start + n)
				return b[start : start+n], nil
			}
		}
		if s.w.eof {
			if start < 0 && bytes.IndexByte(b, ']') >= 0 {
				return nil, io.EOF
			}
			return nil, flaw("the array has no end: the file is cut off; export it again")
		}
		if len(b) > s.limits.Row {
			return nil, flawf("longer than %s; shorten it", size(int64(s.limits.Row)))
		}
		if err := s.w.more(); err != nil {
			return nil, err
		}
	}
}

func isBetweenElements(r rune) bool { return slices.Contains([]rune(" \t\r\n,[]"), r) }

// objectLength is how long the object at b's beginning is, 0 when its end isn't there.
func objectLength(b []byte) int {
	depth, inString := 0, false
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '{':
			depth++
		case c == '}':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return 0
}
