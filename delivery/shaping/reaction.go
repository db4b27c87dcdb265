package shaping

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Reaction is what to do when a provider has said something Hits times Within a while.
// It belongs to its Table and is not to be changed.
type Reaction struct {
	Provider string // "": whoever says it
	Name     string // unique at its provider
	Hits     int    // 1 to 1,000
	Within   time.Duration
	Scope    Scope
	// One of these, or the last two together:
	Stop        bool    // nothing is sent
	Rate        float64 // at most so many messages per second; 0: as before
	Connections int     // at most so many at once; 0: as before
	// For is how long that holds.
	For time.Duration
	// Probe: after a stop one connection is opened; if it fails, the stop begins
	// again, and with each success there may be one more.
	Probe bool

	codes    []codes  // none: any
	enhanced []string // none: any
	pattern  *regexp.Regexp
}

// Scope is what a reaction slows down, always at the site that spoke.
type Scope uint8

// The scopes.
const (
	Source        Scope = iota // what leaves by the same source
	SendingDomain              // what is signed by the same domain
	URLDomain                  // what links to the same domain
)

var scopeNames = [...]string{"source", "sending_domain", "url_domain"}

func (s Scope) String() string { return scopeNames[s] }

// React returns the first reaction to a reply: the provider's own, then those to what
// any provider says. The SMTP code is 0 and the enhanced code "" where none is known.
func (t *Table) React(provider string, code int, enhanced, text string) (*Reaction, bool) {
	said := said(code, enhanced, text)
	if r := firstMatch(t.providers[provider].reactions, code, enhanced, said); r != nil {
		return r, true
	}
	r := firstMatch(t.reactions, code, enhanced, said)
	return r, r != nil
}

func firstMatch(reactions []*Reaction, code int, enhanced, said string) *Reaction {
	for _, r := range reactions {
		if r.matches(code, enhanced, said) {
			return r
		}
	}
	return nil
}

// matches: all of the conditions that are written hold.
func (r *Reaction) matches(code int, enhanced, said string) bool {
	return (r.codes == nil || slices.ContainsFunc(r.codes, func(c codes) bool { return c.has(code) })) &&
		(r.enhanced == nil || slices.Contains(r.enhanced, enhanced)) &&
		(r.pattern == nil || r.pattern.MatchString(said))
}

// said is a reply in the one line that patterns are matched against.
func said(code int, enhanced, text string) string {
	var line strings.Builder
	if code != 0 {
		line.WriteString(strconv.Itoa(code))
		line.WriteByte(' ')
	}
	if enhanced != "" {
		line.WriteString(enhanced)
		line.WriteByte(' ')
	}
	line.WriteString(text)
	return line.String()
}

// When says how often the reply has to come: "once", "3 times within 1h".
func (r *Reaction) When() string {
	if r.Hits == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times within %s", r.Hits, spanText(r.Within))
}

// Does says what the reaction does in a few words: "at most 1/m for 30m".
func (r *Reaction) Does() string {
	var parts []string
	if r.Stop {
		parts = append(parts, "stop")
	}
	if r.Rate > 0 {
		parts = append(parts, "at most "+rateText(r.Rate))
	}
	if r.Connections > 0 {
		parts = append(parts, connectionsText(r.Connections))
	}
	does := strings.Join(parts, " and ") + " for " + spanText(r.For)
	if r.Probe {
		does += ", then one connection, one more with each success"
	}
	return does
}

func connectionsText(n int) string {
	if n == 1 {
		return "at most one connection"
	}
	return fmt.Sprintf("at most %d connections", n)
}
