package campaign

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// X10
func TestExportList(t *testing.T) {
	s := newFakeImports()
	s.contacts["a"] = &Member{Contact: Contact{ID: 1, Email: "bo@example.org", Attributes: []byte(`{"a":"=1+1","b":12345678901234567890,"c":true}`)}}
	s.contacts["b"] = &Member{Contact: Contact{ID: 2, Email: "+x@example.org", Attributes: []byte(`{"a":"one\n\"two\"","b":-1,"c":null}`)}, Status: OptedOut}
	var out bytes.Buffer
	n, err := ExportList(t.Context(), s, 1, &out)
	if err != nil || n != 2 {
		t.Fatal(n, err)
	}
	want := `email,list_status,a,b,c
bo@example.org,subscribed,'=1+1,12345678901234567890,true
'+x@example.org,unsubscribed,"one
""two""",'-1,
`
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
}

// What is exported comes back as it was, over several pages.
func TestExportImportRoundTrip(t *testing.T) {
	s := newFakeImports()
	values := []string{"=cmd", "'=cmd", "''-x", "'quoted'", "@home", "+49", "-", "a,b;c", "x\ny", `"`, "ü"}
	for i := range 2500 {
		email := fmt.Sprintf("p%d@example.org", i)
		if i == 7 {
			email = "=p7@example.org"
		}
		s.contacts[email] = &Member{Contact: Contact{ID: ContactID(i + 1), Email: email,
			Attributes: appendJSONString([]byte(`{"v":`), []byte(values[i%len(values)]))}}
		s.contacts[email].Attributes = append(s.contacts[email].Attributes, '}')
	}
	var out strings.Builder
	if _, err := ExportList(t.Context(), s, 1, &out); err != nil {
		t.Fatal(err)
	}
	back := newFakeImports()
	mustImport(t, Importer{Store: back}, "export.csv", out.String())
	if got, want := back.dump(), s.dump(); !slices.Equal(got, want) {
		t.Errorf("%d lines came back as %d; first %q, want %q", len(want), len(got), got[0], want[0])
	}
}

// Those who had left are not subscribed by copying the list they left.
func TestImportOfExportLeavesOutWhoLeft(t *testing.T) {
	s := newFakeImports()
	report := mustImport(t, Importer{Store: s}, "export.csv", "email,list_status,a\nbo@example.org,subscribed,1\nal@example.org,unsubscribed,2\n")
	if got, want := s.dump(), []string{`bo@example.org {"a":"1"}`}; !slices.Equal(got, want) {
		t.Errorf("contacts %q, want %q", got, want)
	}
	if want := []ImportFinding{{3, "al@example.org", "unsubscribed in the list it was exported from"}}; !slices.Equal(report.Findings["invalid"], want) {
		t.Errorf("invalid %+v, want %+v", report.Findings["invalid"], want)
	}
}
