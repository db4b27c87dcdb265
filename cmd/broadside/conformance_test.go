package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// requirements are the rows that the page must have: those of the SMTP client, of
// transport security, and of what comes back.
func requirements() (rows []string) {
	for n := 1; n <= 27; n++ {
		rows = append(rows, fmt.Sprintf("S%d", n))
	}
	rows = append(rows, "T1", "T2", "T3", "T4", "T5", "T6", "T7", "T9", "T10")
	return append(rows, "B1", "B2", "B3", "B4", "B5", "B6", "M8", "M12", "M15", "X6", "X7", "X8", "X9", "X14", "ePrivacy 13")
}

// proof matches what the last column of the page is made of: a place, and the names of
// tests and conversations in it.
var proof = regexp.MustCompile("`([^`]+)`|\\b((?:Test|Fuzz)\\w+)|([\\w-]+\\.txt)")

// Every row has a proof, and every proof exists and says what it proves.
func TestConformanceIsProved(t *testing.T) {
	page, err := os.ReadFile("../../docs/conformance.md")
	if err != nil {
		t.Fatal(err)
	}
	proofs := map[string]int{}
	for line := range strings.Lines(string(page)) {
		cells := strings.Split(line, "|")
		if len(cells) != 5 || strings.HasPrefix(cells[1], "-") || strings.TrimSpace(cells[1]) == "Row" {
			continue
		}
		row, place := strings.TrimSpace(cells[1]), ""
		for _, found := range proof.FindAllStringSubmatch(cells[3], -1) {
			if found[1] != "" {
				place = filepath.Join("../..", found[1])
				continue
			}
			proofs[row]++
			name := found[2] + found[3]
			if flaw := provesRow(place, name, row); flaw != "" {
				t.Errorf("docs/conformance.md, %s: %s in %s %s", row, name, strings.TrimPrefix(place, "../../"), flaw)
			}
		}
	}
	for _, row := range requirements() {
		if proofs[row] == 0 {
			t.Errorf("docs/conformance.md has no proof of %s", row)
		}
		delete(proofs, row)
	}
	for row := range proofs {
		t.Errorf("docs/conformance.md has a row %q that nothing requires", row)
	}
}

// provesRow says why a test or a conversation proves nothing of a row, "" if it does.
func provesRow(place, name, row string) string {
	text, found := "", false
	if strings.HasSuffix(name, ".txt") {
		raw, err := os.ReadFile(filepath.Join(place, name))
		text, found = string(raw), err == nil
	} else {
		text, found = testNamed(place, name)
	}
	switch {
	case !found:
		return "does not exist"
	case !regexp.MustCompile(`\b` + row + `\b`).MatchString(text):
		return "does not say that it proves it"
	}
	return ""
}

// testNamed returns the source of a package's test, its comment included.
func testNamed(dir, name string) (text string, found bool) {
	files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	if err != nil {
		return "", false
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			return "", false
		}
		set := token.NewFileSet()
		syntax, err := parser.ParseFile(set, file, raw, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return "", false
		}
		for _, declared := range syntax.Decls {
			f, ok := declared.(*ast.FuncDecl)
			if !ok || f.Recv != nil || f.Name.Name != name {
				continue
			}
			begin := f.Pos()
			if f.Doc != nil {
				begin = f.Doc.Pos()
			}
			return string(raw[set.Position(begin).Offset:set.Position(f.End()).Offset]), true
		}
	}
	return "", false
}
