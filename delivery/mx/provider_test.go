package mx

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// A suffix with a dot too many, or one that another provider has, never matches.
func TestEverySuffixMatches(t *testing.T) {
	name := regexp.MustCompile(`^[a-z][a-z0-9]*$`)
	suffix := regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+$`)
	seen := make(map[string]bool)
	for _, p := range Providers() {
		if !name.MatchString(p.Name) || seen[p.Name] || len(p.Suffixes) == 0 {
			t.Errorf("provider %q: a name of its own and a suffix are needed", p.Name)
		}
		seen[p.Name] = true
		for _, s := range p.Suffixes {
			if !suffix.MatchString(s) {
				t.Errorf("%s: suffix %q", p.Name, s)
			}
			for _, host := range []string{s, "mx1." + s, "A.B." + strings.ToUpper(s) + "."} {
				if got, ok := ProviderOf(host); !ok || got.Name != p.Name {
					t.Errorf("%s is of %q, want %s", host, got.Name, p.Name)
				}
			}
			if got, ok := ProviderOf("x" + s); ok && got.Name == p.Name {
				t.Errorf("x%s is of %s: a suffix is whole labels", s, p.Name)
			}
		}
		if p.Connections <= 0 || p.MessagesPerConnection <= 0 || p.Rate <= 0 || p.Idle <= 0 {
			t.Errorf("%s: %+v", p.Name, p)
		}
	}
}

func TestProviderOf(t *testing.T) {
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
		"outlook.com":                             "",
		"mail.example.com":                        "",
		"google.com.example.net":                  "",
		"com":                                     "",
		"":                                        "",
	} {
		p, ok := ProviderOf(host)
		if p.Name != want || ok != (want != "") {
			t.Errorf("%s: %q, %v; want %q", host, p.Name, ok, want)
		}
	}
}

func TestLimits(t *testing.T) {
	google, _ := ProviderOf("aspmx.l.google.com")
	if google.Connections != 5 || google.MessagesPerConnection != 50 || !google.RequireTLS {
		t.Errorf("%+v", google)
	}
	ms, _ := ProviderOf("x.mail.protection.outlook.com")
	if ms.Connections != 5 || ms.MessagesPerConnection != 100 || ms.RequireTLS {
		t.Errorf("%+v", ms)
	}
	if d := Default(); d.Name != "" || d.Connections != 10 || d.MessagesPerConnection != 100 || d.Rate != 100 || d.Idle != time.Minute || d.RequireTLS {
		t.Errorf("%+v", d)
	}
}

func TestMailboxDomains(t *testing.T) {
	var names []string
	for _, p := range Providers() {
		names = append(names, p.Name)
	}
	for domain, provider := range mailboxes {
		if !slices.Contains(names, provider) {
			t.Errorf("%s is of %q, which has no row", domain, provider)
		}
		if domain != normal(domain) || !strings.Contains(domain, ".") {
			t.Errorf("%q can't match", domain)
		}
	}
	for domain, want := range map[string]string{
		"Gmail.com": "google", "hotmail.co.uk": "microsoft", "live.nl": "microsoft", "outlook.com.": "microsoft",
		"ymail.com": "yahoo", "aol.com": "yahoo", "att.net": "yahoo", "yahoo.co.jp": "yahoojp", "me.com": "apple",
		"web.de": "gmx", "wanadoo.fr": "orange", "bk.ru": "mailru", "comcast.net": "comcast", "example.com": "",
	} {
		if got, ok := ProviderOfDomain(domain); got != want || ok != (want != "") {
			t.Errorf("%s: %q, %v; want %q", domain, got, ok, want)
		}
	}
}
