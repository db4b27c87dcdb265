package mtasts

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Mode says what a policy demands (RFC 8461 §5).
type Mode uint8

// The modes.
const (
	NoMode  Mode = iota // the domain has withdrawn its policy
	Testing             // failures are reported, and mail goes on
	Enforce             // no mail without a server that fits
)

var modes = [...]string{"none", "testing", "enforce"}

func (m Mode) String() string { return modes[m] }

const (
	// maxAge is the longest that a policy may be good for: a year (RFC 8461 §3.2).
	maxAge = 31557600 * time.Second
	// maxMX bounds the patterns of a policy.
	maxMX = 1000
)

// Policy is what a domain publishes.
type Policy struct {
	Mode   Mode
	MX     []string // host names in lower case; "*." stands for exactly one label
	MaxAge time.Duration
}

// Parse reads a policy file (RFC 8461 §3.2). Fields that are not known are passed
// over, and of a field that may be there once only the first counts.
func Parse(text []byte) (Policy, error) {
	var p Policy
	seen := map[string]bool{}
	number := 0
	for line := range strings.Lines(string(text)) {
		number++
		line = strings.TrimRight(line, "\r\n \t")
		if line == "" {
			continue
		}
		key, value, ok := strings.Cut(line, ":")
		value = strings.Trim(value, " \t")
		if !ok || !isKey(key) {
			return Policy{}, fmt.Errorf("line %d is no \"key: value\"", number)
		}
		if seen[key] && key != "mx" {
			continue
		}
		seen[key] = true
		if err := p.set(key, value); err != nil {
			return Policy{}, fmt.Errorf("line %d: %w", number, err)
		}
	}
	switch {
	case !seen["version"] || !seen["mode"] || !seen["max_age"]:
		return Policy{}, errors.New("version, mode or max_age is missing")
	case p.Mode != NoMode && len(p.MX) == 0:
		return Policy{}, errors.New("no mx")
	}
	return p, nil
}

func (p *Policy) set(key, value string) error {
	switch key {
	case "version":
		if value != "STSv1" {
			return errors.New("version is not STSv1")
		}
	case "mode":
		i := slices.Index(modes[:], value)
		if i < 0 {
			return errors.New("mode is not enforce, testing or none")
		}
		p.Mode = Mode(i)
	case "max_age":
		n, err := strconv.ParseUint(value, 10, 64)
		if err != nil || len(value) > 10 || value[0] == '+' {
			return errors.New("max_age is not a number of seconds")
		}
		p.MaxAge = time.Duration(min(n, uint64(maxAge/time.Second))) * time.Second
	case "mx":
		pattern := strings.ToLower(strings.TrimSuffix(value, "."))
		if !isPattern(pattern) {
			return errors.New("mx is neither a host name nor \"*.\" and one")
		}
		if len(p.MX) == maxMX {
			return fmt.Errorf("more than %d mx", maxMX)
		}
		p.MX = append(p.MX, pattern)
	}
	return nil
}

// Matches reports whether a host, in lower case and without a final dot, is one of the
// policy's. A wildcard stands for one label (RFC 8461 §4.1).
func (p *Policy) Matches(host string) bool {
	_, parent, _ := strings.Cut(host, ".")
	for _, pattern := range p.MX {
		if pattern == host || len(pattern) > 2 && pattern[0] == '*' && pattern[2:] == parent {
			return true
		}
	}
	return false
}

// Strings are the lines of the policy, as it is stored and as RFC 8460 §4.4 reports
// it. Parse reads them back.
func (p *Policy) Strings() []string {
	lines := []string{"version: STSv1", "mode: " + p.Mode.String()}
	for _, pattern := range p.MX {
		lines = append(lines, "mx: "+pattern)
	}
	return append(lines, "max_age: "+strconv.FormatInt(int64(p.MaxAge/time.Second), 10))
}

// errNoRecord is that a domain has no MTA-STS, or not in a way that counts.
var errNoRecord = errors.New("no record of MTA-STS")

// parseRecord returns the id among the TXT records of _mta-sts.domain. Records that
// don't begin with the version are somebody else's; of its own there is exactly one
// (RFC 8461 §3.1).
func parseRecord(texts []string) (id string, err error) {
	var own []string
	for _, t := range texts {
		if version, _, _ := strings.Cut(t, ";"); strings.TrimRight(version, " \t") == "v=STSv1" {
			own = append(own, t)
		}
	}
	if len(own) != 1 {
		return "", errNoRecord
	}
	for field := range strings.SplitSeq(own[0], ";") {
		key, value, ok := strings.Cut(strings.Trim(field, " \t"), "=")
		if ok && key == "id" && id == "" {
			id = value
		}
	}
	if id == "" || len(id) > 32 || strings.ContainsFunc(id, func(r rune) bool { return !isAlnum(r) }) {
		return "", errNoRecord
	}
	return id, nil
}

// isKey reports whether a field may have this name.
func isKey(s string) bool {
	return s != "" && len(s) <= 32 && isAlnum(rune(s[0])) &&
		!strings.ContainsFunc(s, func(r rune) bool { return !isAlnum(r) && r != '_' && r != '-' && r != '.' })
}

// isPattern reports whether a pattern in lower case is a host name, or one below "*.".
func isPattern(s string) bool {
	s = strings.TrimPrefix(s, "*.")
	if s == "" || len(s) > 253 {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 || strings.ContainsFunc(label, func(r rune) bool { return !isAlnum(r) && r != '-' && r != '_' }) {
			return false
		}
	}
	return true
}

func isAlnum(r rune) bool {
	return r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
}
