package shaping

import (
	"os"
	"strings"
	"testing"
	"time"
)

// An operator may write anything: it is refused in one line, or it is a table that
// keeps its promises.
func FuzzParse(f *testing.F) {
	page, err := os.ReadFile("../../docs/shaping.md")
	if err != nil {
		f.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(page), "```toml\n")
	example, _, _ := strings.Cut(rest, "```\n")
	f.Add(example)
	f.Add("[default]\nrate = \"1/d\"\nidle = \"10m\"\n[provider.mine]\nmx = [\"a.b\"]\nreaction = [{name = \"x\", codes = [\"4yz\"], stop = true, for = \"1s\", samples = [\"450\"]}]\n")
	f.Add("[[default.reaction]]\nname = \"connection rate\"\noff = true\n[site.\"[::1]\"]\ntls = \"none\"\n")
	f.Add("a.\"b\".c = 1\n\n[[provider.\"\".reaction]]\n")
	f.Fuzz(func(t *testing.T, text string) {
		table, err := Parse([]byte(text))
		if err != nil {
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("an error of several lines: %q", err)
			}
			return
		}
		for _, provider := range append(table.Providers(), "") {
			r := table.Rules(provider, "")
			if r.Connections < 1 || r.MessagesPerConnection < 1 || r.Rate <= 0 || r.Idle < time.Second || r.MaxAge < 10*time.Second || r.TLS > NoTLS {
				t.Errorf("%q: %+v", provider, r)
			}
		}
		for suffix, name := range table.suffixes {
			if got, ok := table.ProviderOf("mx." + suffix); !ok || got != name {
				t.Errorf("a host of %s is of %q, want %s", suffix, got, name)
			}
			if _, ok := table.providers[name]; !ok {
				t.Errorf("%s is of %q, which does not exist", suffix, name)
			}
		}
		if r, ok := table.React("google", 550, "5.7.1", text); ok && (r.For <= 0 || r.Hits < 1 || !r.Stop && r.Rate == 0 && r.Connections == 0) {
			t.Errorf("%+v", r)
		}
	})
}

// A pattern with its literals looked for first matches what it matches without.
func FuzzMatcher(f *testing.F) {
	f.Add(`\[TSS0[45]\]|too many (?:connections|sessions)`, "421 4.7.0 [tss04] Messages deferred")
	f.Add(`(a|b)c{2,}d?$`, "ACC")
	f.Add(`(?-i)Ab|x(?i)Y`, "ab XY")
	f.Fuzz(func(t *testing.T, pattern, text string) {
		m, err := newMatcher(pattern)
		if err != nil || strings.ContainsFunc(text, func(r rune) bool { return r > '~' }) {
			return
		}
		if got, want := m.matches(text, strings.ToLower(text)), m.expression.MatchString(text); got != want {
			t.Errorf("%q in %q: %v, want %v (%q)", pattern, text, got, want, m.literals)
		}
	})
}
