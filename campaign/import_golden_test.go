package campaign

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files anew")

// The files in testdata/import have the flaws of real exports; beside each lies what
// an import makes of it.
func TestImportGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/import/*")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, path := range slices.DeleteFunc(files, func(f string) bool { return strings.HasSuffix(f, ".golden") }) {
		t.Run(filepath.Base(path), func(t *testing.T) {
			content, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			s := newFakeImports()
			var rejects strings.Builder
			report := mustImport(t, Importer{Store: s, Rejects: &rejects}, filepath.Base(path), string(content))
			text, err := json.MarshalIndent(report, "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			got := fmt.Sprintf("%s\n\n%s\n\n%s", text, strings.Join(s.dump(), "\n"), rejects.String())
			golden := path + ".golden"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}
