package listfile

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
)

// Format is what a file was found to be.
type Format struct {
	Kind      string `json:"kind"`                // "csv", "ndjson", "json" (an array) or "xlsx"
	Packed    string `json:"packed,omitempty"`    // "gzip", "zip" or ""
	Entry     string `json:"entry,omitempty"`     // the file's name inside a zip
	Charset   string `json:"charset,omitempty"`   // "UTF-8", "UTF-16LE", "UTF-16BE", "Windows-1252"
	Delimiter string `json:"delimiter,omitempty"` // csv only: one of , ; | and tab, or "" with one column
	Sheet     string `json:"sheet,omitempty"`     // xlsx only: the worksheet that is read
	Header    bool   `json:"header"`              // the first record names the columns
}

// Cell is one value of a record.
type Cell struct {
	Text []byte // UTF-8
	// Literal: Text is a JSON number, true or false (NDJSON only), not a string.
	Literal bool
}

// Record is one row of a file. It and its memory belong to the Reader, and are
// valid until the next call of Next.
type Record struct {
	// Row counts records from 1, the header and blank ones included, as a
	// spreadsheet shows them; for NDJSON it is the line.
	Row int64
	// Cells has at most one cell per column; missing ones are empty.
	Cells []Cell
	// Ragged is how many cells the row has beyond the columns (they are dropped),
	// or, negative, how many it lacks.
	Ragged int
	// Quotes: a quotation mark stood where none belongs, and was read as text.
	Quotes bool
	// Recoded: the record was not UTF-8 as the rest of the file, and was read as
	// Windows-1252.
	Recoded bool
	// Broken says why the record can't be read although the following ones can
	// (NDJSON only); Cells is empty then.
	Broken string
}

// source produces the records of one kind of file.
type source interface {
	// next fills rec, or returns io.EOF. A flaw is about the row in rec.Row.
	next(rec *Record) error
}

// columnar is a source that names its columns itself, and may learn more of them
// with every record.
type columnar interface{ names() []string }

// headRecords is how many records are read ahead to find the header and what the
// columns hold.
const headRecords = 50

// Reader reads one file. It is used by one goroutine.
type Reader struct {
	name    string
	size    int64
	format  Format
	limits  Limits
	src     source
	columns []string
	head    []Record // owned copies
	served  int      // of head
	rec     Record
	err     error // what ended the reading ahead, met again after head
	in      *counter
	closers []func() error
}

// Open finds out what the file is and reads its first records. The name appears in
// errors and breaks ties; r is read until Close. The error is an *Error unless
// reading r failed.
func Open(r io.ReaderAt, size int64, name string, limits Limits) (*Reader, error) {
	rd := &Reader{name: name, size: size, limits: limits.withDefaults()}
	if err := rd.open(r); err != nil {
		_ = rd.Close() // the reason it can't be opened is the error to tell
		return nil, rd.explain(err, 0)
	}
	return rd, nil
}

func (rd *Reader) open(r io.ReaderAt) error {
	rd.in = &counter{r: r}
	if err := rd.unpack(); err != nil {
		return err
	}
	for len(rd.head) < headRecords {
		rec, err := rd.read()
		if err != nil {
			rd.err = err
			break
		}
		rd.head = append(rd.head, rec.clone())
	}
	if len(rd.head) == 0 {
		if rd.err != io.EOF {
			return rd.err
		}
		return flaw("the file is empty; export the list again")
	}
	rd.nameColumns()
	return nil
}

// nameColumns takes the header from the head, when there is one.
func (rd *Reader) nameColumns() {
	if c, ok := rd.src.(columnar); ok {
		rd.columns = c.names()
		return
	}
	first := rd.head[0].Cells
	rd.format.Header = !slices.ContainsFunc(first, func(c Cell) bool { return looksLikeAddress(c.Text) })
	if rd.format.Header {
		rd.head = rd.head[1:]
		for _, c := range first {
			rd.columns = append(rd.columns, string(bytes.TrimSpace(c.Text)))
		}
		for n := len(rd.columns); n > 0 && rd.columns[n-1] == ""; n-- {
			rd.columns = rd.columns[:n-1]
		}
	}
	// What three rows of four have beyond the header is a column without a name.
	for len(rd.columns) < commonWidth(rd.head) {
		rd.columns = append(rd.columns, "")
	}
	for i, name := range rd.columns {
		if name == "" {
			rd.columns[i] = "column " + strconv.Itoa(i+1)
		}
	}
}

