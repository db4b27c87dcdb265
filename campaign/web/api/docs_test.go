package api_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"broadside/campaign/account"
)

// The examples of docs/api.md are run as they stand there.
func TestExamples(t *testing.T) {
	page := string(must(os.ReadFile("../../../docs/api.md"))(t))
	w := newWorld(t, filepath.Join(t.TempDir(), "test.db"))
	w.run()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "people.csv"), []byte("email,name\nann@example.org,Ann\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	blocks := strings.Split(page, "```sh\n")[1:]
	wants := []string{`"phase":"received"`, `"name":"Spring"`, `"measures":[`, `"reason":"merge failed"`}
	if len(blocks) != len(wants) {
		t.Fatalf("%d examples, %d answers", len(blocks), len(wants))
	}
	for i, block := range blocks {
		script, _, _ := strings.Cut(block, "```")
		cmd := exec.CommandContext(t.Context(), "sh", "-euc", script)
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "BROADSIDE="+w.srv.URL, "TOKEN="+w.tokens[account.Editor])
		out, err := cmd.Output()
		if err != nil || !json.Valid(out) || !strings.Contains(string(out), wants[i]) {
			t.Errorf("%s\n%v: %s", script, err, out)
		}
	}
}
