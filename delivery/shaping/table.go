package shaping

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// Table is everything that is known. It is never changed, so it is safe for
// concurrent use, and another pointer means other rules.
type Table struct {
	rules     Rules               // of sites that nothing else is known about
	providers map[string]provider // by name
	sites     map[string]limits   // an operator's word on single sites, by name
	suffixes  map[string]string   // of MX hosts → provider
	domains   map[string]string   // of mailboxes → provider
	reactions []*Reaction         // to what any provider says
}

// provider is a mailbox provider.
type provider struct {
	limits    limits      // what is said of it
	rules     Rules       // with the default for the rest
	reactions []*Reaction // the first that matches counts
}

// Rules are what a site gets at most, from all senders of the cluster together. What
// replies teach may lower them, never raise them.
type Rules struct {
	Connections           int           // open at once; 1 to 1,000
	MessagesPerConnection int           // then it is closed politely; 1 to 100,000
	Rate                  float64       // messages per second; from 1 a day to 10,000
	Idle                  time.Duration // an unused connection is closed after it; 1 s to 10 min
	MaxAge                time.Duration // a connection takes no message after it; 10 s to 24 h
	TLS                   TLS
}

// TLS is how much encryption a site must offer.
type TLS uint8

// The demands.
const (
	Opportunistic TLS = iota // encrypted when offered (RFC 7435)
	Require                  // encrypted, or not at all
	NoTLS                    // never, even when offered
)

var tlsNames = [...]string{"opportunistic", "require", "none"}

func (t TLS) String() string { return tlsNames[t] }

// ProviderOf returns the provider that an MX host belongs to, by the longest suffix
// of whole labels. Case and a final dot do not matter.
func (t *Table) ProviderOf(mxHost string) (name string, ok bool) {
	for host := normal(mxHost); ; {
		if name, ok = t.suffixes[host]; ok {
			return name, true
		}
		if _, host, ok = strings.Cut(host, "."); !ok {
			return "", false
		}
	}
}

// ProviderOfDomain returns the provider behind a well-known mailbox domain without
// asking DNS. It is for sorting a list; the MX hosts decide where mail goes.
func (t *Table) ProviderOfDomain(domain string) (name string, ok bool) {
	name, ok = t.domains[normal(domain)]
	return name, ok
}

// Providers returns the names of all providers in order.
func (t *Table) Providers() []string { return slices.Sorted(maps.Keys(t.providers)) }

// Rules returns what holds for a site: an operator's word on this very site, else the
// provider's, else the default. The provider is "" where none is known.
func (t *Table) Rules(provider, site string) Rules {
	rules := t.rules
	if p, ok := t.providers[provider]; ok {
		rules = p.rules
	}
	if l, ok := t.sites[site]; ok {
		rules = l.over(rules)
	}
	return rules
}

func normal(name string) string { return strings.ToLower(strings.TrimSuffix(name, ".")) }