// commonWidth is how many cells three of four records have, empty ones at the end
// left out.
func commonWidth(head []Record) int {
	if len(head) == 0 {
		return 0
	}
	var widths []int
	for _, rec := range head {
		n := len(rec.Cells)
		for n > 0 && len(rec.Cells[n-1].Text) == 0 {
			n--
		}
		widths = append(widths, n)
	}
	slices.Sort(widths)
	return widths[len(widths)/4]
}

// looksLikeAddress reports whether a first row's cell is data rather than a name:
// "x@y.z" without blanks around the at sign.
func looksLikeAddress(text []byte) bool {
	at := bytes.LastIndexByte(text, '@')
	if at < 1 {
		return false
	}
	domain := text[at+1:]
	dot := bytes.IndexByte(domain, '.')
	return dot > 0 && dot < len(domain)-1 && text[at-1] != ' ' && domain[0] != ' '
}

// Format tells what the file was found to be.
func (rd *Reader) Format() Format { return rd.format }

// Columns names the columns in order: "column 3" where the file has no name. The
// slice may grow at its end while an NDJSON file is read.
func (rd *Reader) Columns() []string { return rd.columns }

// Head returns the first records (up to 50), which Next returns again. They stay
// valid and must not be changed.
func (rd *Reader) Head() []Record { return rd.head }

// Name is the file's name as given to Open.
func (rd *Reader) Name() string { return rd.name }

// Size is the size of the packed file in bytes.
func (rd *Reader) Size() int64 { return rd.size }

// Consumed is how many bytes of it are read. Spreadsheets are read whole by Open.
func (rd *Reader) Consumed() int64 { return min(rd.in.n, rd.size) }

// Next returns the next record that is not blank; io.EOF after the last. Other
// errors are final, and an *Error unless reading the file itself failed.
func (rd *Reader) Next() (*Record, error) {
	if rd.served < len(rd.head) {
		rd.rec = rd.head[rd.served]
		rd.served++
		return rd.fit(&rd.rec), nil
	}
	if rd.err != nil {
		return nil, rd.err
	}
	rec, err := rd.read()
	if err != nil {
		rd.err = err
		return nil, err
	}
	return rd.fit(rec), nil
}

// read returns the next record that is not blank.
func (rd *Reader) read() (*Record, error) {
	for {
		rd.rec.Ragged, rd.rec.Quotes, rd.rec.Recoded, rd.rec.Broken = 0, false, false, ""
		if err := rd.src.next(&rd.rec); err != nil {
			return &rd.rec, rd.explain(err, rd.rec.Row)
		}
		if !blank(&rd.rec) {
			return &rd.rec, nil
		}
	}
}

func blank(rec *Record) bool {
	if rec.Broken != "" {
		return false
	}
	for i := range rec.Cells {
		if len(bytes.TrimSpace(rec.Cells[i].Text)) > 0 {
			return false
		}
	}
	return true
}

// fit notes how the record differs from the columns, and cuts it to them.
func (rd *Reader) fit(rec *Record) *Record {
	if c, ok := rd.src.(columnar); ok {
		rd.columns = c.names()
		return rec
	}
	width := len(rd.columns)
	if n := len(rec.Cells); n == width {
		return rec
	} else if n < width {
		if rd.format.Kind != "xlsx" { // a spreadsheet leaves out empty cells
			rec.Ragged = n - width
		}
		return rec
	}
	for n := len(rec.Cells); n > width && len(rec.Cells[n-1].Text) == 0; n-- {
		rec.Cells = rec.Cells[:n-1]
	}
	rec.Ragged = len(rec.Cells) - width
	rec.Cells = rec.Cells[:width]
	return rec
}

func (rec *Record) clone() Record {
	c := *rec
	c.Cells = slices.Clone(rec.Cells)
	for i := range c.Cells {
		c.Cells[i].Text = bytes.Clone(c.Cells[i].Text)
	}
	return c
}

// explain turns a flaw into an *Error.
func (rd *Reader) explain(err error, row int64) error {
	var f flaw
	if errors.As(err, &f) {
		return &Error{File: rd.name, Row: row, Text: string(f)}
	}
	return err
}

// Close removes temporary files and ends decompression. It doesn't close the file.
func (rd *Reader) Close() error {
	var errs []error
	for _, c := range slices.Backward(rd.closers) {
		errs = append(errs, c())
	}
	rd.closers = nil
	return errors.Join(errs...)
}

// extension is the file name's, in lower case and without those of packing.
func extension(name string) string {
	name = strings.ToLower(name)
	for _, packed := range []string{".gz", ".gzip", ".zip"} {
		name = strings.TrimSuffix(name, packed)
	}
	return name[strings.LastIndexByte(name, '.')+1:]
}
