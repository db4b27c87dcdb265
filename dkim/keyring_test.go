package dkim

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func openKeyring(t *testing.T, dir string) *Keyring {
	t.Helper()
	r, err := OpenKeyring(dir)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func selectors(keys []*Key) string {
	var names []string
	for _, k := range keys {
		names = append(names, k.Selector)
	}
	return strings.Join(names, " ")
}

// D8: a new key signs only when someone says so, and the old one stays.
func TestKeyringRotation(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "keys")
	r := openKeyring(t, dir)
	if r.For(testDomain) != nil {
		t.Fatal("an empty keyring has keys")
	}
	steps := []struct {
		do   func() error
		want string
	}{
		{func() error { return r.Add(rfcRSA(t)) }, "test"},
		{func() error { return r.Add(generate(t, "next", RSA2048)) }, "test"},
		{func() error { return r.Add(rfcEd25519(t)) }, "test"},
		{func() error { return r.Activate(testDomain, "next") }, "next"},
		{func() error { return r.Activate(testDomain, "next", "brisbane") }, "next brisbane"},
	}
	for i, step := range steps {
		if err := step.do(); err != nil {
			t.Fatal(err)
		}
		if got := selectors(r.For(testDomain)); got != step.want {
			t.Errorf("after step %d %q signs, want %q", i, got, step.want)
		}
		if got := selectors(openKeyring(t, dir).For(testDomain)); got != step.want {
			t.Errorf("after step %d and a restart %q signs, want %q", i, got, step.want)
		}
	}
	if len(r.Keys()) != 3 {
		t.Errorf("%d keys, want all three", len(r.Keys()))
	}
	for _, path := range []string{"test.pem", "next.pem", "brisbane.pem", activeFile} {
		info, err := os.Stat(filepath.Join(dir, testDomain, path))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v, want mode 0600", path, info, err)
		}
	}
}

func TestKeyringRefuses(t *testing.T) {
	r := openKeyring(t, t.TempDir())
	if err := r.Add(rfcRSA(t)); err != nil {
		t.Fatal(err)
	}
	if err := r.Add(generate(t, "test", RSA2048)); err == nil || !strings.Contains(err.Error(), "exists") {
		t.Errorf("a key was replaced: %v", err)
	}
	for name, err := range map[string]error{
		"an unknown domain":   r.Activate("example.org", "test"),
		"an unknown selector": r.Activate(testDomain, "other"),
		"no selector":         r.Activate(testDomain),
	} {
		if err == nil {
			t.Errorf("Activate took %s", name)
		}
	}
	if got := selectors(r.For(testDomain)); got != "test" {
		t.Errorf("%q signs, want test", got)
	}
}

// D5: the parent's key is aligned, a sibling's or a look-alike's isn't.
func TestKeyringFor(t *testing.T) {
	r := openKeyring(t, t.TempDir())
	for _, domain := range []string{"example.com", "news.example.com"} {
		k, err := Generate(domain, "s", Ed25519)
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Add(k); err != nil {
			t.Fatal(err)
		}
	}
	for domain, want := range map[string]string{
		"example.com":          "example.com",
		"Example.COM.":         "example.com",
		"news.example.com":     "news.example.com",
		"a.news.example.com":   "news.example.com",
		"shop.a.example.com":   "example.com",
		"badexample.com":       "",
		"com":                  "",
		"":                     "",
		"example.com.evil.org": "",
	} {
		got := ""
		if keys := r.For(domain); len(keys) > 0 {
			got = keys[0].Domain
		}
		if got != want {
			t.Errorf("mail from %s is signed by %q, want %q", domain, got, want)
		}
	}
}

// Keys put there by hand: the newest RSA key signs until a file says otherwise.
func TestKeyringReload(t *testing.T) {
	dir := t.TempDir()
	r := openKeyring(t, dir)
	put := func(name, text string, age time.Duration, mode os.FileMode) {
		t.Helper()
		path := filepath.Join(dir, testDomain, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		when := testTime.Add(-age)
		if err := os.Chtimes(path, when, when); err != nil {
			t.Fatal(err)
		}
	}
	rsaText, err := rfcRSA(t).PEM()
	if err != nil {
		t.Fatal(err)
	}
	edText, err := rfcEd25519(t).PEM()
	if err != nil {
		t.Fatal(err)
	}
	put("old.pem", string(rsaText), time.Hour, 0o640)
	put("new.pem", string(rsaText), time.Minute, 0o600)
	put("curve.pem", string(edText), 0, 0o600)
	if err := r.Reload(); err != nil {
		t.Fatal(err)
	}
	if got := selectors(r.For(testDomain)); got != "new" {
		t.Errorf("%q signs, want the newest RSA key", got)
	}
	if got := selectors(r.Keys()); got != "curve new old" {
		t.Errorf("keys %q, want them from the newest", got)
	}
	for _, tt := range []struct {
		name, file, text string
		mode             os.FileMode
		want             string
	}{
		{"an unknown selector", activeFile, "gone\n", 0o600, "gone.pem"},
		{"no selector", activeFile, "\n", 0o600, "no DKIM key to sign with"},
		{"a key that isn't one", "bad.pem", "x", 0o600, "bad.pem"},
		{"a key for everyone", "open.pem", string(rsaText), 0o644, "chmod 600"},
	} {
		put(tt.file, tt.text, 0, tt.mode)
		if err := r.Reload(); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want an error about %s", tt.name, err, tt.want)
		}
		if got := selectors(r.For(testDomain)); got != "new" {
			t.Errorf("%s: %q signs, want the keys as they were", tt.name, got)
		}
		if err := os.Remove(filepath.Join(dir, testDomain, tt.file)); err != nil {
			t.Fatal(err)
		}
	}
	put(activeFile, "old\ncurve\n", 0, 0o600)
	if err := r.Reload(); err != nil || selectors(r.For(testDomain)) != "old curve" {
		t.Errorf("%q signs, %v, want what the file names", selectors(r.For(testDomain)), err)
	}
}
