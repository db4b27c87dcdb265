package shaping

import (
	"slices"
	"testing"
	"time"

	"broadside/delivery/smtp"
)

const mine = `
[[provider.yahoo.reaction]]
name = "TS02"
codes = ["4yz"]
pattern = '\[TS02\]'
hits = 7
within = "20m"
scope = "sending_domain"
rate = "30/h"
connections = 2
for = "90s"
samples = ["421 4.7.0 [TS02] Messages temporarily deferred"]

[[provider.yahoo.reaction]]
name = "any refusal in its own words"
codes = ["554", "4yz"]
enhanced = ["5.9.9", "4.9.9"]
stop = true
probe = true
for = "1h"
samples = ["554 5.9.9 No", "450-4.9.9 Not now"]

[[default.reaction]]
name = "too many connections"
off = true

[[default.reaction]]
name = "mine, of anybody"
pattern = 'my own words'
connections = 1
for = "1m"
samples = ["450 My own words"]
`

// An operator's reactions come before the built-in ones, one of a built-in name takes
// its place, and those to what anybody says come last.
func TestReact(t *testing.T) {
	table, err := Parse([]byte(mine))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		provider       string
		code           int
		enhanced, text string
		want, does     string // want "": none
	}{
		{"yahoo", 421, "4.7.0", "[ts02] messages temporarily deferred", "TS02", "at most 30/h and at most 2 connections for 1m30s"},
		{"yahoo", 553, "5.7.1", "[TS02] Messages", "", ""},
		{"yahoo", 421, "4.7.0", "[TS01] Messages temporarily deferred", "", ""}, // the built-in TS02 is gone
		{"yahoo", 421, "4.7.0", "[TSS04] Messages temporarily deferred", "TSS04", "stop for 2h"},
		{"yahoo", 554, "5.9.9", "", "any refusal in its own words", "stop for 1h, then one connection, one more with each success"},
		{"yahoo", 421, "4.9.9", "", "any refusal in its own words", "stop for 1h, then one connection, one more with each success"},
		{"yahoo", 550, "5.9.9", "", "", ""},
		{"yahoo", 554, "", "5.9.9 is in the text", "", ""},
		{"yahoo", 421, "", "too many connections", "", ""},
		{"yahoo", 450, "", "in my own words, as anybody's", "mine, of anybody", "at most one connection for 1m"},
		{"", 450, "", "my own words", "mine, of anybody", "at most one connection for 1m"},
		{"unheard-of", 450, "", "my own words", "mine, of anybody", "at most one connection for 1m"},
		{"google", 450, "", "[TS02] Messages", "", ""},
		{"google", 250, "2.0.0", "OK", "", ""},
	} {
		r, ok := table.React(c.provider, c.code, c.enhanced, c.text)
		if ok != (c.want != "") || ok && (r.Name != c.want || r.Does() != c.does) {
			t.Errorf("%s: %d %s %s: %+v, want %s: %s", c.provider, c.code, c.enhanced, c.text, r, c.want, c.does)
		}
	}
	r, _ := table.React("yahoo", 421, "4.7.0", "[TS02]")
	if r.Provider != "yahoo" || r.Hits != 7 || r.Within != 20*time.Minute || r.Scope != SendingDomain || r.For != 90*time.Second {
		t.Errorf("%+v", r)
	}
	if r, _ := table.React("", 450, "", "my own words"); r.Provider != "" || r.Hits != 1 || r.Within != time.Hour || r.Scope != Source {
		t.Errorf("defaults: %+v", r)
	}
}

// What is looked for before a pattern is tried never hides a match.
func TestLiterals(t *testing.T) {
	for pattern, want := range map[string][]string{
		`server busy`: {"server busy"},
		`\[TS0[12]\]`: {"[ts0"},
		`\bRP-00[12]\b|too many (?:concurrent )?connections`: {"rp-00", "connections"},
		`(?:spam|ham)+!`: {"spam", "ham"},
		`slow(?:down)?`:  {"slow"},
		`[a-z]+ x?`:      {" "},
		`a*|slow`:        nil,
		`\d{3,}`:         nil,
	} {
		m, err := newMatcher(pattern)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(m.literals, want) {
			t.Errorf("%s: %q, want %q", pattern, m.literals, want)
		}
	}
}

// What an operator leaves out stays, a longer suffix wins, and a given suffix moves.
func TestOnTop(t *testing.T) {
	table, err := Parse([]byte(`
[default]
connections = 7
[provider.zoho]
rate = "10/h"
[provider.mine]
mx = ["vip.google.com", "messagingengine.com"]
domains = ["gmail.com"]
tls = "none"
[site."mx.small.example"]
max_age = "1m"
`))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		provider, site string
		want           Rules
	}{
		{"", "", Rules{7, 100, 100, time.Minute, 10 * time.Minute, Opportunistic}},
		{"zoho", "zoho", Rules{7, 100, 10.0 / 3600, time.Minute, 10 * time.Minute, Opportunistic}},
		{"google", "google", Rules{5, 50, 100, time.Minute, 10 * time.Minute, Require}},
		{"mine", "mine", Rules{7, 100, 100, time.Minute, 10 * time.Minute, NoTLS}},
		{"", "mx.small.example", Rules{7, 100, 100, time.Minute, time.Minute, Opportunistic}},
	} {
		if got := table.Rules(c.provider, c.site); got != c.want {
			t.Errorf("%s %s:\n got %+v\nwant %+v", c.provider, c.site, got, c.want)
		}
	}
	for host, want := range map[string]string{"mx.vip.google.com": "mine", "mx.google.com": "google", "in1.messagingengine.com": "mine"} {
		if got, _ := table.ProviderOf(host); got != want {
			t.Errorf("%s is of %s, want %s", host, got, want)
		}
	}
	if got, _ := table.ProviderOfDomain("gmail.com"); got != "mine" {
		t.Errorf("gmail.com is of %s", got)
	}
	if got, _ := Builtin().ProviderOfDomain("gmail.com"); got != "google" {
		t.Error("the built-in table was changed")
	}
}

// Samples are read as a session reads replies.
func TestSamplesAreReplies(t *testing.T) {
	f, err := readFile(builtinText)
	if err != nil {
		t.Fatal(err)
	}
	samples := 0
	for name, section := range f.Provider {
		for _, w := range section.Reaction {
			for _, sample := range w.Samples {
				samples++
				want, err := smtp.ParseReply(sample)
				code, enhanced, text, _ := splitSample(sample)
				if err != nil || code != want.Code || enhanced != want.Enhanced || text != want.Text {
					t.Errorf("%s: %q is %d, %q, %q; a session reads %+v, %v", name, sample, code, enhanced, text, want, err)
				}
			}
		}
	}
	if samples < 100 {
		t.Errorf("%d samples: the table was cut", samples)
	}
}
