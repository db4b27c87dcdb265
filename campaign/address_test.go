package campaign

import (
	"strings"
	"testing"
)

func TestParseAddress(t *testing.T) {
	tests := []struct{ in, email, name string }{
		{"a@example.org", "a@example.org", ""},
		{"  A.b+tag@EXAMPLE.Org\t", "A.b+tag@example.org", ""},
		{"\u00a0\u200ba@example.org\ufeff\u202c", "a@example.org", ""},
		{"Zoë Ng <zoe@example.org>", "zoe@example.org", "Zoë Ng"},
		{`"Ng, Zoë \"Z\"" <zoe@example.org>`, "zoe@example.org", `Ng, Zoë "Z"`},
		{"'Bo' <bo@example.org>", "bo@example.org", "Bo"},
		{"<bo@example.org>", "bo@example.org", ""},
		{"a\r\nBcc: x <bo@example.org>", "bo@example.org", "a Bcc: x"},
		{"mailto:bo@example.org?subject=Hi", "bo@example.org", ""},
		{"MAILTO:bo@example.org", "bo@example.org", ""},
		{"zoe@MÜNCHEN.example", "zoe@xn--mnchen-3ya.example", ""},
		{"zoe@xn--mnchen-3ya.EXAMPLE", "zoe@xn--mnchen-3ya.example", ""},
		{"zoë@example.org", "zoë@example.org", ""},
		{"用户@例え.jp", "用户@xn--r8jz45g.jp", ""},
		{`"bo"@example.org`, "bo@example.org", ""},
		{`"a..b"@example.org`, `"a..b"@example.org`, ""},
		{`"a\"\\\@b"@example.org`, `"a\"\\@b"@example.org`, ""},
		{"o'neil!#$%&*/=?^_`{|}~-@example.org", "o'neil!#$%&*/=?^_`{|}~-@example.org", ""},
		{strings.Repeat("a", 64) + "@" + strings.Repeat("d", 63) + "." + strings.Repeat("e", 63) + "." + strings.Repeat("f", 57) + ".de",
			strings.Repeat("a", 64) + "@" + strings.Repeat("d", 63) + "." + strings.Repeat("e", 63) + "." + strings.Repeat("f", 57) + ".de", ""},
	}
	for _, tt := range tests {
		got, err := ParseAddress(tt.in)
		if err != nil || got != (Address{tt.email, tt.name}) {
			t.Errorf("ParseAddress(%q) = %+v, %v; want %q %q", tt.in, got, err, tt.email, tt.name)
		}
	}
}

// X1, S6: what is refused, in words for the person who owns the list.
func TestParseAddressRefuses(t *testing.T) {
	tests := []struct{ in, want string }{
		{"", "no address"},
		{" \u200b ", "no address"},
		{"Bo <>", "no address"},
		{"bo.example.org", "no @ sign"},
		{"@example.org", "nothing before the @ sign"},
		{"bo@", "nothing after the @ sign"},
		{"bo@example", "the domain has no dot"},
		{"bo@münchen", "the domain has no dot"},
		{"bo@10.0.0.1", "the domain is a number"},
		{"bo@[10.0.0.1]", "the domain is a number"},
		{"bo@example.123", "the domain is a number"},
		{"bo@bücher.123", "the domain is a number"},
		{"bo@example.org.", "a dot too many in the domain"},
		{"bo@.example.org", "a dot too many in the domain"},
		{"bo@example..org", "a dot too many in the domain"},
		{"bo@-example.org", "a part of the domain begins or ends with a hyphen"},
		{"bo@example-.org", "a part of the domain begins or ends with a hyphen"},
		{"bo@exa_mple.org", "the character _ is not allowed after the @ sign"},
		{"bo@example.org,", "the character , is not allowed after the @ sign"},
		{"bo@example,org", "the character , is not allowed after the @ sign"},
		{"bo@exam ple.org", "a blank after the @ sign"},
		{"bo@xn--zzzzzzz99999.org", `"xn--zzzzzzz99999.org" is not a valid international domain`},
		{"b o@example.org", "a blank before the @ sign"},
		{"bo\u00a0x@example.org", "a blank before the @ sign"},
		{"bo\u200bx@example.org", "an invisible character (U+200B) before the @ sign"},
		{"bo\x00@example.org", "an invisible character (U+0000) before the @ sign"},
		{"bo\xff@example.org", "a character that can't be read before the @ sign"},
		{"bo\r\nRCPT TO:<x@example.org", "a blank before the @ sign"},
		{"bo@example.org\r\nDATA", "a blank after the @ sign"},
		{"bo@example.org> SIZE=1", "the character > is not allowed after the @ sign"},
		{"<bo@example.org", "the character < is not allowed before the @ sign"},
		{"bo@example.org>", "a > without a <"},
		{`"x> ORCPT=admin"@example.org`, "the character > is not allowed before the @ sign"},
		{`"a b"@example.org`, "a blank before the @ sign"},
		{"\"a\r\nb\"@example.org", "a blank before the @ sign"},
		{`"ab@example.org`, "a quotation mark that is not closed before the @ sign"},
		{`"a"b"@example.org`, "a quotation mark or backslash too many before the @ sign"},
		{`""@example.org`, "a quotation mark that is not closed before the @ sign"},
		{"bo@example.org al@example.org", "more than one @ sign; one address per row"},
		{"bo@example.org; al@example.org", "more than one @ sign; one address per row"},
		{"bo@@example.org", "more than one @ sign; one address per row"},
		{".bo@example.org", "a dot too many before the @ sign"},
		{"bo.@example.org", "a dot too many before the @ sign"},
		{"b..o@example.org", "a dot too many before the @ sign"},
		{"bo(x)@example.org", "the character ( is not allowed before the @ sign"},
		{strings.Repeat("a", 65) + "@example.org", "longer than 64 characters before the @ sign"},
		{"bo@" + strings.Repeat("d", 64) + ".org", "a part of the domain is longer than 63 characters"},
		{"bo@" + strings.Repeat("d.", 127) + "org", "the domain is longer than 255 characters"},
		{strings.Repeat("a", 64) + "@" + strings.Repeat("d.", 94) + "org", "longer than 254 characters"},
	}
	for _, tt := range tests {
		got, err := ParseAddress(tt.in)
		if err == nil || err.Error() != tt.want {
			t.Errorf("ParseAddress(%q) = %+v, %v; want %s", tt.in, got, err, tt.want)
		}
	}
}

