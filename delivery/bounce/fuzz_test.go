package bounce

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/rogpeppe/go-internal/txtar"
)

// Whatever comes in, a report is safe to log and to store, and only a failure that
// gives a reason is hard.
func FuzzParse(f *testing.F) {
	files, err := os.ReadDir("testdata/samples")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		msg, err := os.ReadFile("testdata/samples/" + file.Name())
		if err != nil {
			f.Fatal(err)
		}
		f.Add(msg)
	}
	archives, err := filepath.Glob("testdata/corpus/*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range archives {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(archive.Files[0].Data)
	}
	f.Fuzz(func(t *testing.T, msg []byte) {
		r := Parse(msg)
		for _, s := range []string{r.Status, r.Diagnostic, r.Recipient, r.Reporter} {
			if len(s) > 512 || !utf8.ValidString(s) || strings.ContainsFunc(s, func(c rune) bool { return !unicode.IsPrint(c) }) {
				t.Errorf("not safe to log: %q", s)
			}
		}
		if r.Status != "" && !isEnhanced(r.Status) {
			t.Errorf("status %q", r.Status)
		}
		if r.Code != 0 && r.Code/100 != 4 && r.Code/100 != 5 {
			t.Errorf("code %d", r.Code)
		}
		if r.Hard() && (r.Kind != Failed || r.Status != "" && r.Status[0] != '5') {
			t.Errorf("hard: %+v", r)
		}
		if Parse(msg) != r {
			t.Error("read twice, understood twice")
		}
	})
}

// A message of nothing but openings costs no more than its bytes.
func TestNestingIsBounded(t *testing.T) {
	deep := strings.Repeat("Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n", 20_000)
	if got := Parse([]byte(deep)); got != (Report{}) {
		t.Errorf("%+v", got)
	}
	wide := "Content-Type: multipart/mixed; boundary=b\r\n\r\n" + strings.Repeat("--b\r\n\r\nx\r\n", 20_000)
	if got := Parse([]byte(wide)); got != (Report{}) {
		t.Errorf("%+v", got)
	}
}
