package reply_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"broadside/delivery/reply"
	"broadside/delivery/shaping"
	"broadside/delivery/smtp"
)

var update = flag.Bool("update", false, "write the golden files")

// What providers really say, each file one provider's: a reply, and below it what
// comes of it. S23: the code alone decides between temporary and permanent. B5: only
// the end of a mailbox or of its domain suppresses.
func TestRepliesOfProviders(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	replies := 0
	for _, file := range files {
		provider := strings.TrimSuffix(filepath.Base(file), ".txt")
		if provider != "others" && !slices.Contains(shaping.Builtin().Providers(), provider) {
			t.Errorf("%s: nobody has this name", file)
		}
		if provider == "others" {
			provider = ""
		}
		was, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var is strings.Builder
		for line := range strings.Lines(string(was)) {
			switch line[0] {
			case '=': // an answer
			case '#', '\n':
				is.WriteString(line)
			default:
				replies++
				fmt.Fprintf(&is, "%s= %s\n", line, outcome(t, provider, line))
			}
		}
		if *update {
			if err := os.WriteFile(file, []byte(is.String()), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		expected := strings.Split(string(was), "\n")
		for i, line := range strings.Split(is.String(), "\n") {
			if i >= len(expected) || line != expected[i] {
				t.Fatalf("%s:%d: after %s\n got %s\nwant %s", file, i+1, expected[max(i, 1)-1], line, expected[min(i, len(expected)-1)])
			}
		}
	}
	if replies < 300 {
		t.Errorf("%d replies: files were cut", replies)
	}
}

// outcome is what comes of a reply, as the files say it.
func outcome(t *testing.T, provider, line string) string {
	t.Helper()
	r, err := smtp.ParseReply(strings.TrimSpace(line))
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	m := reply.Read(provider, r.Code, r.Enhanced, r.Text)
	s := map[int]string{4: "temporary", 5: "permanent"}[r.Code/100] + ", " + m.Reason.String() + ", " + m.Scope.String()
	if reply.Gone(m.Reason, r.Code, r.Enhanced) {
		s += ", gone"
	}
	if reaction, ok := shaping.Builtin().React(provider, r.Code, r.Enhanced, r.Text); ok {
		key, named := map[reply.Scope]shaping.Scope{reply.SendingDomain: shaping.SendingDomain, reply.URLDomain: shaping.URLDomain}[m.Scope]
		if named && reaction.Scope != key {
			t.Errorf("%s\nis about the %s, but slows down the %s", line, m.Scope, reaction.Scope)
		}
		s += "; " + reaction.Name + ": " + reaction.Scope.String() + ", " + reaction.Does()
	}
	return s
}
