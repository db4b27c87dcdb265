package dkim

import (
	"errors"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files anew")

// goldens are the messages of testdata, by name; each has a file .sig with the
// fields that are written for it, or .error with the reason why none are.
func goldens(t testing.TB) map[string][]byte {
	t.Helper()
	paths, err := filepath.Glob("testdata/*.msg")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no golden messages in testdata: %v", err)
	}
	messages := make(map[string][]byte)
	for _, path := range paths {
		msg, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		messages[strings.TrimSuffix(filepath.Base(path), ".msg")] = msg
	}
	return messages
}

func refused(t testing.TB, name string) bool {
	t.Helper()
	_, err := os.Stat("testdata/" + name + ".error")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return err == nil
}

// D2: RSA signatures are deterministic, so the bytes on the wire can be compared.
func TestGolden(t *testing.T) {
	keys := []*Key{rfcRSA(t), rfcEd25519(t)}
	s := newSigner(t, keys...)
	for name, msg := range goldens(t) {
		t.Run(name, func(t *testing.T) {
			fields, err := s.Sign(nil, msg, testTime)
			if err != nil {
				compare(t, name+".error", err.Error()+"\n")
				return
			}
			compare(t, name+".sig", string(fields))
			verifyAll(t, append(fields, msg...), keys...)
		})
	}
}

func compare(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile("testdata/"+file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("testdata/" + file)
	if err != nil {
		t.Fatalf("%v; got:\n%s", err, got)
	}
	if got != string(want) {
		t.Errorf("%s: got\n%s\nwant\n%s", file, got, want)
	}
}

// verifyAll fails unless the message begins with one valid signature per key.
func verifyAll(t *testing.T, msg []byte, keys ...*Key) {
	t.Helper()
	got, err := Verify(msg, records(keys...))
	if err != nil || len(got) < len(keys) {
		t.Fatalf("Verify = %+v, %v, want %d signatures\n%q", got, err, len(keys), msg)
	}
	for i, k := range keys {
		if got[i].Err != nil || got[i].Domain != k.Domain {
			t.Fatalf("the signature by %s: %+v\n%q", k.Selector, got[i], msg)
		}
	}
}
