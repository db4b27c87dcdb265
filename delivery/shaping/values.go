package shaping

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// The values that are written as text. They are structs, so that the decoder hands
// them nothing that it has understood in its own way.

// rate is written "10/s", "90/m", "600/h" or "5000/d".
type rate struct{ perSecond float64 }

var perUnit = map[string]float64{"s": 1, "m": 60, "h": 3600, "d": 86400}

func (r *rate) UnmarshalText(text []byte) error {
	number, unit, _ := strings.Cut(string(text), "/")
	n, err := strconv.ParseFloat(number, 64)
	seconds, known := perUnit[unit]
	if err != nil || !known {
		return fmt.Errorf(`rate %q: write "10/s", "90/m", "600/h" or "5000/d"`, text)
	}
	r.perSecond = n / seconds
	if !(r.perSecond >= 0.999/86400 && r.perSecond <= 10_000) {
		return fmt.Errorf("rate %q: from 1/d to 10000/s", text)
	}
	return nil
}

// rateText writes a rate in the largest unit that it is a whole number of.
func rateText(perSecond float64) string {
	for _, unit := range []string{"s", "m", "h", "d"} {
		n := perSecond * perUnit[unit]
		if whole := float64(int(n + 0.5)); whole >= 1 && n-whole < 1e-6 && whole-n < 1e-6 {
			return strconv.Itoa(int(whole)) + "/" + unit
		}
	}
	return strconv.FormatFloat(perSecond, 'g', 3, 64) + "/s"
}

// span is a time written "90s", "30m" or "2h".
type span struct{ time.Duration }

func (s *span) UnmarshalText(text []byte) error {
	d, err := time.ParseDuration(string(text))
	if err != nil || d <= 0 {
		return fmt.Errorf(`time %q: write "90s", "30m" or "2h"`, text)
	}
	s.Duration = d
	return nil
}

// spanText writes "30m", not "30m0s".
func spanText(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// tlsText is a TLS written as it prints.
type tlsText struct{ demand TLS }

func (t *tlsText) UnmarshalText(text []byte) error {
	for i, name := range tlsNames {
		if string(text) == name {
			t.demand = TLS(i)
			return nil
		}
	}
	return fmt.Errorf("tls %q: opportunistic, require or none", text)
}

// scopeText is a Scope written as it prints.
type scopeText struct{ Scope }

func (s *scopeText) UnmarshalText(text []byte) error {
	for i, name := range scopeNames {
		if string(text) == name {
			s.Scope = Scope(i)
			return nil
		}
	}
	return fmt.Errorf("scope %q: source, sending_domain or url_domain", text)
}

// codes are one SMTP code, or the first digit of all that begin with it; they are
// written "421" or "4yz".
type codes struct{ number int }

func (c *codes) UnmarshalText(text []byte) error {
	s := string(text)
	digits := strings.TrimSuffix(s, "yz")
	n, err := strconv.Atoi(digits)
	c.number = n
	if err != nil || len(s) != 3 || s[0] != '4' && s[0] != '5' || len(digits) == 2 {
		return fmt.Errorf(`code %q: write one such as "421", or "4yz" for all that are temporary`, s)
	}
	return nil
}

func (c codes) has(code int) bool { return c.number == code || c.number == code/100 }

// enhancedCode is an enhanced status code (RFC 3463 §2).
type enhancedCode struct{ code string }

var enhancedForm = regexp.MustCompile(`^[45]\.[0-9]{1,3}\.[0-9]{1,3}$`)

func (e *enhancedCode) UnmarshalText(text []byte) error {
	if !enhancedForm.Match(text) {
		return fmt.Errorf(`enhanced code %q: write one such as "4.7.28"`, text)
	}
	e.code = string(text)
	return nil
}

// pattern is a regular expression (RE2), matched in any case.
type pattern struct{ *matcher }

func (p *pattern) UnmarshalText(text []byte) error {
	s := string(text)
	if strings.Contains(s, `\\`) {
		return fmt.Errorf(`pattern %q matches a backslash, which no reply contains: it is escaped twice; put it in '…' and write one backslash`, s)
	}
	var err error
	if p.matcher, err = newMatcher(s); err != nil {
		return fmt.Errorf("pattern %q: %w", s, err)
	}
	if p.matches("", "") {
		return fmt.Errorf("pattern %q matches every reply", s)
	}
	return nil
}

// hostSuffix is a domain that MX hosts are in, or that mailboxes are at: whole
// labels, as DNS spells them.
type hostSuffix struct{ name string }

var suffixForm = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)+$`)

func (h *hostSuffix) UnmarshalText(text []byte) error {
	if !suffixForm.Match(text) || len(text) > 253 {
		return fmt.Errorf(`%q can never match: write a domain of two labels or more in lower-case A-labels, without a dot at either end and without "*", such as "mail.example.net"; all hosts in it are meant`, text)
	}
	h.name = string(text)
	return nil
}
