package listfile

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"io"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzOpen: whatever a file is, it is read to its end or refused, and the records
// keep the Reader's promises.
func FuzzOpen(f *testing.F) {
	for _, s := range []string{
		"email,name\na@x.de,\"Bo\nb\"\"o\"\n", "a;b\r\n1;2\r\n", "{\"email\":\"a\",\"o\":{\"p\":1}}\n{}\n", "[{\"a\":\"\\u00e9\"}]",
		"\xff\xfea\x00,\x00b\x00\n\x00", "sep=;\n1;2", "\"", "a\rb\r", gzipped(f, "a,b\n1,2\n"), zipped(f, "a.csv", "a,b\n"), "Zo\xeb,\xff\n",
	} {
		f.Add([]byte(s))
	}
	limits := Limits{Field: 200, Row: 1000, Columns: 20, Total: 1 << 20, Spreadsheet: 1 << 16, TempDir: f.TempDir()}
	f.Fuzz(func(t *testing.T, content []byte) {
		r, err := Open(bytes.NewReader(content), int64(len(content)), "l", limits)
		if err != nil {
			return
		}
		defer r.Close()
		last := int64(0)
		for {
			rec, err := r.Next()
			if err != nil {
				return
			}
			if rec.Row <= last {
				t.Fatalf("row %d after %d", rec.Row, last)
			}
			last = rec.Row
			if len(rec.Cells) > len(r.Columns()) {
				t.Fatalf("%d cells in %d columns", len(rec.Cells), len(r.Columns()))
			}
			for _, c := range rec.Cells {
				if r.Format().Kind == "xlsx" {
					continue
				}
				if !utf8.Valid(c.Text) || bytes.IndexByte(c.Text, 0) >= 0 && r.Format().Kind == "csv" {
					t.Fatalf("cell %q", c.Text)
				}
				if c.Literal && !json.Valid(c.Text) {
					t.Fatalf("literal %q", c.Text)
				}
			}
		}
	})
}

// FuzzCSVRoundTrip: what a writer of the format writes is read back unchanged.
func FuzzCSVRoundTrip(f *testing.F) {
	f.Add("a", "b\nc", "d\"e", ",;")
	f.Add("", "\"", "\r\n", " x ")
	f.Fuzz(func(t *testing.T, a, b, c, d string) {
		cells := []string{a, b, c, d}
		var out bytes.Buffer
		w := csv.NewWriter(&out)
		_ = w.Write([]string{"one", "two", "three", "four"})
		_ = w.Write(cells)
		w.Flush()
		for _, s := range cells {
			// The writer makes CRLF of LF in a cell nowhere, but NUL and other
			// charsets are no CSV.
			if !utf8.ValidString(s) || strings.ContainsRune(s, 0) {
				return
			}
		}
		if strings.TrimSpace(a+b+c+d) == "" {
			return
		}
		src := newDelimited(&out, dialect{delimiter: ',', lineEnd: '\n'}, Limits{}.withDefaults())
		var rec Record
		if err := src.next(&rec); err != nil {
			t.Fatal(err)
		}
		if err := src.next(&rec); err != nil || len(rec.Cells) != len(cells) {
			t.Fatalf("%q: %d cells, %v", cells, len(rec.Cells), err)
		}
		for i, c := range rec.Cells {
			if string(c.Text) != cells[i] {
				t.Fatalf("cell %d: %q, want %q", i, c.Text, cells[i])
			}
		}
		if err := src.next(&rec); err != io.EOF {
			t.Fatalf("after the last: %v", err)
		}
	})
}

// FuzzObject: the object parser takes what encoding/json takes, but arrays, depth and
// strings that are not UTF-8, and gives the same values.
func FuzzObject(f *testing.F) {
	for _, s := range []string{`{"a":"b\u00e9\ud83d\ude00","c":1e5,"d":{"e":false}}`, `{}`, `{"a":[`, `{"a":"` + "\x01" + `"}`, `{"a":-}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		got := make(map[string]string)
		var p objectParser
		p.reset(b)
		broken := p.parse(func(key []byte, c Cell) { got[string(key)] = string(c.Text) })
		var want map[string]json.RawMessage
		err := json.Unmarshal(b, &want)
		if broken == "" && err != nil {
			t.Fatalf("took %q, which is not JSON: %v", b, err)
		}
		if broken == "" || err != nil || !utf8.Valid(b) || bytes.ContainsAny(b, "[]") || bytes.Count(b, []byte("{")) > 1 {
			return
		}
		if strings.TrimSpace(string(b)) != "null" {
			t.Fatalf("refused %q: %s", b, broken)
		}
	})
}
