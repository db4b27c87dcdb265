package mtasts

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// T5: what a policy file may look like.
func TestParse(t *testing.T) {
	full := "version: STSv1\r\nmode: enforce\r\nmx: mail.example.com\r\nmx: *.Example.NET\r\nmx: backup.example.com.\r\nmax_age: 604800\r\n"
	tests := []struct {
		name, text string
		want       Policy
		flaw       string
	}{
		{"as in the RFC", full, Policy{Enforce, []string{"mail.example.com", "*.example.net", "backup.example.com"}, 168 * time.Hour}, ""},
		{"LF, spaces, another order, unknown fields", "max_age:60\nx-more: 1\n\nmx:  a.example \nmode: testing\t\nversion: STSv1", Policy{Testing, []string{"a.example"}, time.Minute}, ""},
		{"withdrawn", "version: STSv1\nmode: none\nmax_age: 86400", Policy{NoMode, nil, 24 * time.Hour}, ""},
		{"the first of a field counts", "version: STSv1\nmode: enforce\nmode: none\nmx: a.example\nmax_age: 1\nmax_age: 2", Policy{Enforce, []string{"a.example"}, time.Second}, ""},
		{"a year at most", "version: STSv1\nmode: none\nmax_age: 9999999999", Policy{NoMode, nil, maxAge}, ""},
		{"another version", "version: STSv2\nmode: none\nmax_age: 1", Policy{}, "line 1: version"},
		{"no version", "mode: none\nmax_age: 1", Policy{}, "missing"},
		{"no mode", "version: STSv1\nmx: a.example\nmax_age: 1", Policy{}, "missing"},
		{"no max_age", "version: STSv1\nmode: none", Policy{}, "missing"},
		{"no mx", "version: STSv1\nmode: enforce\nmax_age: 1", Policy{}, "no mx"},
		{"unknown mode", "version: STSv1\nmode: Enforce\nmax_age: 1", Policy{}, "line 2: mode"},
		{"max_age with a sign", "version: STSv1\nmode: none\nmax_age: +1", Policy{}, "line 3: max_age"},
		{"max_age is empty", "version: STSv1\nmode: none\nmax_age:", Policy{}, "line 3: max_age"},
		{"wildcard inside", "version: STSv1\nmode: enforce\nmx: a.*.example\nmax_age: 1", Policy{}, "line 3: mx"},
		{"wildcard alone", "version: STSv1\nmode: enforce\nmx: *\nmax_age: 1", Policy{}, "line 3: mx"},
		{"HTML", "<!doctype html>", Policy{}, "line 1"},
		{"nothing", "", Policy{}, "missing"},
		{"too many mx", "version: STSv1\nmode: enforce\nmax_age: 1\n" + strings.Repeat("mx: a.b\n", maxMX+1), Policy{}, "more than"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := Parse([]byte(test.text))
			if test.flaw != "" {
				if err == nil || !strings.Contains(err.Error(), test.flaw) {
					t.Errorf("error %v, want %q", err, test.flaw)
				}
				return
			}
			if err != nil || !equal(got, test.want) {
				t.Errorf("%+v, %v; want %+v", got, err, test.want)
			}
		})
	}
}

func equal(a, b Policy) bool {
	return a.Mode == b.Mode && a.MaxAge == b.MaxAge && slices.Equal(a.MX, b.MX)
}

// T5: a wildcard stands for exactly one label.
func TestMatches(t *testing.T) {
	p := Policy{MX: []string{"mail.example.com", "*.example.net"}}
	for host, want := range map[string]bool{
		"mail.example.com": true, "a.mail.example.com": false, "example.com": false,
		"a.example.net": true, "example.net": false, "a.b.example.net": false, "aexample.net": false, "": false,
	} {
		if p.Matches(host) != want {
			t.Errorf("%q matches: %v", host, !want)
		}
	}
}

func TestParseRecord(t *testing.T) {
	for _, test := range []struct {
		texts []string
		want  string
	}{
		{[]string{"v=STSv1; id=20160831085700Z;"}, "20160831085700Z"},
		{[]string{"v=STSv1;id=1"}, "1"},
		{[]string{"v=STSv1 ; more=x ; id=1"}, "1"},
		{[]string{"v=spf1 -all", "v=STSv1; id=2"}, "2"},
		{[]string{"v=STSv1; id=1", "v=STSv1; id=2"}, ""},
		{[]string{"v=STSv10; id=1"}, ""},
		{[]string{"id=1; v=STSv1"}, ""},
		{[]string{"v=STSv1"}, ""},
		{[]string{"v=STSv1; id="}, ""},
		{[]string{"v=STSv1; id=a-b"}, ""},
		{[]string{"v=STSv1; id=" + strings.Repeat("1", 33)}, ""},
		{nil, ""},
	} {
		if id, err := parseRecord(test.texts); id != test.want || (err == nil) != (test.want != "") {
			t.Errorf("%q: id %q, %v; want %q", test.texts, id, err, test.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("version: STSv1\r\nmode: enforce\r\nmx: *.example.com\r\nmax_age: 604800\r\n"))
	f.Add([]byte("version:STSv1\nmode:none\nmax_age:0"))
	f.Add([]byte("mx: *.\nmx: .\nmax_age: -1"))
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := Parse(text)
		if err != nil {
			return
		}
		if p.MaxAge < 0 || p.MaxAge > maxAge || p.Mode != NoMode && len(p.MX) == 0 {
			t.Fatalf("%+v", p)
		}
		again, err := Parse([]byte(strings.Join(p.Strings(), "\n")))
		if err != nil || !equal(p, again) {
			t.Fatalf("%+v became %+v, %v", p, again, err)
		}
		for _, pattern := range p.MX {
			if host := strings.Replace(pattern, "*", "a", 1); !p.Matches(host) {
				t.Fatalf("%q does not match %q", pattern, host)
			}
		}
	})
}

func FuzzRecord(f *testing.F) {
	f.Add("v=STSv1; id=20160831085700Z;", "v=spf1 -all")
	f.Add("v=STSv1;;id=;id=1", "")
	f.Fuzz(func(t *testing.T, a, b string) {
		if id, err := parseRecord([]string{a, b}); err == nil && (id == "" || len(id) > 32) {
			t.Fatalf("id %q", id)
		}
	})
}
