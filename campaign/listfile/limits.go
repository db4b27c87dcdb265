package listfile

import "fmt"

// Limits bounds what a file may make its reader do. The zero value of a field
// means its default.
type Limits struct {
	Field   int   // bytes of one cell in UTF-8; default 1 MiB
	Row     int   // bytes of one record in UTF-8; default 4 MiB
	Columns int   // cells of one record, or different keys of an NDJSON file; default 1,000
	Total   int64 // bytes that a packed file may unpack to; default 16 GiB
	Ratio   int64 // unpacked bytes per packed byte, watched from 16 MiB on; default 250
	Entries int   // files in a zip archive; default 1,000
	// Spreadsheet is the size of an XLSX file, default 128 MiB. Its worksheets
	// unpack to at most 8 times as much, into temporary files when they are large.
	Spreadsheet int64
	// TempDir is where those temporary files go; "" is the system's place.
	TempDir string
}

// ratioFrom is how much a file may unpack to before its ratio says anything: a
// short list of one provider's addresses compresses very well.
const ratioFrom = 16 << 20

func (l Limits) withDefaults() Limits {
	setDefault(&l.Field, 1<<20)
	setDefault(&l.Row, 4<<20)
	setDefault(&l.Columns, 1000)
	setDefault(&l.Total, 16<<30)
	setDefault(&l.Ratio, 250)
	setDefault(&l.Entries, 1000)
	setDefault(&l.Spreadsheet, 128<<20)
	return l
}

func setDefault[T int | int64](v *T, d T) {
	if *v == 0 {
		*v = d
	}
}

// Error says why a file can't be read (further), in one line for the person who
// exported it.
type Error struct {
	File string
	Row  int64 // as Record.Row; 0 when the trouble is not in a row
	Text string
}

func (e *Error) Error() string {
	if e.Row == 0 {
		return e.File + ": " + e.Text
	}
	return fmt.Sprintf("%s: row %d: %s", e.File, e.Row, e.Text)
}

// flaw is an Error's text on its way to the Reader, which knows file and row.
type flaw string

func (f flaw) Error() string { return string(f) }

func flawf(format string, args ...any) error { return flaw(fmt.Sprintf(format, args...)) }

// size writes a number of bytes as people do.
func size(n int64) string {
	switch {
	case n >= 1<<30 && n%(1<<30) == 0:
		return fmt.Sprintf("%d GiB", n>>30)
	case n >= 1<<20 && n%(1<<20) == 0:
		return fmt.Sprintf("%d MiB", n>>20)
	case n >= 1<<10 && n%(1<<10) == 0:
		return fmt.Sprintf("%d KiB", n>>10)
	}
	return fmt.Sprintf("%d bytes", n)
}
