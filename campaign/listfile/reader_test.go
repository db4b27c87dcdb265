package listfile

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
)

func open(t testing.TB, name, content string, limits Limits) *Reader {
	t.Helper()
	limits.TempDir = t.TempDir()
	r, err := Open(strings.NewReader(content), int64(len(content)), name, limits)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

// all returns the records as "row:cell|cell", with notes.
func all(r *Reader) ([]string, error) {
	var got []string
	for {
		rec, err := r.Next()
		if err == io.EOF {
			return got, nil
		}
		if err != nil {
			return got, err
		}
		var cells []string
		for _, c := range rec.Cells {
			text := string(c.Text)
			if c.Literal {
				text = "(" + text + ")"
			}
			cells = append(cells, text)
		}
		s := fmt.Sprintf("%d:%s", rec.Row, strings.Join(cells, "|"))
		if rec.Ragged != 0 {
			s += fmt.Sprintf(" ragged%+d", rec.Ragged)
		}
		if rec.Quotes {
			s += " quotes"
		}
		if rec.Recoded {
			s += " recoded"
		}
		if rec.Broken != "" {
			s += " " + rec.Broken
		}
		got = append(got, s)
	}
}

func latin(s string) string {
	out, err := charmap.Windows1252.NewEncoder().String(s)
	if err != nil {
		panic(err)
	}
	return out
}

func utf16(s string, e unicode.Endianness, bom unicode.BOMPolicy) string {
	out, err := unicode.UTF16(e, bom).NewEncoder().String(s)
	if err != nil {
		panic(err)
	}
	return out
}

func TestText(t *testing.T) {
	const table = "E-Mail,Name,Ort\na@x.de,Zoë,Köln\nb@x.de,Bo,Bonn\n"
	rows := []string{"2:a@x.de|Zoë|Köln", "3:b@x.de|Bo|Bonn"}
	columns := []string{"E-Mail", "Name", "Ort"}
	tests := []struct {
		name, file, content string
		format              Format
		columns, rows       []string
	}{
		{"plain", "l.csv", table, Format{Kind: "csv", Charset: "UTF-8", Delimiter: ",", Header: true}, columns, rows},
		{"no final newline", "l.csv", strings.TrimSpace(table), Format{Kind: "csv", Charset: "UTF-8", Delimiter: ",", Header: true}, columns, rows},
		{"byte order mark", "l.csv", "\ufeff" + table, Format{Kind: "csv", Charset: "UTF-8", Delimiter: ",", Header: true}, columns, rows},
		{"CRLF", "l.csv", strings.ReplaceAll(table, "\n", "\r\n"), Format{Kind: "csv", Charset: "UTF-8", Delimiter: ",", Header: true}, columns, rows},
		{"CR", "l.csv", strings.ReplaceAll(table, "\n", "\r"), Format{Kind: "csv", Charset: "UTF-8", Delimiter: ",", Header: true}, columns, rows},
		{"semicolons", "l.csv", strings.ReplaceAll(table, ",", ";"), Format{Kind: "csv", Charset: "UTF-8", Delimiter: ";", Header: true}, columns, rows},
		{"tabs, whatever the name", "l.csv", strings.ReplaceAll(table, ",", "\t"), Format{Kind: "csv", Charset: "UTF-8", Delimiter: "\t", Header: true}, columns, rows},
		{"pipes", "l", strings.ReplaceAll(table, ",", "|"), Format{Kind: "csv", Charset: "UTF-8", Delimiter: "|", Header: true}, columns, rows},
		{"Windows-1252", "l.csv", latin(table), Format{Kind: "csv", Charset: "Windows-1252", Delimiter: ",", Header: true}, columns, rows},
		{"UTF-16 little endian", "l.csv", utf16(table, unicode.LittleEndian, unicode.UseBOM), Format{Kind: "csv", Charset: "UTF-16LE", Delimiter: ",", Header: true}, columns, rows},
		{"UTF-16 big endian", "l.csv", utf16(table, unicode.BigEndian, unicode.UseBOM), Format{Kind: "csv", Charset: "UTF-16BE", Delimiter: ",", Header: true}, columns, rows},
		{"UTF-16 without mark", "l.csv", utf16(table, unicode.LittleEndian, unicode.IgnoreBOM), Format{Kind: "csv", Charset: "UTF-16LE", Delimiter: ",", Header: true}, columns, rows},
		{"UTF-16 big without mark", "l.csv", utf16(table, unicode.BigEndian, unicode.IgnoreBOM), Format{Kind: "csv", Charset: "UTF-16BE", Delimiter: ",", Header: true}, columns, rows},
		{"no header", "l.csv", "a@x.de,Bo\nb@x.de,Al\n", Format{Kind: "csv", Charset: "UTF-8", Delimiter: ","}, []string{"column 1", "column 2"}, []string{"1:a@x.de|Bo", "2:b@x.de|Al"}},
		{"one column", "l.txt", "a@x.de\nb@x.de\n", Format{Kind: "csv", Charset: "UTF-8"}, []string{"column 1"}, []string{"1:a@x.de", "2:b@x.de"}},
		{"one column with commas", "l.txt", "a@x.de\n\"Ng, Bo\" <b@x.de>\nc@x.de\n", Format{Kind: "csv", Charset: "UTF-8"}, []string{"column 1"}, []string{"1:a@x.de", "2:\"Ng, Bo\" <b@x.de> quotes", "3:c@x.de"}},
		{"mostly one cell", "l.csv", "email,name\na@x.de\nb@x.de\nc@x.de\nd@x.de,Al\n", Format{Kind: "csv", Charset: "UTF-8", Delimiter: ",", Header: true}, []string{"email", "name"}, []string{"2:a@x.de ragged-1", "3:b@x.de ragged-1", "4:c@x.de ragged-1", "5:d@x.de|Al"}},
		{"header alone", "l.csv", "email,name\n", Format{Kind: "csv", Charset: "UTF-8", Delimiter: ",", Header: true}, []string{"email", "name"}, nil},
		{"sep line", "l.csv", "sep=;\r\nemail;n,a\r\na@x.de;1,5\r\n", Format{Kind: "csv", Charset: "UTF-8", Delimiter: ";", Header: true}, []string{"email", "n,a"}, []string{"3:a@x.de|1,5"}},
		{"decimal commas", "l.csv", "email;sum;km\na@x.de;1,5;2,5\nb@x.de;2,5;3,5\n", Format{Kind: "csv", Charset: "UTF-8", Delimiter: ";", Header: true}, []string{"email", "sum", "km"}, []string{"2:a@x.de|1,5|2,5", "3:b@x.de|2,5|3,5"}},
		{"blank rows", "l.csv", "\n,,\nemail,name\n\na@x.de,Bo\n , \n", Format{Kind: "csv", Charset: "UTF-8", Delimiter: ",", Header: true}, []string{"email", "name"}, []string{"5:a@x.de|Bo"}},
		{"unnamed column", "l.csv", "email,\na@x.de,Bo\n", Format{Kind: "csv", Charset: "UTF-8", Delimiter: ",", Header: true}, []string{"email", "column 2"}, []string{"2:a@x.de|Bo"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := open(t, tt.file, tt.content, Limits{})
			if r.Format() != tt.format {
				t.Errorf("format %+v, want %+v", r.Format(), tt.format)
			}
			if !slices.Equal(r.Columns(), tt.columns) {
				t.Errorf("columns %q, want %q", r.Columns(), tt.columns)
			}
			got, err := all(r)
			if err != nil || !slices.Equal(got, tt.rows) {
				t.Errorf("rows %q, %v; want %q", got, err, tt.rows)
			}
			if r.Consumed() != r.Size() {
				t.Errorf("consumed %d of %d", r.Consumed(), r.Size())
			}
		})
	}
}

func TestFlawsOfRows(t *testing.T) {
	tests := []struct {
		name, content string
		rows          []string
	}{
		{"ragged", "email,a,b\nx@y.de,1\nx@y.de,1,2,3\nx@y.de,1,2,,\n", []string{"2:x@y.de|1 ragged-1", "3:x@y.de|1|2 ragged+1", "4:x@y.de|1|2"}},
		{"quoted newline", "email,a\nx@y.de,\"one\ntwo, \"\"three\"\"\"\nz@y.de,4\n", []string{"2:x@y.de|one\ntwo, \"three\"", "3:z@y.de|4"}},
		{"quoted CRLF", "email,a\r\n\"x@y.de\",\"one\r\ntwo\"\r\nz@y.de,\"\"\r\n", []string{"2:x@y.de|one\r\ntwo", "3:z@y.de|"}},
		{"lone quote inside", "email,a\nx@y.de,5\" pipe\nz@y.de,4\n", []string{"2:x@y.de|5\" pipe quotes", "3:z@y.de|4"}},
		{"lone quote in quotes", "email,a\nx@y.de,\"5\" pipe\"\nz@y.de,4\n", []string{"2:x@y.de|5\" pipe quotes", "3:z@y.de|4"}},
		{"never closed", "email,a\nx@y.de,\"Bo\nz@y.de,4\n", []string{"2:x@y.de|\"Bo quotes", "3:z@y.de|4"}},
		{"swallows a line", "email,a\nx@y.de,\"Bo\nz@y.de,\"Al\"\n", []string{"2:x@y.de|\"Bo quotes", "3:z@y.de|Al"}},
		{"blanks around quotes", "email,a\nx@y.de, \"a,b\" \nz@y.de,4\n", []string{"2:x@y.de|a,b", "3:z@y.de|4"}},
		{"another charset in one row", "email,a\nx@y.de,Zoë\nz@y.de,Zo\xeb\nw@y.de,ö\n", []string{"2:x@y.de|Zoë", "3:z@y.de|Zoë recoded", "4:w@y.de|ö"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := all(open(t, "l.csv", tt.content, Limits{}))
			if err != nil || !slices.Equal(got, tt.rows) {
				t.Errorf("got %q, %v\nwant %q", got, err, tt.rows)
			}
		})
	}
}

func TestJSON(t *testing.T) {
	tests := []struct {
		name, content string
		kind          string
		columns, rows []string
	}{
		{"lines", "{\"email\":\"a@x.de\",\"n\":1.50,\"ok\":true,\"no\":null}\n\n{\"later\":\"x\",\"email\":\"b@x.de\"}", "ndjson",
			[]string{"email", "n", "ok", "later"}, []string{"1:a@x.de|(1.50)|(true)", "3:b@x.de|||x"}},
		{"escapes", `{"e\u006dail":"a\"\u00e9\\\n","z":"Zoë"}`, "ndjson", []string{"email", "z"}, []string{"1:a\"é\\\n|Zoë"}},
		{"nested", `{"email":"a@x.de","address":{"city":"Köln","geo":{"lat":5}}}`, "ndjson",
			[]string{"email", "address.city", "address.geo.lat"}, []string{"1:a@x.de|Köln|(5)"}},
		{"broken lines", "{\"email\":\"a@x.de\"}\n{\"email\":\n[1]\n{\"email\":\"b\",\"t\":[1]}\n{} x\n{\"a\":{\"b\":{\"c\":{\"d\":{}}}}}\n{\"email\":01}\n", "ndjson", []string{"email"}, []string{
			"1:a@x.de", "2: broken JSON", "3: not a JSON object", `4: the value of "t" is an array; write it as text`,
			"5: something follows the JSON object", "6: objects nest too deep", "7: broken JSON"}},
		{"another charset", "{\"email\":\"a@x.de\",\"n\":\"Zo\xeb\"}\n", "ndjson", []string{"email", "n"}, []string{"1:a@x.de|Zoë"}},
		{"array", " [ {\"email\":\"a@x.de\", \"b\":\"}\\\"\"},\n {\"email\":\n\"b@x.de\"} ]\n", "json", []string{"email", "b"}, []string{"1:a@x.de|}\"", "2:b@x.de|"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := open(t, "l.ndjson", tt.content, Limits{})
			got, err := all(r)
			if err != nil || !slices.Equal(got, tt.rows) {
				t.Errorf("got %q, %v\nwant %q", got, err, tt.rows)
			}
			if !slices.Equal(r.Columns(), tt.columns) || r.Format().Kind != tt.kind {
				t.Errorf("columns %q of %+v, want %q", r.Columns(), r.Format(), tt.columns)
			}
		})
	}
}

func gzipped(t testing.TB, content string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := io.WriteString(w, content); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// zipped packs name, content, name, content, …
func zipped(t testing.TB, files ...string) string {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for i := 0; i < len(files); i += 2 {
		f, err := w.Create(files[i])
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(f, files[i+1]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// workbook has the rows on its second sheet, the first being hidden.
func workbook(t testing.TB, rows ...[]any) string {
	f := excelize.NewFile()
	defer f.Close()
	if _, err := f.NewSheet("Liste"); err != nil {
		t.Fatal(err)
	}
	f.SetActiveSheet(1)
	if err := f.SetSheetVisible("Sheet1", false); err != nil {
		t.Fatal(err)
	}
	for i, row := range rows {
		if err := f.SetSheetRow("Liste", fmt.Sprintf("A%d", i+1), &row); err != nil {
			t.Fatal(err)
		}
	}
	b, err := f.WriteToBuffer()
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestPacked(t *testing.T) {
	const table = "email,name\na@x.de,Zoë\n"
	sheet := workbook(t, []any{"email", "name"}, []any{"a@x.de", "Zoë"})
	tests := []struct {
		name, file, content string
		format              Format
	}{
		{"gzip", "l.csv.gz", gzipped(t, table), Format{Kind: "csv", Packed: "gzip", Charset: "UTF-8", Delimiter: ",", Header: true}},
		{"zip", "l.zip", zipped(t, "__MACOSX/._a.csv", "x", "dir/", "", "dir/a.csv", table), Format{Kind: "csv", Packed: "zip", Entry: "dir/a.csv", Charset: "UTF-8", Delimiter: ",", Header: true}},
		{"zip with a read-me", "l.zip", zipped(t, "README.html", "x", "a.csv", table), Format{Kind: "csv", Packed: "zip", Entry: "a.csv", Charset: "UTF-8", Delimiter: ",", Header: true}},
		{"spreadsheet", "l.csv", sheet, Format{Kind: "xlsx", Sheet: "Liste", Header: true}},
		{"spreadsheet in zip", "l.zip", zipped(t, "a.xlsx", sheet), Format{Kind: "xlsx", Packed: "zip", Entry: "a.xlsx", Sheet: "Liste", Header: true}},
		{"spreadsheet in gzip", "l.xlsx.gz", gzipped(t, sheet), Format{Kind: "xlsx", Packed: "gzip", Sheet: "Liste", Header: true}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := open(t, tt.file, tt.content, Limits{})
			if r.Format() != tt.format {
				t.Errorf("format %+v, want %+v", r.Format(), tt.format)
			}
			got, err := all(r)
			if want := []string{"2:a@x.de|Zoë"}; err != nil || !slices.Equal(got, want) {
				t.Errorf("rows %q, %v; want %q", got, err, want)
			}
		})
	}
}

func TestSpreadsheetGaps(t *testing.T) {
	content := workbook(t, []any{"email", "name", "since", "n"}, []any{}, []any{nil, "Bo"}, []any{"a@x.de", nil, nil, 1.5})
	got, err := all(open(t, "l.xlsx", content, Limits{}))
	if want := []string{"3:|Bo", "4:a@x.de|||1.5"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("got %q, %v; want %q", got, err, want)
	}
}