func TestAppendAddressAllocatesNothing(t *testing.T) {
	in, buf := []byte("Some.Body+tag@Mail.Example.ORG"), make([]byte, 0, 256)
	if n := testing.AllocsPerRun(100, func() {
		if _, _, err := appendAddress(buf, in); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// FuzzParseAddress: what is accepted is safe on the wire (X1), within its limits (S6),
// and stays as it is when parsed again.
func FuzzParseAddress(f *testing.F) {
	for _, s := range []string{"a@b.de", `"x> ORCPT=admin"@h.de`, "Zoë <ü@münchen.de>", `"a\@b"@c.de`, "mailto:a@b.de?x", "a@xn--a.de", "a@ｅxample。com"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := ParseAddress(s)
		if err != nil {
			if a != (Address{}) || err.Error() == "" || strings.ContainsAny(err.Error(), "\r\n") {
				t.Fatalf("%q: %+v with error %q", s, a, err)
			}
			return
		}
		if strings.ContainsAny(a.Email, "<> \t\r\n\x00") || strings.ContainsAny(a.Name, "\r\n\x00") {
			t.Fatalf("%q: unsafe %+q", s, a)
		}
		at := strings.LastIndexByte(a.Email, '@')
		domain := a.Email[at+1:]
		if at < 1 || at > 64 || len(domain) > 255 || len(a.Email) > 254 || !strings.Contains(domain, ".") {
			t.Fatalf("%q: %q is out of bounds", s, a.Email)
		}
		for _, c := range domain {
			if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '.' {
				t.Fatalf("%q: domain %q", s, domain)
			}
		}
		again, err := ParseAddress(a.Email)
		if err != nil || again.Email != a.Email {
			t.Fatalf("%q: %q becomes %q, %v", s, a.Email, again.Email, err)
		}
	})
}

func TestRoleOf(t *testing.T) {
	tests := map[string]roleKind{
		"info@x.de": roleShared, "INFO@x.de": roleShared, "info+shop@x.de": roleShared, "sales@x.de": roleShared,
		"customerservice@x.de": roleShared, "customerservices@x.de": rolePerson,
		"abuse@x.de": roleRefused, "Postmaster@x.de": roleRefused, "mailer-daemon@x.de": roleRefused, "no-reply@x.de": roleRefused,
		"bo@x.de": rolePerson, "infos@x.de": rolePerson, "information.desk@x.de": rolePerson, "a@x.de": rolePerson,
	}
	for email, want := range tests {
		if got := roleOf([]byte(email)); got != want {
			t.Errorf("roleOf(%s) = %d, want %d", email, got, want)
		}
	}
}

func BenchmarkAppendAddress(b *testing.B) {
	in, buf := []byte("Some.Body+tag@Mail.Example.ORG"), make([]byte, 0, 256)
	for b.Loop() {
		_, _, _ = appendAddress(buf, in)
	}
}
