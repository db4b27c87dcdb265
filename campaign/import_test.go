package campaign

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"broadside/campaign/listfile"
)

var importTime = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)

func openList(t testing.TB, name, content string) *listfile.Reader {
	t.Helper()
	r, err := listfile.Open(strings.NewReader(content), int64(len(content)), name, listfile.Limits{TempDir: t.TempDir()})
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

func mustImport(t testing.TB, im Importer, name, content string) ImportReport {
	t.Helper()
	im.List = 1
	report, err := im.Run(t.Context(), openList(t, name, content), importTime)
	if err != nil {
		t.Fatal(err)
	}
	sum := report.New + report.Updated + report.Unchanged + report.Duplicate + report.Suppressed + report.Unsubscribed + report.Invalid
	if sum != report.Rows {
		t.Errorf("the counts' sum is %d of %d rows: %+v", sum, report.Rows, report)
	}
	return report
}

const messyList = `E-Mail;Vorname;Nachname;Date of birth;Größe;Größe
bo@Example.ORG;Bo;Ng;1980-01-02;1,80;
Zoë <zoe@münchen.example>;;"Line
two";;;x
BO@example.org;Again;;;;
info@example.org;;;;;
kim@gmial.com;Kim;;;;
no-reply@example.org;;;;;
nobody at all;;;;;
=evil@exa mple.org;;;;;
gone@example.org;Gone;;;;
left@example.org;Left;;;;
short@example.org
long@example.org;1;2;3;4;5;6;7
old@example.org;New;;;;
same@example.org;Same;;;;
`

func messyStore() *fakeImports {
	s := newFakeImports()
	s.suppressed["gone@example.org"] = true
	s.contacts["left@example.org"] = &Member{Contact: Contact{ID: 1, Email: "left@example.org", Attributes: []byte(`{}`)}, Status: OptedOut}
	s.contacts["old@example.org"] = &Member{Contact: Contact{ID: 2, Email: "old@example.org", Attributes: []byte(`{"city":"Bonn","first_name":"Old"}`)}}
	s.contacts["same@example.org"] = &Member{Contact: Contact{ID: 3, Email: "same@example.org", Attributes: []byte(`{"first_name":"Same"}`)}}
	return s
}

func TestImport(t *testing.T) {
	s := messyStore()
	var rejects bytes.Buffer
	report := mustImport(t, Importer{Store: s, Rejects: &rejects}, "people.csv", messyList)

	wantCounts := ImportCounts{New: 6, Updated: 1, Unchanged: 1, Duplicate: 1, Suppressed: 1, Unsubscribed: 1}
	if report.ImportCounts != wantCounts {
		t.Errorf("counts %+v, want %+v", report.ImportCounts, wantCounts)
	}
	wantContacts := []string{
		`left@example.org {"first_name":"Left"}`,
		`old@example.org {"city":"Bonn","first_name":"New"}`,
		`same@example.org {"first_name":"Same"}`,
		`bo@example.org {"date_of_birth":"1980-01-02","first_name":"Bo","grosse":"1,80","last_name":"Ng"}`,
		`zoe@xn--mnchen-3ya.example {"grosse_2":"x","last_name":"Line two","name":"Zoë"}`,
		`info@example.org {}`,
		`kim@gmial.com {"first_name":"Kim"}`,
		`gone@example.org {"first_name":"Gone"}`,
		`short@example.org {}`,
		`long@example.org {"date_of_birth":"3","first_name":"1","grosse":"4","grosse_2":"5","last_name":"2"}`,
	}
	if got := s.dump(); !slices.Equal(got, wantContacts) {
		t.Errorf("contacts\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(wantContacts, "\n"))
	}
	wantMapping := Mapping{"email": "E-Mail", "first_name": "Vorname", "last_name": "Nachname", "date_of_birth": "Date of birth", "grosse": "Größe", "grosse_2": "Größe"}
	if report.Mapping.String() != wantMapping.String() {
		t.Errorf("mapping %s, want %s", report.Mapping, wantMapping)
	}
	wantFindings := map[string][]ImportFinding{
		"invalid": {
			{7, "no-reply@example.org", "an address of machines or complaints, never a subscriber's"},
			{8, "nobody at all", "no @ sign"},
			{9, "=evil@exa mple.org", "a blank after the @ sign"},
		},
		"duplicate":    {{4, "BO@example.org", "the same address comes earlier in the file"}},
		"suppressed":   {{10, "gone@example.org", "on the suppression list: stored, never mailed"}},
		"unsubscribed": {{11, "left@example.org", "left this list before, and stays so"}},
		"role":         {{5, "info@example.org", "an address of a function, not of a person"}},
		"typo":         {{6, "kim@gmial.com", "probably kim@gmail.com"}},
		"ragged":       {{12, "short@example.org", "the row has 5 cells too few"}, {13, "long@example.org", "the row has 2 cells too many"}},
	}
	for kind, want := range wantFindings {
		if got := report.Findings[kind]; !slices.Equal(got, want) {
			t.Errorf("%s: %+v, want %+v", kind, got, want)
		}
	}
	// X10: the value is neutralised.
	wantRejects := `row,value,reason
7,no-reply@example.org,"an address of machines or complaints, never a subscriber's"
8,nobody at all,no @ sign
9,'=evil@exa mple.org,a blank after the @ sign
4,BO@example.org,the same address comes earlier in the file
10,gone@example.org,"on the suppression list: stored, never mailed"
11,left@example.org,"left this list before, and stays so"
`
	if rejects.String() != wantRejects {
		t.Errorf("rejects\n%s\nwant\n%s", rejects.String(), wantRejects)
	}
	if report.Rows != 14 || report.Import != 1 || report.Role != 1 || report.Typo != 1 || report.Ragged != 2 || report.DryRun {
		t.Errorf("report %+v", report)
	}
}

func TestImportDryRunKeepsNothing(t *testing.T) {
	dry, wet := messyStore(), messyStore()
	before := dry.dump()
	dryReport := mustImport(t, Importer{Store: dry, DryRun: true}, "people.csv", messyList)
	wetReport := mustImport(t, Importer{Store: wet}, "people.csv", messyList)
	if !slices.Equal(dry.dump(), before) || dry.open != 0 {
		t.Errorf("a dry run left %q, %d open", dry.dump(), dry.open)
	}
	if !dryReport.DryRun || dryReport.Import != 0 || dryReport.ImportCounts != wetReport.ImportCounts || dryReport.Invalid != wetReport.Invalid {
		t.Errorf("dry %+v, then %+v", dryReport, wetReport)
	}
}

func TestImportNDJSON(t *testing.T) {
	s := newFakeImports()
	report := mustImport(t, Importer{Store: s}, "people.ndjson", `{"Mail":"bo@example.org","age":41,"vip":true,"pets":null,"home":{"city":"Köln"},"apostrophe":"'=x"}
{"Mail":"al@example.org","tags":["a"]}
{"Mail":"cy@example.org","late":" 1 "}
`)
	want := []string{
		`bo@example.org {"age":41,"apostrophe":"'=x","home_city":"Köln","vip":true}`,
		`cy@example.org {"late":"1"}`,
	}
	if got := s.dump(); !slices.Equal(got, want) {
		t.Errorf("contacts %q, want %q", got, want)
	}
	if want := []ImportFinding{{2, "", `the value of "tags" is an array; write it as text`}}; !slices.Equal(report.Findings["invalid"], want) {
		t.Errorf("invalid %+v", report.Findings["invalid"])
	}
}

// Keys that appear late in a file are columns too.
func TestImportLearnsColumns(t *testing.T) {
	s := newFakeImports()
	var content strings.Builder
	for i := range 100 {
		fmt.Fprintf(&content, "{\"email\":\"p%d@example.org\",\"key%d\":%d}\n", i, i/10, i)
	}
	report := mustImport(t, Importer{Store: s}, "l.ndjson", content.String())
	if len(report.Mapping) != 11 || report.Mapping["key9"] != "key9" || report.New != 100 {
		t.Errorf("%d new, mapping %s", report.New, report.Mapping)
	}
	if got := s.dump()[99]; got != `p99@example.org {"key9":99}` {
		t.Errorf("the last is %s", got)
	}
}

// A file that can't be read on leaves everything as it was, and says the row.
func TestImportIsAllOrNothing(t *testing.T) {
	var many strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&many, "p%d@example.org,x\n", i)
	}
	tests := []struct{ name, content, want string }{
		{"NUL", many.String() + "a@example.org,\x00\n", "l.csv: row 5001: a NUL byte: the file is damaged or not a text file; export it again in UTF-8"},
		{"10 MB field", many.String() + "a@example.org," + strings.Repeat("x", 10<<20), "l.csv: row 5001: column 2 is longer than 1 MiB (a quotation mark that is never closed?); shorten it"},
		{"zip bomb", bomb(t), "l.csv: row 16385: the file unpacks to more than 250 times its size; no list does (a zip bomb?)"},
		{"no addresses", "a,b\n1,2\n", "l.csv: no column holds mail addresses; say which one becomes email (columns: a, b)"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := messyStore()
			before := s.dump()
			im := Importer{Store: s, List: 1}
			_, err := im.Run(t.Context(), openList(t, "l.csv", tt.content), importTime)
			if err == nil || err.Error() != tt.want {
				t.Errorf("got %v\nwant %s", err, tt.want)
			}
			if !slices.Equal(s.dump(), before) || s.open != 0 {
				t.Errorf("left %d contacts and %d open transactions", len(s.contacts), s.open)
			}
		})
	}
}

