package listfile

import (
	"bytes"
	"io"
	"unicode/utf8"
)

// dialect is how a text file is cut into cells.
type dialect struct {
	delimiter byte // or noDelimiter
	lineEnd   byte // '\n' (with or without '\r' before it), or '\r'
	skip      int  // lines before the first record ("sep=;")
}

// delimited reads CSV (RFC 4180) and what calls itself so: other delimiters, any
// end of line, quotation marks where none belong.
type delimited struct {
	w       window
	d       dialect
	limits  Limits
	row     int64
	cells   []Cell
	scratch []byte // cells that had doubled quotation marks
}

const errNUL = flaw("a NUL byte: the file is damaged or not a text file; export it again in UTF-8")

func newDelimited(r io.Reader, d dialect, limits Limits) *delimited {
	return &delimited{w: newWindow(r), d: d, limits: limits}
}

func (s *delimited) next(rec *Record) error {
	s.row++
	rec.Row = s.row
	raw, err := s.record(rec)
	if err != nil {
		return err
	}
	if s.row <= int64(s.d.skip) {
		return s.next(rec)
	}
	rec.Cells = s.cells
	if bytes.IndexByte(raw, 0) >= 0 {
		return errNUL
	}
	if len(s.cells) > s.limits.Columns {
		return flawf("more than %d columns; remove those that the mails don't need", s.limits.Columns)
	}
	if len(raw) > s.limits.Field {
		for i, c := range s.cells {
			if len(c.Text) > s.limits.Field {
				return s.tooLong(i)
			}
		}
	}
	if !utf8.Valid(raw) {
		recode(rec)
	}
	return nil
}

func (s *delimited) tooLong(column int) error {
	return flawf("column %d is longer than %s (a quotation mark that is never closed?); shorten it", column+1, size(int64(s.limits.Field)))
}

// record cuts the next record into cells and returns its bytes.
func (s *delimited) record(rec *Record) ([]byte, error) {
	for {
		if line, n := s.w.line(s.d.lineEnd); n >= 0 {
			if bytes.IndexByte(line, '"') < 0 {
				s.split(line)
				s.w.use(n)
				return line, nil
			}
			if raw, n := s.quoted(rec); n >= 0 {
				s.w.use(n)
				return raw, nil
			}
		}
		if s.w.eof && len(s.w.bytes()) == 0 {
			return nil, io.EOF
		}
		if held := s.w.bytes(); len(held) > s.limits.Field {
			if err := s.endless(held, rec); err != nil {
				return nil, err
			}
		}
		if err := s.w.more(); err != nil {
			return nil, err
		}
	}
}

// endless refuses a record that has no end yet, when it or the cell that it breaks
// off in is over its limit already.
func (s *delimited) endless(held []byte, rec *Record) error {
	if bytes.IndexByte(held, 0) >= 0 {
		return errNUL
	}
	if bytes.IndexByte(held, '"') < 0 {
		s.split(held)
	} else {
		s.quoted(rec)
	}
	if last := len(s.cells) - 1; len(s.cells[last].Text) > s.limits.Field {
		return s.tooLong(last)
	}
	if len(held) > s.limits.Row {
		return flawf("longer than %s; shorten it", size(int64(s.limits.Row)))
	}
	return nil
}

func (s *delimited) split(line []byte) {
	s.cells = s.cells[:0]
	for {
		i := bytes.IndexByte(line, s.d.delimiter)
		if i < 0 {
			s.cells = append(s.cells, Cell{Text: line})
			return
		}
		s.cells = append(s.cells, Cell{Text: line[:i]})
		line = line[i+1:]
	}
}

// quoted cuts a record with quotation marks. The length is -1 when more must be
// read; then the last cell is the one that has no end yet.
func (s *delimited) quoted(rec *Record) (raw []byte, length int) {
	b := s.w.bytes()
	s.cells, s.scratch, rec.Quotes = s.cells[:0], s.scratch[:0], false
	for at := 0; ; at++ {
		text, end, lone := s.cell(b, at)
		rec.Quotes = rec.Quotes || lone
		s.cells = append(s.cells, Cell{Text: text})
		if end < 0 {
			return nil, -1
		}
		at = end
		if at < len(b) && b[at] == s.d.delimiter {
			continue
		}
		raw = b[:at]
		if at < len(b) && b[at] == '\r' && s.d.lineEnd == '\n' {
			at++
		}
		return raw, min(at+1, len(b))
	}
}

// cell reads the cell that starts at b[at]. The end is where its delimiter or end of
// line is, or -1 when that has not been read yet.
func (s *delimited) cell(b []byte, at int) (text []byte, end int, lone bool) {
	open := at
	for open < len(b) && b[open] == ' ' && s.d.delimiter != ' ' {
		open++
	}
	if open == len(b) || b[open] != '"' {
		return s.bare(b, at)
	}
	text, end, lone = s.between(b, open)
	if end < 0 && !s.w.eof {
		return text, -1, lone
	}
	// A mark that is never closed, or one that swallowed lines until a mark that
	// doesn't close it either, was no opening mark.
	if end < 0 || lone && bytes.IndexByte(text, s.d.lineEnd) >= 0 {
		text, end, _ = s.bare(b, at)
		return text, end, true
	}
	return text, end, lone
}

// bare reads a cell without marks around it; marks inside are text.
func (s *delimited) bare(b []byte, at int) (text []byte, end int, lone bool) {
	for i := at; i < len(b); i++ {
		switch b[i] {
		case s.d.delimiter:
			return b[at:i], i, lone
		case s.d.lineEnd:
			if s.d.lineEnd == '\n' && i > at && b[i-1] == '\r' {
				i--
			}
			return b[at:i], i, lone
		case '"':
			lone = true
		}
	}
	if s.w.eof {
		return bytes.TrimSuffix(b[at:], []byte("\r")), len(b), lone
	}
	return b[at:], -1, lone
}

// between reads a cell in quotation marks, the first of which is at b[open].
func (s *delimited) between(b []byte, open int) (text []byte, end int, lone bool) {
	from := open + 1
	mark := len(s.scratch)
	for i := from; ; {
		j := bytes.IndexByte(b[i:], '"')
		if j < 0 {
			return b[open+1:], -1, lone
		}
		i += j
		if i+1 < len(b) && b[i+1] == '"' {
			s.scratch = append(s.scratch, b[from:i+1]...)
			i += 2
			from = i
			continue
		}
		end, known := s.closes(b, i+1)
		if !known {
			return b[open+1:], -1, lone
		}
		if end < 0 {
			lone = true
			i++
			continue
		}
		if len(s.scratch) == mark {
			return b[open+1 : i], end, lone
		}
		s.scratch = append(s.scratch, b[from:i]...)
		return s.scratch[mark:], end, lone
	}
}

// closes reports where the cell ends whose closing mark may be just before b[at]: at
// a delimiter or end of line, after blanks; -1 when the mark closes nothing. It is
// not known when b ends before that can be told.
func (s *delimited) closes(b []byte, at int) (end int, known bool) {
	for at < len(b) && b[at] == ' ' && s.d.delimiter != ' ' {
		at++
	}
	switch {
	case at == len(b):
		return at, s.w.eof
	case b[at] == s.d.delimiter, b[at] == s.d.lineEnd:
		return at, true
	case b[at] != '\r':
		return -1, true
	case at+1 == len(b):
		return at, s.w.eof
	case b[at+1] == s.d.lineEnd:
		return at, true
	}
	return -1, true
}
