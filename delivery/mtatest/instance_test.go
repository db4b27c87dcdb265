//go:build unix

package mtatest

import (
	"os"
	"path/filepath"
	"testing"
)

func TestOpen(t *testing.T) {
	for _, test := range []struct {
		name       string
		mode, want os.FileMode
		temporary  bool // it is the directory of all temporary files
		refused    bool
	}{
		{name: "private", mode: 0o700, want: 0o755},
		{name: "everybody's", mode: 0o777 | os.ModeSticky, want: 0o777 | os.ModeSticky},
		{name: "everybody's, of temporary files", mode: 0o777 | os.ModeSticky, want: 0o777 | os.ModeSticky, temporary: true},
		{name: "private, of temporary files", mode: 0o700, want: 0o700, temporary: true, refused: true},
	} {
		t.Run(test.name, func(t *testing.T) {
			parent := t.TempDir()
			if err := os.Chmod(parent, test.mode); err != nil {
				t.Fatal(err)
			}
			if test.temporary {
				t.Setenv("TMPDIR", parent)
			}
			if err := open(filepath.Join(parent, "server")); (err != nil) != test.refused {
				t.Errorf("refused: %v", err)
			}
			info, err := os.Stat(parent)
			if err != nil {
				t.Fatal(err)
			}
			if got := info.Mode() &^ os.ModeDir; got != test.want {
				t.Errorf("its mode is %v, want %v", got, test.want)
			}
		})
	}
}
