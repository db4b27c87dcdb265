package smtptest

import (
	"fmt"
	"strconv"
	"strings"
)

// Provider is a mailbox provider: some domains, the hosts that take their mail,
// and how these behave.
type Provider struct {
	Name string // "google"; unique, the key of Internet.Set and of the totals
	// Domains are the recipient domains in lower-case A-labels. "*.shops.example"
	// stands for every name one label below shops.example, "*" for every domain (a
	// smarthost). Other domains are refused with 550 5.7.1.
	Domains []string
	// MX are the hosts in zone-file notation: "gmail-smtp-in.l.google.com", or with a
	// preference "20 alt2.gmail-smtp-in.l.google.com"; without one it is 10. A single
	// "0 ." is the null MX (RFC 7505): the domains exist and take no mail. Without
	// any host the domains do not exist (NXDOMAIN).
	MX []string
	// Share is the provider's part of the rows that WriteList makes; only the
	// proportions between providers matter.
	Share float64
	// Shares are the parts of Share of the Domains, in their order; nil: equal parts.
	Shares []float64
	// Names is how many domains WriteList makes out of each wildcard, 40 if 0.
	Names     int
	Behaviour Behaviour
}

// exchanger is a parsed entry of Provider.MX.
type exchanger struct {
	host       string
	preference uint16
}

func parseMX(entry string) (exchanger, error) {
	fields := strings.Fields(entry)
	switch len(fields) {
	case 1:
		return exchanger{canonical(fields[0]), 10}, nil
	case 2:
		n, err := strconv.ParseUint(fields[0], 10, 16)
		if err == nil {
			return exchanger{canonical(fields[1]), uint16(n)}, nil
		}
	}
	return exchanger{}, fmt.Errorf(`smtptest: MX entry %q is neither "host" nor "preference host"`, entry)
}

// canonical is a domain name as the maps of this package spell it.
func canonical(name string) string {
	return strings.ToLower(strings.TrimSuffix(name, "."))
}

// directory finds the provider of a domain. It is filled once, before the first
// connection, and read without a lock.
type directory map[string]*site

func (d directory) add(domain string, s *site) error {
	domain = canonical(domain)
	if old := d[domain]; old != nil {
		return fmt.Errorf("smtptest: domain %q belongs to both %s and %s; give it to one", domain, old.Name, s.Name)
	}
	d[domain] = s
	return nil
}

// find returns the provider of a lower-case domain, nil when there is none. It
// allocates nothing.
func (d directory) find(domain []byte) *site {
	if s := d[string(domain)]; s != nil {
		return s
	}
	for i, c := range domain {
		if c != '.' {
			continue
		}
		var wild [256]byte
		name := append(wild[:0], '*')
		if s := d[string(append(name, domain[i:]...))]; s != nil {
			return s
		}
		break // a wildcard stands for one label
	}
	return d["*"]
}
