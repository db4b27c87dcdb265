package dkim

import (
	"bufio"
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// foreign is a verifier that shares no code with ours.
type foreign struct {
	name    string
	command []string // a script, called with a file of records and a directory
	probe   []string // succeeds where the verifier is installed
	debian  string   // the package it comes in
	ed25519 bool     // whether it knows Ed25519
}

var foreigners = []foreign{
	{
		name:    "dkimpy",
		command: []string{"/usr/bin/python3", "testdata/verify_dkimpy.py"},
		probe:   []string{"/usr/bin/python3", "-c", "import dkim, nacl"},
		debian:  "python3-dkim and python3-nacl",
		ed25519: true,
	},
	{
		name:    "Mail::DKIM",
		command: []string{"/usr/bin/perl", "testdata/verify_maildkim.pl"},
		probe:   []string{"/usr/bin/perl", "-MMail::DKIM::Verifier", "-e1"},
		debian:  "libmail-dkim-perl",
	},
	{
		name:    "OpenDKIM",
		command: []string{"/usr/bin/python3", "testdata/verify_libopendkim.py"},
		probe:   []string{"/usr/bin/python3", "-c", "import ctypes; ctypes.CDLL('libopendkim.so.11')"},
		debian:  "opendkim-tools",
		ed25519: true,
	},
}

// D2, D6, D7: verifiers written by others agree about every message that we sign, as
// it arrives: SMTP ends it with a CRLF, without which dkimpy and OpenDKIM disagree.
func TestForeignVerifiers(t *testing.T) {
	keys := []*Key{generate(t, "r", RSA2048), generate(t, "e", Ed25519)}
	s := newSigner(t, keys...)
	dir := t.TempDir()
	count := 0
	put := func(name string, msg []byte) {
		t.Helper()
		count++
		arrived := signed(t, s, msg)
		if !bytes.HasSuffix(arrived, crlf) {
			arrived = append(arrived, crlf...)
		}
		if err := os.WriteFile(filepath.Join(dir, name), arrived, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, msg := range goldens(t) {
		if !refused(t, name) {
			put(name, msg)
		}
	}
	random := rand.New(rand.NewPCG(6376, 8463))
	for i := range 200 {
		put(fmt.Sprintf("random-%03d", i), randomMessage(random))
	}
	zone := zoneFile(t, keys...)
	for _, f := range foreigners {
		t.Run(f.name, func(t *testing.T) {
			got := f.run(t, zone, dir)
			want := count
			if f.ed25519 {
				want *= 2
			}
			passed := 0
			for _, line := range got {
				ed := strings.Fields(line)[1] == "e"
				if strings.HasSuffix(line, " pass") {
					passed++
				} else if f.ed25519 || !ed {
					t.Errorf("%s\n%.2000q", line, read(t, filepath.Join(dir, strings.Fields(line)[0])))
				}
			}
			if passed != want {
				t.Errorf("%d valid signatures in %d messages, want %d", passed, count, want)
			}
		})
	}
}

// A verifier that accepts everything would prove nothing: D3 and D4 to all of them.
func TestForeignVerifiersRefuse(t *testing.T) {
	keys := []*Key{generate(t, "r", RSA2048), generate(t, "e", Ed25519)}
	whole := signed(t, newSigner(t, keys...), goldens(t)["13-newsletter"])
	dir := t.TempDir()
	for name, msg := range map[string][]byte{
		"subject-prepended": slices.Concat([]byte("Subject: x\r\n"), whole),
		"from-prepended":    slices.Concat([]byte("From: x@example.net\r\n"), whole),
		"body-appended":     slices.Concat(whole, []byte("more\r\n")),
		"body-changed":      bytes.Replace(whole, []byte("Offer 7"), []byte("Offer 8"), 1),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), msg, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	zone := zoneFile(t, keys...)
	for _, f := range foreigners {
		t.Run(f.name, func(t *testing.T) {
			got := f.run(t, zone, dir)
			if len(got) != 2*4 {
				t.Errorf("%d results, want two for each of four messages: %q", len(got), got)
			}
			for _, line := range got {
				if strings.HasSuffix(line, " pass") {
					t.Error(line)
				}
			}
		})
	}
}

// run returns the lines that a verifier prints: file, selector, pass or fail.
func (f foreign) run(t *testing.T, zone, dir string) (lines []string) {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), f.probe[0], f.probe[1:]...).CombinedOutput(); err != nil {
		t.Fatalf("%s is missing: apt-get install %s (%v: %.200s)", f.name, f.debian, err, out)
	}
	cmd := exec.CommandContext(t.Context(), f.command[0], append(f.command[1:], zone, dir)...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v: %s", f.name, err, &stderr)
	}
	for scan := bufio.NewScanner(bytes.NewReader(out)); scan.Scan(); {
		lines = append(lines, scan.Text())
	}
	return lines
}

// zoneFile is a line per key: name, space, record.
func zoneFile(t *testing.T, keys ...*Key) string {
	t.Helper()
	var lines strings.Builder
	for _, k := range keys {
		name, txt := k.Record()
		lines.WriteString(name + " " + txt + "\n")
	}
	path := filepath.Join(t.TempDir(), "records")
	if err := os.WriteFile(path, []byte(lines.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// randomMessage is a valid message that leaves no freedom of RFC 5322 unused.
func randomMessage(r *rand.Rand) []byte {
	pick := func(words ...string) string { return words[r.IntN(len(words))] }
	fields := []string{"From: " + pick("a@example.com", "\"A\" <a@example.com>", "\r\n\tA\r\n  <a@example.com>") + "\r\n"}
	for range r.IntN(12) {
		name := pick("To", "Subject", "sUBJECT", "Date", "Reply-To", "X-Other", "List-Unsubscribe", "References", "Received", "Content-Type")
		var value strings.Builder
		value.WriteString(pick("", " ", "\t", "\r\n "))
		// Never a continuation of blanks alone: it is obsolete, and not every verifier
		// takes it for one.
		for range r.IntN(8) {
			value.WriteString(pick("word", "w;b=x", "ü", ":", "=") + pick("", " ", "  ", " \t", "\r\n ", " \r\n\t"))
		}
		fields = append(fields, name+":"+strings.TrimRight(value.String(), " \t\r\n")+pick("", " ", "\t")+"\r\n")
	}
	r.Shuffle(len(fields), func(i, j int) { fields[i], fields[j] = fields[j], fields[i] })
	var msg strings.Builder
	msg.WriteString(strings.Join(fields, "") + "\r\n")
	for range r.IntN(60) {
		msg.WriteString(pick("word", "ü", ".", " ", "  ", "\t", "\r\n", "\r\n\r\n", " \r\n", "long line of many words "))
	}
	return []byte(msg.String())
}