// bomb is 17 MiB of valid rows in a gzip file of few KiB (X11).
func bomb(t testing.TB) string {
	var b strings.Builder
	w := gzip.NewWriter(&b)
	if _, err := io.WriteString(w, strings.Repeat("a@example.org,"+strings.Repeat("x", 1009)+"\n", 17<<10)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestImportStoreFails(t *testing.T) {
	var many strings.Builder
	for i := range 9000 {
		fmt.Fprintf(&many, "p%d@example.org\n", i)
	}
	full := errors.New("disk full")
	for name, s := range map[string]*fakeImports{"put": {failPut: full}, "finish": {failFinish: full}} {
		im := Importer{Store: s, List: 1}
		_, err := im.Run(t.Context(), openList(t, "l.csv", many.String()), importTime)
		if !errors.Is(err, full) || err.Error() != "import l.csv: disk full" || s.open != 0 {
			t.Errorf("%s: %v, %d open", name, err, s.open)
		}
	}
	im := Importer{Store: newFakeImports(), List: 0}
	if _, err := im.Run(t.Context(), openList(t, "l.csv", "a@x.de\n"), importTime); !errors.Is(err, ErrNotFound) {
		t.Errorf("no list: %v", err)
	}
}

func TestImportCancelled(t *testing.T) {
	s := newFakeImports()
	ctx, cancel := context.WithCancelCause(t.Context())
	stop := errors.New("interrupted")
	im := Importer{Store: s, List: 1, Progress: func(ImportProgress) { cancel(stop) }}
	_, err := im.Run(ctx, openList(t, "l.csv", strings.Repeat("a@example.org\n", 20000)), importTime)
	if !errors.Is(err, stop) || s.open != 0 || len(s.contacts) != 0 {
		t.Errorf("%v, %d open, %d contacts", err, s.open, len(s.contacts))
	}
}

func TestImportProgressAndFindingsCap(t *testing.T) {
	var last ImportProgress
	calls := 0
	im := Importer{Store: newFakeImports(), MaxFindings: 3, Progress: func(p ImportProgress) {
		if p.Rows < last.Rows || p.Bytes < last.Bytes {
			t.Errorf("%+v after %+v", p, last)
		}
		last = p
		calls++
	}}
	content := strings.Repeat("a@example.org\nbroken\n", 2500)
	report := mustImport(t, im, "l.csv", content)
	if want := (ImportProgress{Rows: 5000, Bytes: int64(len(content)), Size: int64(len(content))}); last != want || calls != 3 {
		t.Errorf("progress %+v in %d calls, want %+v", last, calls, want)
	}
	if report.Invalid != 2500 || len(report.Findings["invalid"]) != 3 || report.Duplicate != 2499 || len(report.Findings["duplicate"]) != 3 {
		t.Errorf("report %+v", report)
	}
}

func TestImportRefusesHugeAttributes(t *testing.T) {
	s := newFakeImports()
	report := mustImport(t, Importer{Store: s}, "l.csv", "email,bio\na@example.org,"+strings.Repeat("x", 40000)+"\n"+"b@example.org,ok\n")
	want := []ImportFinding{{2, "a@example.org", "its attributes have 40010 bytes, more than 32768"}}
	if !slices.Equal(report.Findings["invalid"], want) || len(s.contacts) != 1 {
		t.Errorf("%+v, %q", report.Findings, s.dump())
	}
}

type failingWriter struct{}

func (failingWriter) Write([]byte) (int, error) { return 0, errors.New("disk full") }

func TestImportTellsAnUnfinishedRejectsFile(t *testing.T) {
	s := newFakeImports()
	im := Importer{Store: s, List: 1, Rejects: failingWriter{}}
	report, err := im.Run(t.Context(), openList(t, "l.csv", "a@example.org\nx\n"), importTime)
	if err == nil || err.Error() != "l.csv is imported, but its rejects file is not written: disk full" || report.Import != 1 {
		t.Errorf("%v, %+v", err, report)
	}
}

// Reading and checking alone, which must leave the store most of the time.
func BenchmarkImport(b *testing.B) {
	var csv strings.Builder
	csv.WriteString("email,first_name,last_name,city,birthday\n")
	for i := range 100_000 {
		fmt.Fprintf(&csv, "Person.%d@domain%d.example.org,First%d,Last,Köln,1980-01-02\n", i, i%1000, i)
	}
	b.SetBytes(int64(csv.Len()))
	for b.Loop() {
		im := Importer{Store: discardImports{}, List: 1}
		if _, err := im.Run(b.Context(), openList(b, "l.csv", csv.String()), importTime); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(100_000*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}

type discardImports struct{ ImportStore }

func (discardImports) BeginImport(context.Context, ListID, string, bool, time.Time) (ImportTx, error) {
	return discardImports{}, nil
}
func (discardImports) Put(context.Context, []ImportRow) error { return nil }
func (discardImports) Abort() error                           { return nil }
func (discardImports) Finish(context.Context, func(int64, string, ImportEffect) error) (ImportID, ImportCounts, error) {
	return 1, ImportCounts{}, nil
}
