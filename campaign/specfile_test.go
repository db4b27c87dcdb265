package campaign

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"broadside/campaign/message"
	"broadside/campaign/schedule"
)

// writeFiles puts files into a new directory and returns it.
func writeFiles(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, data := range files {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

const specTOML = `
name = "spring"
from = "News <news@example.org>"
reply_to = "office@example.org"
subject = 'Hello {{ name | default: "there" }}'
preheader = "Three things"
markdown = """
# Hello
"""
postal_address = "Example Ltd, 1 Road"
lists = ["news"]
exclude = ["staff"]
segment = "age > 30"
weight = 20
priority = "express"
start_at = 2026-03-01T09:00:00+01:00
on_unknown = "hold"
give_up = "24h"
window = { days = "mon-fri", from = "08:00", to = "20:00", zone = "Europe/Berlin" }
spread = "4h"
repeat = { cron = "0 9 * * mon", zone = "UTC" }

[track]
clicks = "anonymous"

[[attachments]]
path = "files/program.pdf"

[[inline]]
path = "logo.png"
name = "head.png"
`

const specYAML = `
name: spring
from: News <news@example.org>
reply_to: office@example.org
subject: 'Hello {{ name | default: "there" }}'
preheader: Three things
markdown: |
  # Hello
postal_address: Example Ltd, 1 Road
lists: [news]
exclude: [staff]
segment: age > 30
weight: 20
priority: express
start_at: 2026-03-01T09:00:00+01:00
on_unknown: hold
give_up: 24h
window: { days: mon-fri, from: "08:00", to: "20:00", zone: Europe/Berlin }
spread: 4h
repeat: { cron: 0 9 * * mon, zone: UTC }
track:
  clicks: anonymous
attachments:
  - path: files/program.pdf
inline:
  - path: logo.png
    name: head.png
`

func TestReadSpecFile(t *testing.T) {
	dir := writeFiles(t, map[string]string{
		"a.toml": specTOML, "a.yaml": specYAML, "files/program.pdf": "%PDF", "logo.png": "PNG",
	})
	want := Spec{
		Name: "spring",
		Source: message.Source{
			From: "News <news@example.org>", ReplyTo: "office@example.org",
			Subject: `Hello {{ name | default: "there" }}`, Preheader: "Three things",
			Markdown: "# Hello\n", PostalAddress: "Example Ltd, 1 Road",
			Attachments: []message.File{{Name: "program.pdf", Path: "files/program.pdf", Data: []byte("%PDF")}},
			Inline:      []message.File{{Name: "head.png", Path: "logo.png", Data: []byte("PNG")}},
		},
		Lists: []string{"news"}, Exclude: []string{"staff"}, Segment: "age > 30",
		Track: Track{Clicks: "anonymous"}, Weight: 20, Priority: Express, OnUnknown: Hold,
		GiveUp: Duration(24 * time.Hour),
		Window: schedule.Window{Days: "mon-fri", From: "08:00", To: "20:00", Zone: "Europe/Berlin"}, Spread: Duration(4 * time.Hour),
		Repeat: schedule.Repeat{Cron: "0 9 * * mon", Zone: "UTC"},
	}
	for _, name := range []string{"a.toml", "a.yaml"} {
		got, err := ReadSpecFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if start := time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC); !got.StartAt.Equal(start) {
			t.Errorf("%s: start %v, want %v", name, got.StartAt, start)
		}
		if err := got.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		got.StartAt = time.Time{}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s:\n got %+v\nwant %+v", name, got, want)
		}
	}
}

