package shaping

import (
	"strings"
	"testing"
)

// Mistakes that stand in public shaping files, and those that people make in their
// own: each is refused with its line.
func TestMistakes(t *testing.T) {
	reaction := func(provider, lines string) string {
		return "[[provider." + provider + ".reaction]]\nname = \"mine\"\n" + lines + "\n"
	}
	const action = "stop = true\nfor = \"1h\"\n"
	const sample = "samples = [\"421 4.7.0 slow down\"]\n"
	for name, c := range map[string]struct{ text, want string }{
		// The four of public files.
		"rules under a name that nobody has": {
			"[provider.outlok]\nconnections = 3\n",
			"line 1: provider.outlok: nobody has this name: known are apple,"},
		"a reaction under a name that nobody has": {
			reaction("hotmail", "pattern = 'slow down'\n"+action+sample),
			"line 1: provider.hotmail: nobody has this name"},
		"a pattern that the provider's replies don't match any more": {
			reaction("google", "pattern = 'our system has detected an unusual rate'\n"+action+
				"samples = [\"421 4.7.28 Gmail has detected an unusual rate of mail originating from your IP address\"]\n"),
			`line 6: provider.google.reaction.samples: "421 4.7.28 Gmail has detected an unusual rate of mail originating from your IP address" does not match reaction "mine"`},
		"a suffix that ends in a dot": {
			"[provider.mine]\nmx = [\"mail.example.net\", \"example.com.\"]\n",
			`line 2: "example.com." can never match`},
		"a pattern escaped twice": {
			reaction("google", `pattern = 'rate of \\d+'`+"\n"+action+sample),
			`line 3: pattern "rate of \\\\d+" matches a backslash, which no reply contains: it is escaped twice`},
		"a pattern escaped twice, in the other quotes": {
			reaction("google", `pattern = "rate of \\\\d+"`+"\n"+action+sample),
			`line 3: pattern "rate of \\\\d+" matches a backslash`},

		"a suffix that begins with a dot": {"[provider.mine]\nmx = [\".example.net\"]\n", `line 2: ".example.net" can never match`},
		"a suffix in upper case":          {"[provider.mine]\nmx = [\"Example.NET\"]\n", `line 2: "Example.NET" can never match`},
		"a suffix with a wildcard":        {"[provider.mine]\nmx = [\"*.example.net\"]\n", `line 2: "*.example.net" can never match`},
		"a suffix in U-labels":            {"[provider.mine]\nmx = [\"mx.bücher.example\"]\n", "can never match"},
		"a suffix of a whole country":     {"[provider.mine]\nmx = [\"net\"]\n", `line 2: "net" can never match`},
		"an address for a suffix":         {"[provider.mine]\nmx = [\"mx@example.net\"]\n", "can never match"},
		"a mailbox domain with a dot":     {"[provider.google]\ndomains = [\"gmail.example.\"]\n", "line 2: "},
		"a suffix of two providers": {
			"[provider.mine]\nmx = [\"example.net\"]\n[provider.yours]\nmx = [\"example.net\"]\n",
			`line 4: provider.yours.mx: "example.net" is in the list of mine already`},
		"a provider in upper case": {"[provider.Mine]\nmx = [\"example.net\"]\n", "line 1: provider.Mine: a provider's name"},
		"a provider for a site":    {"[site.google]\nconnections = 1\n", "line 1: site.google: google is a provider: write [provider.google]"},
		"a provider's host for a site": {
			"[site.\"aspmx.l.google.com\"]\nconnections = 1\n", "the host is of provider google, and so is its site"},
		"a site with a dot at the end": {"[site.\"mx.example.net.\"]\nconnections = 1\n", "line 1: site.mx.example.net.: a site is named"},

		"no TOML":                      {"[default\n", "line 1: "},
		"an unknown key":               {"[default]\nconnection = 3\n", `line 2: unknown key "default.connection"`},
		"an unknown key of a reaction": {reaction("google", "patern = 'x'\n"), `line 3: unknown key "provider.google.reaction.patern"`},
		"a rate of a site in reaction": {"[site.\"mx.example.net\"]\nmx = [\"a.example\"]\n", "unknown key"},
		"a rate without a unit":        {"[default]\nrate = 100\n", "line 2: rate is written in quotes, with its unit"},
		"a rate in another unit":       {"[default]\nrate = \"5/fortnight\"\n", `line 2: rate "5/fortnight": write "10/s"`},
		"a rate of nothing":            {"[default]\nrate = \"0/s\"\n", `line 2: rate "0/s": from 1/d to 10000/s`},
		"a rate that is no number":     {"[default]\nrate = \"NaN/s\"\n", "line 2: rate"},
		"a rate below none":            {"[default]\nrate = \"-5/s\"\n", "line 2: rate"},
		"seconds without a unit":       {"[default]\nidle = 60\n", "line 2: idle is written in quotes"},
		"an idle time that is none":    {"[default]\nidle = \"soon\"\n", `line 2: time "soon": write "90s"`},
		"an idle time that is too long": {
			"[default]\n# as long as they like\nidle = \"2h\"\n", "line 3: default.idle: 2h: from 1s to 10m"},
		"an age that is too short": {"[provider.google]\nmax_age = \"1s\"\n", "line 2: provider.google.max_age: 1s: from 10s to 24h"},
		"no connections":           {"[provider.google]\nconnections = 0\n", "line 2: provider.google.connections: 0: from 1 to 1000"},
		"connections in quotes":    {"[provider.google]\nconnections = \"5\"\n", "line 2: the key has a value of another kind than string"},
		"no messages":              {"[site.\"mx.example.net\"]\nmessages = -1\n", "line 2: site.mx.example.net.messages: -1: from 1 to 100000"},
		"encryption, please":       {"[default]\ntls = true\n", "line 2: tls is written in quotes"},
		"some encryption":          {"[default]\ntls = \"yes\"\n", `line 2: tls "yes": opportunistic, require or none`},

		"a reaction to nothing":      {reaction("google", action+sample), `line 1: provider.google.reaction: reaction "mine" needs codes, enhanced or a pattern`},
		"a reaction to everything":   {reaction("google", "pattern = '(slow)?'\n"+action+sample), "matches every reply"},
		"a reaction without samples": {reaction("google", "pattern = 'slow down'\n"+action), "needs samples"},
		"a reaction without a name":  {"[[provider.google.reaction]]\npattern = 'slow down'\n" + action + sample, "needs a name"},
		"a reaction that does nothing": {
			reaction("google", "pattern = 'slow down'\nfor = \"1h\"\n"+sample), "does nothing: write stop = true, a rate or connections"},
		"a reaction that stops and slows": {
			reaction("google", "pattern = 'slow down'\nrate = \"1/m\"\n"+action+sample), "a stop has neither rate nor connections"},
		"a reaction for ever": {reaction("google", "pattern = 'slow down'\nstop = true\n"+sample), "for how long?"},
		"a reaction for a year": {
			reaction("google", "pattern = 'slow down'\nstop = true\nfor = \"8760h\"\n"+sample), "line 5: provider.google.reaction.for: 8760h: from 1s to 168h"},
		"probing without a stop": {
			reaction("google", "pattern = 'slow down'\nrate = \"1/m\"\nfor = \"1h\"\nprobe = true\n"+sample), "line 6: provider.google.reaction.probe: "},
		"no hits":        {reaction("google", "pattern = 'slow down'\nhits = 0\n"+action+sample), "line 4: provider.google.reaction.hits: 0: from 1 to 1000"},
		"a long memory":  {reaction("google", "pattern = 'slow down'\nwithin = \"48h\"\n"+action+sample), "within: 48h: from 1s to 24h"},
		"a success":      {reaction("google", "codes = [\"250\"]\n"+action+sample), `code "250": write one such as "421"`},
		"a strange code": {reaction("google", "codes = [\"4xx\"]\n"+action+sample), `code "4xx": write one such as "421", or "4yz"`},
		"a strange enhanced code": {
			reaction("google", "enhanced = [\"4.7\"]\n"+action+sample), `enhanced code "4.7": write one such as "4.7.28"`},
		"a strange scope":  {reaction("google", "pattern = 'slow down'\nscope = \"world\"\n"+action+sample), `line 4: scope "world": source, sending_domain or url_domain`},
		"a broken pattern": {reaction("google", "pattern = 'slow (down'\n"+action+sample), "line 3: pattern \"slow (down\": error parsing regexp: missing closing ): `slow (down`"},
		"a sample that is no reply": {
			reaction("google", "pattern = 'slow down'\n"+action+"samples = [\"slow down\"]\n"), `line 6: provider.google.reaction.samples: "slow down" is no refusal`},
		"a sample that an earlier reaction catches": {
			reaction("google", "pattern = 'slow'\n"+action+sample) +
				"[[provider.google.reaction]]\nname = \"later\"\npattern = 'slow down'\n" + action + sample,
			`line 13: provider.google.reaction.samples: "421 4.7.0 slow down" is caught by reaction "mine", which comes before "later"`},
		"two reactions of a name": {
			reaction("google", "pattern = 'slow'\n"+action+sample) + reaction("google", "pattern = 'down'\n"+action+sample),
			`line 8: provider.google.reaction: there is another reaction "mine"`},
		"off, but never on": {"[[provider.google.reaction]]\nname = \"usual rate\"\noff = true\n", `off: there is no built-in reaction "usual rate"`},
		"a mistake inside an inline table": {
			"[provider.google]\nreaction = [{name = \"mine\", pattern = 'slow'}]\n", `line 2: provider.google.reaction: reaction "mine" does nothing`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse([]byte(c.text))
			if err == nil {
				t.Fatalf("taken:\n%s", c.text)
			}
			if got := err.Error(); !strings.Contains(got, c.want) || !strings.HasPrefix(got, "line ") || strings.Contains(got, "\n") {
				t.Errorf("%s\n got %s\nwant one line with %s", c.text, got, c.want)
			}
		})
	}
}
