package shaping

import (
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestProviderOf(t *testing.T) {
	table := Builtin()
	for host, want := range map[string]string{
		"gmail-smtp-in.l.google.com.":             "google",
		"alt2.gmr-smtp-in.l.google.com":           "google",
		"smtp.google.com":                         "google",
		"hotmail-com.olc.protection.outlook.com":  "microsoft",
		"example-com.mail.protection.outlook.com": "microsoft365",
		"example-com.j-v1.mx.microsoft":           "microsoft365",
		"mta7.am0.yahoodns.net":                   "yahoo",
		"mx1.mail.yahoo.co.jp":                    "yahoojp",
		"mx01.mail.icloud.com":                    "apple",
		"mx1a1.comcast.net":                       "comcast",
		"mx00.gmx.net":                            "gmx",
		"mx-ha02.web.de":                          "gmx",
		"smtp-in.orange.fr":                       "orange",
		"eu-smtp-inbound-1.mimecast.com":          "mimecast",
		"mx3.qq.com":                              "qq",
		"163mx01.mxmail.netease.com":              "netease",
		"d1234.a.ess.uk.barracudanetworks.com":    "barracuda",
		"mxs.mail.ru":                             "mailru",
		"mx.yandex.ru":                            "yandex",
		"mx0a-00012345.pphosted.com":              "proofpoint",
		"in1-smtp.messagingengine.com":            "fastmail",
		"mail.protonmail.ch":                      "proton",
		"A.B.GOOGLE.COM.":                         "google",
		"xgoogle.com":                             "", // a suffix is whole labels
		"outlook.com":                             "",
		"mail.example.com":                        "",
		"google.com.example.net":                  "",
		"com":                                     "",
		"":                                        "",
	} {
		if got, ok := table.ProviderOf(host); got != want || ok != (want != "") {
			t.Errorf("%s: %q, %v; want %q", host, got, ok, want)
		}
	}
}

func TestProviderOfDomain(t *testing.T) {
	for domain, want := range map[string]string{
		"Gmail.com": "google", "hotmail.co.uk": "microsoft", "live.nl": "microsoft", "outlook.com.": "microsoft",
		"ymail.com": "yahoo", "aol.com": "yahoo", "att.net": "yahoo", "yahoo.co.jp": "yahoojp", "me.com": "apple",
		"web.de": "gmx", "wanadoo.fr": "orange", "bk.ru": "mailru", "comcast.net": "comcast", "example.com": "",
		"mail.gmail.com": "",
	} {
		if got, ok := Builtin().ProviderOfDomain(domain); got != want || ok != (want != "") {
			t.Errorf("%s: %q, %v; want %q", domain, got, ok, want)
		}
	}
}

func TestBuiltinRules(t *testing.T) {
	plain := Rules{Connections: 10, MessagesPerConnection: 100, Rate: 100, Idle: time.Minute, MaxAge: 10 * time.Minute}
	for provider, change := range map[string]func(*Rules){
		"":             func(*Rules) {},
		"zoho":         func(*Rules) {},
		"unheard-of":   func(*Rules) {},
		"google":       func(r *Rules) { r.Connections, r.MessagesPerConnection, r.TLS = 5, 50, Require },
		"microsoft":    func(r *Rules) { r.Connections, r.MessagesPerConnection = 5, 50 },
		"microsoft365": func(r *Rules) { r.Connections = 5 },
		"yahoo":        func(r *Rules) { r.MessagesPerConnection = 20 },
		"yahoojp":      func(r *Rules) { r.Connections, r.MessagesPerConnection, r.Rate = 2, 20, 10 },
		"apple":        func(r *Rules) { r.MessagesPerConnection = 5 },
		"comcast":      func(r *Rules) { r.Connections, r.MessagesPerConnection, r.TLS = 25, 1000, Require },
		"gmx":          func(r *Rules) { r.Connections, r.MessagesPerConnection, r.TLS = 4, 20, Require },
		"orange":       func(r *Rules) { r.Connections, r.TLS = 2, Require },
		"mimecast":     func(*Rules) {},
		"qq":           func(r *Rules) { r.Connections, r.MessagesPerConnection, r.TLS = 4, 8, Require },
		"netease":      func(r *Rules) { r.Connections, r.MessagesPerConnection, r.TLS = 4, 7, Require },
		"barracuda":    func(r *Rules) { r.MessagesPerConnection, r.TLS = 15, Require },
	} {
		want := plain
		change(&want)
		if got := Builtin().Rules(provider, "mx.example.net"); got != want {
			t.Errorf("%q:\n got %+v\nwant %+v", provider, got, want)
		}
	}
}

// Every provider is reached by a host, and every domain and suffix leads to one that
// exists.
func TestEveryProviderIsReached(t *testing.T) {
	table := Builtin()
	reached := map[string]bool{}
	for suffix, name := range table.suffixes {
		for _, host := range []string{suffix, "mx1." + suffix, "A.B." + strings.ToUpper(suffix) + "."} {
			if got, _ := table.ProviderOf(host); got != name {
				t.Errorf("%s is of %q, want %s", host, got, name)
			}
		}
		reached[name] = true
	}
	if got := slices.Sorted(maps.Keys(reached)); !slices.Equal(got, table.Providers()) {
		t.Errorf("reached are %v, there are %v", got, table.Providers())
	}
	for domain, name := range table.domains {
		if !reached[name] {
			t.Errorf("%s is of %q, which does not exist", domain, name)
		}
	}
}

// The page that describes the file shows one that works, and names every key.
func TestPage(t *testing.T) {
	page, err := os.ReadFile("../../docs/shaping.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(page), "```toml\n")
	example, rest, ok := strings.Cut(rest, "```\n")
	if !ok {
		t.Fatal("no example")
	}
	table, err := Parse([]byte(example))
	if err != nil {
		t.Fatal(err)
	}
	if got := table.Rules("google", "google"); got.Connections != 2 || got.Rate != 10 || got.MessagesPerConnection != 50 {
		t.Errorf("google: %+v", got)
	}
	if name, _ := table.ProviderOf("mx1.mx.example.net"); name != "example" || table.Rules(name, name).TLS != Require {
		t.Errorf("a new provider: %q, %+v", name, table.Rules(name, name))
	}
	if got := table.Rules("", "mail.small.example"); got.Connections != 1 || got.Rate != 0.5 || got.Idle != time.Minute {
		t.Errorf("a site: %+v", got)
	}
	if _, ok := table.React("yahoo", 421, "4.7.0", "[TS02] Messages temporarily deferred"); ok {
		t.Error("a reaction that was put off is on")
	}
	for _, form := range []reflect.Type{reflect.TypeFor[limits](), reflect.TypeFor[section](), reflect.TypeFor[written]()} {
		for f := range form.Fields() {
			if key := f.Tag.Get("toml"); key != "" && key != "reaction" && !strings.Contains(rest, "| `"+key+"` |") {
				t.Errorf("the page does not explain %q", key)
			}
		}
	}
}
