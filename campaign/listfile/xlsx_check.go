package listfile

import (
	"archive/zip"
	"bytes"
	"encoding/xml"
	"io"
	"strings"

	"golang.org/x/net/html/charset"
)

// checkSpreadsheet looks at the sizes that the archive declares (and that unpacking
// holds it to) before anything is unpacked (X11).
func (rd *Reader) checkSpreadsheet(packed []byte) error {
	archive, err := zip.NewReader(bytes.NewReader(packed), int64(len(packed)))
	if err != nil {
		return damaged(err)
	}
	if len(archive.File) > rd.limits.Entries {
		return flawf("the spreadsheet holds more than %d parts; save it as CSV", rd.limits.Entries)
	}
	total := int64(0)
	most := rd.limits.Spreadsheet * spreadsheetGrowth
	for _, f := range archive.File {
		if f.UncompressedSize64 > uint64(most-total) {
			return flawf("the spreadsheet unpacks to more than %s; save it as CSV", size(most))
		}
		total += int64(f.UncompressedSize64)
	}
	if total > ratioFrom && total/int64(len(packed)) > rd.limits.Ratio {
		return flawf("the spreadsheet unpacks to more than %d times its size; no list does (a zip bomb?)", rd.limits.Ratio)
	}
	for _, f := range archive.File {
		if name := strings.ToLower(f.Name); strings.HasSuffix(name, ".xml") &&
			(strings.HasPrefix(name, "xl/worksheets/") || name == "xl/sharedstrings.xml") {
			if err := wellFormed(f); err != nil {
				return err
			}
		}
	}
	return nil
}

// wellFormed reads a part to its end. The library takes a syntax error for the end of
// the sheet, and a list would lose its second half in silence.
func wellFormed(part *zip.File) error {
	r, err := part.Open()
	if err != nil {
		return damaged(err)
	}
	d := xml.NewDecoder(r)
	d.CharsetReader = charset.NewReaderLabel
	rows := 0
	for {
		token, err := d.Token()
		if err == io.EOF {
			return r.Close()
		}
		if err != nil {
			_ = r.Close() // the damage is the error to tell
			return flawf("%s is damaged after %d rows (%s); save the file again as .xlsx, or as CSV", part.Name, rows, firstLine(err))
		}
		if start, ok := token.(xml.StartElement); ok && start.Name.Local == "row" {
			rows++
		}
	}
}
