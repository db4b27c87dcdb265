package store_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// With a parameter for the run PostgreSQL plans for all partitions of the ledger.
func TestRunsStandInTheLedgersQueries(t *testing.T) {
	t.Parallel()
	files := must(filepath.Glob("*.go"))(t)
	parameter := regexp.MustCompile(`\bl\.run = \?|FROM ledger( AS)?( l)?\s+WHERE run = \?`)
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		if found := parameter.Find(must(os.ReadFile(file))(t)); found != nil {
			t.Errorf("%s: %q: use ofRun", file, found)
		}
	}
}