func TestReadSpecFileErrors(t *testing.T) {
	for name, test := range map[string]struct{ file, content, want string }{
		"unknown key":        {"a.toml", "name = 'x'\nsubjet = 'y'\n", `line 2: unknown key "subjet"; did you mean subject?`},
		"dashes":             {"a.toml", "reply-to = 'x'\n", "did you mean reply_to?"},
		"far off":            {"a.toml", "colour = 'x'\n", "docs/campaign-file.md lists the keys"},
		"nested key":         {"a.toml", "[track]\nopen = 'off'\n", `line 2: unknown key "open"; did you mean opens?`},
		"both are told":      {"a.toml", "nam = 'x'\n[trak]\na = 1\n", `line 2: unknown key "trak"; did you mean track?`},
		"syntax":             {"a.toml", "name = 'x\n", "line 1, column 10"},
		"type":               {"a.toml", "name = 'x'\nweight = 'heavy'\n", "line 2, column 10: the value is of the wrong type"},
		"yaml type":          {"a.yaml", "name: x\nweight: heavy\n", "line 2, column 9: the value is of the wrong type"},
		"duration":           {"a.toml", "give_up = '3 days'\n", "3 days"},
		"yaml unknown key":   {"a.yaml", "name: x\nsubjet: y\n", `line 2: unknown key "subjet"; did you mean subject?`},
		"yaml syntax":        {"a.yaml", "name: [x\n", "line 1, column 7"},
		"yaml twice":         {"a.yml", "name: x\nname: y\n", "already defined"},
		"yaml two documents": {"a.yml", "name: x\n---\nname: y\n", "more than one document"},
		"extension":          {"a.json", "{}", "ends in .toml, .yaml or .yml"},
		"no file":            {"a.toml", "[[attachments]]\npath = 'none.pdf'\n", "attachments[0]: opening none.pdf"},
		"no path":            {"a.toml", "[[inline]]\nname = 'none.pdf'\n", "inline[0] has no path"},
		"outside":            {"sub/a.toml", "[[attachments]]\npath = '../secret'\n", "escapes"},
		"absolute":           {"a.toml", "[[attachments]]\npath = '/etc/passwd'\n", "escapes"},
		"symbolic link":      {"sub/a.toml", "[[attachments]]\npath = 'link'\n", "escapes"},
		"a directory":        {"a.toml", "[[attachments]]\npath = 'sub'\n", "is not a file"},
		"too large":          {"a.toml", "[[attachments]]\npath = 'large'\n", "more than 10 MB"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := writeFiles(t, map[string]string{
				"secret": "s", "sub/x": "", "large": strings.Repeat("x", maxAttachment+1), test.file: test.content,
			})
			if err := os.Symlink("../secret", filepath.Join(dir, "sub", "link")); err != nil {
				t.Fatal(err)
			}
			_, err := ReadSpecFile(filepath.Join(dir, test.file))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want it to say %q", err, test.want)
			}
		})
	}
	if _, err := ReadSpecFile(filepath.Join(t.TempDir(), "none.toml")); err == nil {
		t.Error("a file that is not there: no error")
	}
}

func TestSpecDefaults(t *testing.T) {
	got := Spec{Name: "x"}.WithDefaults()
	want := Spec{Name: "x", Weight: 10, Priority: Bulk, OnUnknown: Resend, GiveUp: Duration(72 * time.Hour)}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	full := Spec{Name: "x", Weight: 1, Priority: Express, OnUnknown: Hold, GiveUp: Duration(time.Hour)}
	if got := full.WithDefaults(); !reflect.DeepEqual(got, full) {
		t.Errorf("defaults changed %+v to %+v", full, got)
	}
}

func TestSpecValidate(t *testing.T) {
	valid := Spec{
		Name:   "spring",
		Source: message.Source{From: "news@example.org", Subject: "Hello", Text: "Hello"},
		Lists:  []string{"news"},
	}.WithDefaults()
	if err := valid.Validate(); err != nil {
		t.Fatalf("the valid one: %v", err)
	}
	for want, change := range map[string]func(*Spec){
		"name: must be 1 to 100":    func(s *Spec) { s.Name = strings.Repeat("é", 101) },
		"name: must be":             func(s *Spec) { s.Name = "a\nb" },
		"from: ":                    func(s *Spec) { s.From = "a@example.org, b@example.org" },
		"from: \"news\"":            func(s *Spec) { s.From = "news" },
		"reply_to: ":                func(s *Spec) { s.ReplyTo = "x" },
		"subject: is empty":         func(s *Spec) { s.Subject = " " },
		"markdown: there is html":   func(s *Spec) { s.HTML, s.Markdown = "a", "b" },
		"html: there is no content": func(s *Spec) { s.Text = "" },
		"lists: name at least":      func(s *Spec) { s.Lists = nil },
		"exclude: \"news\"":         func(s *Spec) { s.Exclude = []string{"news"} },
		"segment, line 1, column 5": func(s *Spec) { s.Segment = "age >" },
		"weight: must be 1 to 100":  func(s *Spec) { s.Weight = 101 },
		"priority: ":                func(s *Spec) { s.Priority = "urgent" },
		"on_unknown: ":              func(s *Spec) { s.OnUnknown = "drop" },
		"give_up: ":                 func(s *Spec) { s.GiveUp = Duration(time.Second) },
		"track.opens: ":             func(s *Spec) { s.Track.Opens = "yes" },
	} {
		s := valid
		change(&s)
		if err := s.Validate(); err == nil || !strings.HasPrefix(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("got %v, want one problem that begins with %q", err, want)
		}
	}
	// Every problem is told at once.
	err := Spec{}.Validate()
	for _, key := range []string{"name: ", "from: ", "subject: ", "html: ", "lists: ", "weight: ", "priority: ", "on_unknown: ", "give_up: "} {
		if err == nil || !strings.Contains(err.Error(), key) {
			t.Errorf("the empty spec: %v lacks %q", err, key)
		}
	}
}
