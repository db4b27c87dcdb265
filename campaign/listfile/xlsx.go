package listfile

import (
	"bytes"
	"errors"
	"io"
	"os"
	"strings"

	"github.com/xuri/excelize/v2"
)

// spreadsheetGrowth bounds what an XLSX file may unpack to, as a multiple of
// Limits.Spreadsheet; large worksheets go to temporary files of that size.
const spreadsheetGrowth = 8

// inMemory is how much of a worksheet or its strings is unpacked in memory.
const inMemory = 16 << 20

// openSpreadsheet reads an XLSX file, whose parts refer to each other, and so must be
// at hand whole in its packed form.
func (rd *Reader) openSpreadsheet(r io.Reader) error {
	rd.format.Kind = "xlsx"
	packed, err := io.ReadAll(io.LimitReader(r, rd.limits.Spreadsheet+1))
	if err != nil {
		return err
	}
	if int64(len(packed)) > rd.limits.Spreadsheet {
		return flawf("the spreadsheet is larger than %s; save it as CSV", size(rd.limits.Spreadsheet))
	}
	if err := rd.checkSpreadsheet(packed); err != nil {
		return err
	}
	// The library leaves its files behind when it fails.
	temp, err := os.MkdirTemp(rd.limits.TempDir, "broadside-xlsx-")
	if err != nil {
		return err
	}
	rd.closers = append(rd.closers, func() error { return os.RemoveAll(temp) })
	f, err := excelize.OpenReader(bytes.NewReader(packed), excelize.Options{
		UnzipSizeLimit:    rd.limits.Spreadsheet * spreadsheetGrowth,
		UnzipXMLSizeLimit: min(inMemory, rd.limits.Spreadsheet*spreadsheetGrowth),
		TmpDir:            temp,
		ShortDatePattern:  "yyyy-mm-dd",
	})
	if err != nil {
		return flawf("the spreadsheet can't be read (%s); save it again as .xlsx, or as CSV", firstLine(err))
	}
	rd.closers = append(rd.closers, f.Close)
	for _, sheet := range f.GetSheetList() {
		if visible, err := f.GetSheetVisible(sheet); err == nil && visible {
			rd.format.Sheet = sheet
			break
		}
	}
	rows, err := f.Rows(rd.format.Sheet)
	if err != nil {
		return flawf("the spreadsheet has no worksheet that can be read (%s); save it as CSV", firstLine(err))
	}
	rd.closers = append(rd.closers, rows.Close)
	rd.src = &spreadsheet{rows: rows, limits: rd.limits}
	return nil
}

func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}

// spreadsheet reads a worksheet row by row.
type spreadsheet struct {
	rows   *excelize.Rows
	limits Limits
	row    int64
	cells  []Cell
}

func (s *spreadsheet) next(rec *Record) error {
	s.row++
	rec.Row = s.row
	if !s.rows.Next() {
		if err := s.rows.Error(); err != nil {
			return flawf("the worksheet can't be read (%s); save it as CSV", firstLine(err))
		}
		return io.EOF
	}
	values, err := s.rows.Columns()
	if err != nil && !errors.Is(err, io.EOF) {
		return flawf("the worksheet can't be read (%s); save it as CSV", firstLine(err))
	}
	if len(values) > s.limits.Columns {
		return flawf("more than %d columns; remove those that the mails don't need", s.limits.Columns)
	}
	s.cells = s.cells[:0]
	for i, v := range values {
		if len(v) > s.limits.Field {
			return flawf("column %d is longer than %s; shorten it", i+1, size(int64(s.limits.Field)))
		}
		if strings.IndexByte(v, 0) >= 0 {
			return errNUL
		}
		s.cells = append(s.cells, Cell{Text: []byte(v)})
	}
	rec.Cells = s.cells
	return nil
}
