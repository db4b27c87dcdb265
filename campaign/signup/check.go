package signup

import (
	"encoding/json"
	"fmt"
	"net/mail"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"broadside/campaign"
	"broadside/campaign/locale"
)

// Problem is what is wrong with a field that somebody filled in.
type Problem struct{ Field, Text string }

// Problems are an error that the person can mend.
type Problems []Problem

func (p Problems) Error() string {
	var lines []string
	for _, one := range p {
		lines = append(lines, one.Field+" "+one.Text)
	}
	return strings.Join(lines, "; ")
}

func (p *Problems) add(field, format string, a ...any) {
	*p = append(*p, Problem{field, fmt.Sprintf(format, a...)})
}

// err is nil when there are none.
func (p Problems) err() error {
	if len(p) == 0 {
		return nil
	}
	return p
}

// The bounds of a form.
const (
	maxFields  = 8
	maxOrigins = 20
	maxURL     = 500
)

// check brings a form into shape, and finds what cannot be; the names of fields are those
// of the form's page and of the API.
func (s *Spec) check() error {
	var p Problems
	s.From = strings.TrimSpace(s.From)
	if _, err := mail.ParseAddress(s.From); err != nil || len(s.From) > 300 {
		p.add("from", "must be an address such as News <news@example.org>")
	}
	known := map[string]bool{}
	for _, w := range locale.Languages() {
		known[w.Tag] = true
	}
	for tag, t := range s.Texts {
		t.Title, t.Intro, t.Consent = strings.TrimSpace(t.Title), strings.TrimSpace(t.Intro), strings.TrimSpace(t.Consent)
		s.Texts[tag] = t
		if !known[tag] {
			p.add("texts", "are in %q: there are no words of ours in it", tag)
		}
		if !line(t.Title, 1, 100) {
			p.add("title-"+tag, "must have 1 to 100 characters on one line")
		}
		if !text(t.Intro, 0, 1000) {
			p.add("intro-"+tag, "must have at most 1,000 characters")
		}
		if !text(t.Consent, 1, 2000) {
			p.add("consent-"+tag, "must have 1 to 2,000 characters: they are what people agree to")
		}
	}
	if len(s.Texts) == 0 {
		p.add("texts", "are missing: write them in one language at least")
	}
	s.checkFields(&p)
	s.checkAddresses(&p)
	return p.err()
}

// taken are names that a form's page has for itself, beside the address: the last is that
// of its trap, into which everybody would fall who filled in a field of that name.
var taken = []string{"language", "agree", "website"}

func (s *Spec) checkFields(p *Problems) {
	if len(s.Fields) > maxFields {
		p.add("fields", "are too many: ask for %d attributes at most", maxFields)
	}
	seen := map[string]bool{}
	for _, name := range taken {
		seen[name] = true
	}
	for i := range s.Fields {
		f := &s.Fields[i]
		f.Name = strings.TrimSpace(f.Name)
		if _, err := campaign.Attributes(map[string]json.RawMessage{f.Name: []byte(`""`)}); err != nil || seen[f.Name] {
			p.add("fields", "have the name %q: use each once, of small Latin letters, digits and _, and not email or %s, which are the form's own", f.Name, strings.Join(taken, ", "))
			continue
		}
		seen[f.Name] = true
		if f.Labels == nil {
			f.Labels = map[string]string{}
		}
		for tag := range s.Texts {
			f.Labels[tag] = strings.TrimSpace(f.Labels[tag])
			if !line(f.Labels[tag], 1, 80) {
				p.add("fields", "need a label for %q in each language, of 1 to 80 characters", f.Name)
			}
		}
	}
}

func (s *Spec) checkAddresses(p *Problems) {
	if s.Redirect = strings.TrimSpace(s.Redirect); s.Redirect != "" {
		// The host goes into the page's Content-Security-Policy.
		if u, err := url.Parse(s.Redirect); err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || strings.ContainsAny(u.Host, `;,'"<>`) || len(s.Redirect) > maxURL {
			p.add("redirect", "must be an address that begins with https://, or empty")
		}
	}
	if len(s.Origins) > maxOrigins {
		p.add("origins", "are too many: %d at most", maxOrigins)
	}
	for i, o := range s.Origins {
		o = strings.TrimSuffix(strings.TrimSpace(o), "/")
		u, err := url.Parse(o)
		if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || o != u.Scheme+"://"+u.Host || len(o) > maxURL {
			p.add("origins", "have %q: write them like https://www.example.org", o)
		}
		s.Origins[i] = strings.ToLower(o)
	}
}

// line reports whether a text has so many characters, on one line.
func line(s string, least, most int) bool {
	return text(s, least, most) && !strings.ContainsFunc(s, unicode.IsControl)
}

func text(s string, least, most int) bool {
	n := utf8.RuneCountInString(s)
	return n >= least && n <= most && utf8.ValidString(s) && !strings.Contains(s, "\x00")
}
