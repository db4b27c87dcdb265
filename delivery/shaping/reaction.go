package shaping

import (
	"fmt"
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
	pattern  *matcher // nil: any
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
	s := newSaid(code, enhanced, text)
	for _, list := range [...][]*Reaction{t.providers[provider].reactions, t.reactions} {
		for _, r := range list {
			if r.matches(s) {
				return r, true
			}
		}
	}
	return nil, false
}

// matches: all of the conditions that are written hold.
func (r *Reaction) matches(s said) bool {
	return (r.codes == nil || slices.ContainsFunc(r.codes, func(c codes) bool { return c.has(s.code) })) &&
		(r.enhanced == nil || slices.Contains(r.enhanced, s.enhanced)) &&
		(r.pattern == nil || r.pattern.matches(s.line, s.lower))
}

// said is a reply as conditions look at it.
type said struct {
	code     int
	enhanced string
	line     string // code, enhanced code and text, as far as they are known
	lower    string
}

func newSaid(code int, enhanced, text string) said {
	var parts []string
	if code != 0 {
		parts = append(parts, strconv.Itoa(code))
	}
	if enhanced != "" {
		parts = append(parts, enhanced)
	}
	line := strings.Join(append(parts, text), " ")
	return said{code, enhanced, line, strings.ToLower(line)}
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
