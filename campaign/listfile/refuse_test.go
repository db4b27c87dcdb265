package listfile

import (
	"archive/zip"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
)

// X10, X11: each flaw that ends the reading, with its words.
func TestRefused(t *testing.T) {
	const table = "email,name\na@x.de,Bo\n"
	kilobyte := "a@example.org," + strings.Repeat("x", 1009) + "\n"
	packed := gzipped(t, strings.Repeat(table, 1000))
	tests := []struct {
		name, file, content string
		limits              Limits
		want                string
	}{
		{"empty", "l.csv", "", Limits{}, "l.csv: the file is empty; export the list again"},
		{"blank", "l.csv", "\n \n,,\n", Limits{}, "l.csv: the file is empty; export the list again"},
		{"mark alone", "l.csv", "\ufeff", Limits{}, "l.csv: the file is empty; export the list again"},
		{"empty gzip", "l.gz", gzipped(t, ""), Limits{}, "l.gz: the file is empty; export the list again"},
		{"empty array", "l.json", "[]", Limits{}, "l.json: the file is empty; export the list again"},
		{"empty zip", "l.zip", zipped(t), Limits{}, "l.zip: the archive is empty; put one list file into it"},
		{"NUL", "l.csv", table + "b@x.de,\x00Al\n", Limits{}, "l.csv: row 3: a NUL byte: the file is damaged or not a text file; export it again in UTF-8"},
		{"NUL in JSON", "l.json", "{\"email\":\"a\"}\n{\"email\":\"\x00\"}\n", Limits{}, "l.json: row 2: a NUL byte: the file is damaged or not a text file; export it again in UTF-8"},
		{"10 MB field", "l.csv", table + "b@x.de," + strings.Repeat("x", 10<<20) + "\n", Limits{}, "l.csv: row 3: column 2 is longer than 1 MiB (a quotation mark that is never closed?); shorten it"},
		{"10 MB quoted field", "l.csv", table + "b@x.de,\"" + strings.Repeat("x\n", 5<<20) + "\"\n", Limits{}, "l.csv: row 3: column 2 is longer than 1 MiB (a quotation mark that is never closed?); shorten it"},
		{"2 MB field", "l.csv", table + "b@x.de,\"" + strings.Repeat("x", 2<<20) + "\"\nc@x.de,Cy\n", Limits{}, "l.csv: row 3: column 2 is longer than 1 MiB (a quotation mark that is never closed?); shorten it"},
		{"10 MB value", "l.json", `{"email":"a@x.de","n":"` + strings.Repeat("x", 2<<20) + `"}`, Limits{}, `l.json: row 1: the value of "n" is longer than 1 MiB; shorten it`},
		{"10 MB line", "l.json", `{"email":"a@x.de","n":"` + strings.Repeat("x", 10<<20) + `"}`, Limits{}, `l.json: row 1: longer than 4 MiB; write one object per line`},
		{"long row", "l.csv", table + strings.Repeat(strings.Repeat("x", 1<<19)+",", 20), Limits{}, "l.csv: row 3: longer than 4 MiB; shorten it"},
		{"many columns", "l.csv", table + strings.Repeat("x,", 1500) + "\n", Limits{}, "l.csv: row 3: more than 1000 columns; remove those that the mails don't need"},
		{"many keys", "l.json", "{\"email\":\"a\"}\n{\"a\":1,\"b\":2}\n", Limits{Columns: 2}, "l.json: row 2: more than 2 different keys; remove those that the mails don't need"},
		{"cut off array", "l.json", `[{"email":"a@x.de"},{"email":`, Limits{}, "l.json: row 2: the array has no end: the file is cut off; export it again"},
		{"array of others", "l.json", `[{"email":"a@x.de"}, 5]`, Limits{}, "l.json: row 2: the array holds something else than objects; export it as NDJSON"},
		{"cut off gzip", "l.gz", packed[:len(packed)-8], Limits{}, "l.gz: the packed file is damaged or cut off; pack or upload it again"},
		{"damaged zip", "l.zip", "PK\x03\x04 nothing of the kind", Limits{}, "l.zip: the packed file is damaged or cut off; pack or upload it again"},
		{"two files", "l.zip", zipped(t, "a.csv", table, "b.csv", table), Limits{}, "l.zip: the archive holds 2 files (a.csv, b.csv, …); put one list file into it"},
		{"many files", "l.zip", zipped(t, "a", "", "b", "", "c", ""), Limits{Entries: 2}, "l.zip: the archive holds more than 2 files; put one list file into it"},
		{"packed twice", "l.gz", gzipped(t, packed), Limits{}, "l.gz: packed twice; pack the list file once"},
		{"bomb by ratio", "l.gz", gzipped(t, strings.Repeat(kilobyte, 17<<10)), Limits{}, "l.gz: row 1…: the file unpacks to more than 250 times its size; no list does (a zip bomb?)"},
		{"bomb by total", "l.zip", zipped(t, "a.csv", strings.Repeat(kilobyte, 17<<10)), Limits{Total: 10 << 20}, "l.zip: row 1…: the file unpacks to more than 10 MiB; split it"},
		{"bomb of zeros", "l.gz", gzipped(t, strings.Repeat("\x00", 17<<20)), Limits{}, "l.gz: row 1: a NUL byte"},
		{"bomb in a sheet", "l.xlsx", zipped(t, "xl/workbook.xml", strings.Repeat("\x00", 17<<20)), Limits{}, "l.xlsx: the spreadsheet unpacks to more than 250 times its size; no list does (a zip bomb?)"},
		{"huge sheet", "l.xlsx", workbook(t, []any{strings.Repeat("x", 30000)}), Limits{Spreadsheet: 4096}, "l.xlsx: the spreadsheet"},
		{"broken sheet", "l.xlsx", zipped(t, "xl/workbook.xml", "<workbook"), Limits{}, "l.xlsx: the spreadsheet"},
		{"sheet with a control character", "l.xlsx", brokenSheet(t, "\x0b"), Limits{}, "l.xlsx: xl/worksheets/sheet2.xml is damaged after 2 rows (XML syntax error on line 2: illegal character code U+000B); save the file again as .xlsx, or as CSV"},
		{"sheet cut off", "l.xlsx", brokenSheet(t, ""), Limits{}, "l.xlsx: xl/worksheets/sheet2.xml is damaged after 2 rows (XML syntax error on line 2: unexpected EOF); save the file again as .xlsx, or as CSV"},
		{"old Excel", "l.xls", "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", Limits{}, "l.xls: this is an old Excel file (.xls) or one with a password; save it as .xlsx without a password, or as CSV"},
		{"OpenDocument", "l.ods", zipped(t, "mimetype", "x", "content.xml", "x"), Limits{}, "l.ods: an OpenDocument file; save it as .xlsx or as CSV"},
		{"PDF", "l.csv", "%PDF-1.7", Limits{}, "l.csv: this is a PDF; export the list as CSV"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.limits.TempDir = t.TempDir()
			err := readThrough(tt.file, tt.content, tt.limits)
			if _, ok := errors.AsType[*Error](err); !ok {
				t.Fatalf("got %T %v, want an *Error", err, err)
			}
			begin, end, _ := strings.Cut(tt.want, "…")
			if !strings.HasPrefix(err.Error(), begin) || !strings.HasSuffix(err.Error(), end) {
				t.Errorf("got  %s\nwant %s", err, tt.want)
			}
			if left, err := os.ReadDir(tt.limits.TempDir); err != nil || len(left) > 0 {
				t.Errorf("temporary files left: %v, %v", left, err)
			}
		})
	}
}

func readThrough(name, content string, limits Limits) error {
	r, err := Open(strings.NewReader(content), int64(len(content)), name, limits)
	if err != nil {
		return err
	}
	if _, err = all(r); err != nil {
		return errors.Join(err, r.Close())
	}
	return r.Close()
}

// brokenSheet is a workbook with text in its second row's cell, where the sheet's XML
// goes on with what is given instead of its rest.
func brokenSheet(t testing.TB, rest string) string {
	content := workbook(t, []any{"email"}, []any{"MARK@x.de"}, []any{"b@x.de"})
	in, err := zip.NewReader(strings.NewReader(content), int64(len(content)))
	if err != nil {
		t.Fatal(err)
	}
	var files []string
	for _, f := range in.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		text := string(b)
		if f.Name == "xl/worksheets/sheet2.xml" {
			before, _, found := strings.Cut(text, `<row r="3"`)
			if !found {
				t.Fatalf("no third row in %s", text)
			}
			text = before + rest
		}
		files = append(files, f.Name, text)
	}
	return zipped(t, files...)
}
