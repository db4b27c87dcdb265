package benchmarks

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Those that come with the program can all be read, and divide all domains.
func TestFileScenarios(t *testing.T) {
	for _, name := range FileScenarios() {
		s, err := readScenario(name)
		if err != nil {
			t.Error(err)
		}
		next := 0
		for _, site := range s.sinkSites() {
			if site.From != next || site.Domains < 1 {
				t.Errorf("%s: site %s has %d domains from %d, want those from %d", name, site.Name, site.Domains, site.From, next)
			}
			next += site.Domains
		}
		if len(s.Sites) > 0 && next != mailDomains {
			t.Errorf("%s: the sites have %d domains, want %d", name, next, mailDomains)
		}
	}
}

// A mistake is named in a line, with its place.
func TestWrongScenarios(t *testing.T) {
	const good = "title = \"x\"\nrecipients = 10\n"
	for text, want := range map[string]string{
		"recipients = 10":                                                 "title: say",
		"title = \"x\"\nrecipients = 0":                                   "recipients: 0 is not between",
		good + "speed = 3":                                                `line 3: nothing is called "speed"`,
		good + "duration = \"soon\"":                                      `"soon" is no duration`,
		good + "duration = \"-1s\"":                                       `"-1s" is no duration`,
		good + "offered = 10\nsenders = 2":                                "leave senders out",
		good + "connections = -1":                                         "connections: -1",
		good + "recipients = 11":                                          "line 3",
		good + "[letter]\nbytes = 10":                                     "10 bytes are not between",
		good + "[letter]\nfields = 300":                                   "300 fields are not between",
		good + "[[site]]\nname = \"a\"\nshare = 0.5":                      "add up to 0.5",
		good + "[[site]]\nname = \"A b\"\nshare = 1":                      "small letters",
		good + "[[site]]\nname = \"a\"\nshare = 1\nbusy = 1.5":            "parts between 0 and 1",
		good + "[[site]]\nname = \"a\"\nshare = 0.001":                    "less than one of 97 domains",
		good + strings.Repeat("[[site]]\nname = \"a\"\nshare = 0.5\n", 2): "a name of its own",
		good + "[[site]]\nname = \"a\"\nshare = 1\nlatency = 20":          `"20" is no duration`,
		good + "[[site]]\nname = \"a\"\nshare = 1\nrate = -1\n":           "are limits",
		good + "[[site]]\nname = \"a\"\nshare = 1\nunknown_user = -0.1\n": "parts between 0 and 1",
		good + "senders = 100\n[[site]]\nname = \"a\"\nshare = 1\n":       "senders: 100",
	} {
		_, err := parseScenario([]byte(text))
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: got %v, want %q", text, err, want)
		}
	}
}

func FuzzScenario(f *testing.F) {
	for _, name := range FileScenarios() {
		data, err := scenarioFiles.ReadFile("scenarios/" + name + ".toml")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := parseScenario(data)
		if err != nil {
			return
		}
		domains := 0
		for _, site := range s.sinkSites() {
			domains += site.Domains
		}
		if len(s.Sites) > 0 && domains != mailDomains {
			t.Errorf("%d sites have %d domains", len(s.Sites), domains)
		}
	})
}

// A letter has about the size that was asked for, and as many fields.
func TestLetters(t *testing.T) {
	for _, l := range []letter{{1000, 0}, {2000, 1}, {15_000, 2}, {100_000, 20}} {
		source := l.source()
		for part, text := range map[string]string{"HTML": source.HTML, "text": source.Text} {
			if n := strings.Count(text, "{{"); n != l.Fields {
				t.Errorf("%+v: the %s part has %d fields", l, part, n)
			}
		}
	}
}

// A run from a file, with faults: what is accepted and what bounces is everybody.
func TestPlay(t *testing.T) {
	file := filepath.Join(t.TempDir(), "rough.toml")
	text := `title = "a rough day"
recipients = 300
retry = "100ms"
connections = 4
[letter]
bytes = 3000
fields = 5
[[site]]
name = "good"
share = 0.6
latency = "1ms"
unknown_user = 0.1
[[site]]
name = "rough"
share = 0.4
no_pipelining = true
drop_after_dot = 0.02
`
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	report, err := Run(t.Context(), Options{Dir: t.TempDir(), Log: t.Output()}, file)
	if err != nil {
		t.Fatal(err)
	}
	r := report.Results[0]
	figure := func(name string) float64 {
		for _, f := range r.Figures {
			if f.Name == name {
				return f.Value
			}
		}
		t.Fatalf("no figure %q", name)
		return 0
	}
	if figure("planned") != 300 || figure("accepted")+figure("bounced") != 300 || figure("bounced") == 0 || figure("open when the time was over") != 0 {
		t.Errorf("the figures are %+v", r.Figures)
	}
	if size := figure("size"); size < 2500 || size > 4500 {
		t.Errorf("a message has %v bytes, want about 3000", size)
	}
	if len(r.Detail.Sites) != 2 || r.Detail.Bottleneck == "" || len(r.Detail.Stages) == 0 {
		t.Errorf("the detail is %+v", r.Detail)
	}
	if limit := (&engineJob{Limit: time.Second}); !limit.over(5*time.Second, false) {
		t.Error("a run without an end is not cancelled")
	}
}
