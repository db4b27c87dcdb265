package main

import (
	"bufio"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
)

// Every direct dependency and tool of go.mod has its reason on the page that says so,
// and the page names none that is gone.
func TestDependenciesHaveReasons(t *testing.T) {
	mod, err := os.Open("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	defer mod.Close()
	direct := map[string]bool{}
	tools := false
	for scan := bufio.NewScanner(mod); scan.Scan(); {
		line := strings.TrimSpace(scan.Text())
		fields := strings.Fields(line)
		switch {
		case line == "tool (":
			tools = true
		case tools && len(fields) == 1 && line != ")":
			direct[line] = true
		case len(fields) == 2 && strings.HasPrefix(fields[1], "v"):
			direct[fields[0]] = true
		}
	}
	page, err := os.ReadFile("../../docs/dependencies.md")
	if err != nil {
		t.Fatal(err)
	}
	named := map[string]bool{}
	for line := range strings.Lines(string(page)) {
		if name, ok := strings.CutPrefix(line, "| `"); ok && strings.Contains(name, "/") {
			name, _, _ = strings.Cut(name, "`")
			named[name] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(direct)) {
		if !named[name] {
			t.Errorf("docs/dependencies.md gives no reason for %s", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(named)) {
		if !direct[name] {
			t.Errorf("docs/dependencies.md names %s, which go.mod doesn't require directly", name)
		}
	}
}
