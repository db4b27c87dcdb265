package ratelimit

import (
	"cmp"
	"fmt"
	"time"
)

// Kind is what a key of the book stands for: who slows down when a reply asks for
// less.
type Kind uint8

const (
	// Source is an address that mail leaves from, at a site.
	Source Kind = iota + 1
	// SendingDomain is the domain of the author, at a site.
	SendingDomain
	// URLDomain is a domain that links in the message lead to, at a site.
	URLDomain
	// WholeSite is the site for all sources and domains: what a person has paused. Its
	// key has no value.
	WholeSite
)

var kindNames = [...]string{Source: "source", SendingDomain: "sending_domain", URLDomain: "url_domain", WholeSite: "site"}

func (k Kind) String() string {
	if k < Source || k > WholeSite {
		return fmt.Sprintf("kind %d", uint8(k))
	}
	return kindNames[k]
}

// MarshalText writes a kind by its name, as in JSON.
func (k Kind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (k *Kind) UnmarshalText(text []byte) error {
	for i, name := range kindNames {
		if i > 0 && name == string(text) {
			*k = Kind(i)
			return nil
		}
	}
	return fmt.Errorf("kind of key %q: use source, sending_domain, url_domain or site", text)
}

// Key is what something is learned of: a value of a kind at a site.
type Key struct {
	Kind  Kind   `json:"kind"`
	Value string `json:"value"` // an address, or a domain in lower case
	Site  string `json:"site"`
}

func (k Key) String() string { return k.Kind.String() + " " + k.Value + " at " + k.Site }

// Reply is a reply that asked for less, or an attempt that failed for another reason
// of the site's.
type Reply struct {
	// Began is when the attempt began: a reply to what was under way before the last
	// change says nothing about that change.
	Began time.Time
	// Text is the reply on one line, for people.
	Text string
}

// Reaction is what a known reply asks for. Of Stop, Rate and Connections, those that
// are not zero are done for the time For.
type Reaction struct {
	Name string
	// Hits replies within Within make it act; 0 is the first reply, and one hour.
	Hits   int
	Within time.Duration

	Stop        bool    // no message at all
	Rate        float64 // messages per second at most
	Connections int     // at most
	For         time.Duration
	// Probe: after a stop begin with one connection. If its first messages fail, stop
	// again for the same time; as long as they succeed, add one connection at a time.
	Probe bool
}

// Allowance is what may be done now.
type Allowance struct {
	// Until: no attempt may begin before; zero, or past, when one may begin now.
	Until time.Time
	// Rate is in messages per second, and Connections may be open at a time: the limits,
	// or less.
	Rate        float64
	Connections int
	// Why is the reply, or the person, that took something away; empty if nothing did.
	Why string
}

// And is what two keys allow together: the stricter of each.
func (a Allowance) And(b Allowance) Allowance {
	why := cmp.Or(a.Why, b.Why)
	if b.Why != "" && (b.Until.After(a.Until) || b.Until.Equal(a.Until) && b.Rate < a.Rate) {
		why = b.Why
	}
	if b.Until.After(a.Until) {
		a.Until = b.Until
	}
	return Allowance{Until: a.Until, Rate: min(a.Rate, b.Rate), Connections: min(a.Connections, b.Connections), Why: why}
}

// change is a step in what is known of a key; false when it changes nothing. It may
// be taken again, from what another sender wrote meanwhile, so it depends on its
// argument and on values alone.
type change func(Record) (Record, bool)
