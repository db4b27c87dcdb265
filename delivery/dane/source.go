package dane

import (
	"cmp"
	"context"
	"encoding/hex"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"
)

const (
	// The bounds of how long an answer holds: a key that was replaced must not be
	// asked of servers for days, nor its record be looked up for each message.
	minTTL, maxTTL = time.Minute, time.Hour
	// udpSize is what a UDP answer may have without being fragmented (RFC 9715).
	udpSize = 1232
	// rounds is how often the resolver is asked before it counts as silent.
	rounds = 2
	// maxChain is the longest chain of aliases that is followed within an answer.
	maxChain = 8
)

// Source asks a validating resolver. It is safe for concurrent use.
type Source struct {
	server string
	udp    dns.Client
	tcp    dns.Client
}

// New returns a Source that asks the resolver at an address, "IP" or "IP:port", and
// waits timeout (5 s if 0) for each answer. The caller vouches for the way to the
// resolver: whoever can forge its answers decides which certificates are right.
func New(resolver string, timeout time.Duration) (*Source, error) {
	if addr, err := netip.ParseAddr(resolver); err == nil {
		resolver = netip.AddrPortFrom(addr, 53).String()
	} else if _, err := netip.ParseAddrPort(resolver); err != nil {
		return nil, fmt.Errorf("validating resolver %q: give an IP address, or one with a port", resolver)
	}
	timeout = cmp.Or(timeout, 5*time.Second)
	return &Source{
		server: resolver,
		udp:    dns.Client{Net: "udp", UDPSize: udpSize, Timeout: timeout},
		tcp:    dns.Client{Net: "tcp", Timeout: timeout},
	}, nil
}

// Exchangers returns the hosts that take a domain's mail, the preferred first, if DNS
// can vouch for them: none when it can't, and DANE says nothing about the domain
// (RFC 7672 §2.2.1). An error is a bogus or missing answer: mail to the domain waits.
func (s *Source) Exchangers(ctx context.Context, domain string) (hosts []string, holds time.Duration, err error) {
	answer, err := s.ask(ctx, domain, dns.TypeMX)
	if err != nil {
		return nil, minTTL, err
	}
	if !answer.AuthenticatedData {
		return nil, holdsFor(answer), nil
	}
	rrs, _ := chase(answer, domain, dns.TypeMX)
	if len(rrs) == 0 && answer.Rcode == dns.RcodeSuccess {
		return []string{normal(domain)}, holdsFor(answer), nil
	}
	slices.SortStableFunc(rrs, func(a, b dns.RR) int {
		return cmp.Compare(a.(*dns.MX).Preference, b.(*dns.MX).Preference)
	})
	for _, rr := range rrs {
		if name := normal(rr.(*dns.MX).Mx); name != "" && !slices.Contains(hosts, name) {
			hosts = append(hosts, name)
		}
	}
	return hosts, holdsFor(answer), nil
}

// Host is what DNS says of the certificates of a mail server.
type Host struct {
	// Secure: there are records, so mail must not go there without encryption.
	Secure bool
	// Base is the name that the records belong to, and that the server is asked for.
	Base string
	// Records are the usable ones, nil if there is none: then whatever certificate the
	// server shows is as good as any other (RFC 7672 §2.2).
	Records *Records
}

// Host looks up the records of a host. The zero Host is one without: DANE demands
// nothing of it. An error is a bogus or missing answer, after which the host is not to
// be used (RFC 7672 §2.1.2).
func (s *Source) Host(ctx context.Context, host string) (Host, time.Duration, error) {
	bases, holds, err := s.bases(ctx, host)
	if err != nil {
		return Host{}, minTTL, err
	}
	for _, base := range bases {
		answer, err := s.ask(ctx, "_25._tcp."+base, dns.TypeTLSA)
		if err != nil {
			return Host{}, minTTL, err
		}
		holds = min(holds, holdsFor(answer))
		if !answer.AuthenticatedData {
			continue
		}
		if all := tlsa(answer, "_25._tcp."+base); len(all) > 0 {
			names := []string{base}
			if name := normal(host); name != base {
				names = append(names, name)
			}
			return Host{Secure: true, Base: base, Records: newRecords(names, all)}, holds, nil
		}
	}
	return Host{}, holds, nil
}

// bases are the names under which a host's records may be, the first to be asked
// first: the end of its aliases, then its own name. A host whose addresses DNS can't
// vouch for has none: its name servers need not even know of TLSA (RFC 7672 §2.2.2).
func (s *Source) bases(ctx context.Context, host string) ([]string, time.Duration, error) {
	host = normal(host)
	answer, err := s.ask(ctx, host, dns.TypeA)
	if err != nil {
		return nil, minTTL, err
	}
	rrs, end := chase(answer, host, dns.TypeA)
	if len(rrs) == 0 {
		if answer, err = s.ask(ctx, host, dns.TypeAAAA); err != nil {
			return nil, minTTL, err
		}
		_, end = chase(answer, host, dns.TypeAAAA)
	}
	switch {
	case answer.AuthenticatedData && end == host:
		return []string{host}, holdsFor(answer), nil
	case answer.AuthenticatedData:
		return []string{end, host}, holdsFor(answer), nil
	case end == host:
		return nil, holdsFor(answer), nil
	}
	// The alias leads out of what is signed; it may itself be signed.
	alias, err := s.ask(ctx, host, dns.TypeCNAME)
	if err != nil {
		return nil, minTTL, err
	}
	if !alias.AuthenticatedData {
		return nil, holdsFor(alias), nil
	}
	return []string{host}, holdsFor(alias), nil
}

// ask returns an answer that says whether there are records. All else is an error,
// SERVFAIL above all: it is how a resolver says that an answer is bogus.
func (s *Source) ask(ctx context.Context, name string, qtype uint16) (*dns.Msg, error) {
	query := new(dns.Msg).SetQuestion(dns.CanonicalName(name), qtype)
	query.AuthenticatedData = true // asks for the AD bit without the signatures (RFC 6840 §5.7)
	query.SetEdns0(udpSize, false)
	var last error
	for range rounds {
		answer, _, err := s.udp.ExchangeContext(ctx, query, s.server)
		if err == nil && answer.Truncated {
			answer, _, err = s.tcp.ExchangeContext(ctx, query, s.server)
		}
		switch {
		case err != nil:
			last = err
		case len(answer.Question) != 1 || !strings.EqualFold(answer.Question[0].Name, query.Question[0].Name) || answer.Question[0].Qtype != qtype:
			last = fmt.Errorf("the answer is to another question")
		case answer.Rcode == dns.RcodeSuccess || answer.Rcode == dns.RcodeNameError:
			return answer, nil
		default:
			last = fmt.Errorf("resolver answers %s", dns.RcodeToString[answer.Rcode])
		}
		if ctx.Err() != nil {
			break
		}
	}
	return nil, fmt.Errorf("%s of %s: %w", dns.TypeToString[qtype], name, last)
}

// chase follows the aliases of an answer from a name, and returns the records at their
// end and the name there.
func chase(answer *dns.Msg, name string, qtype uint16) (rrs []dns.RR, end string) {
	end = normal(name)
	for range maxChain {
		next := ""
		for _, rr := range answer.Answer {
			if normal(rr.Header().Name) != end {
				continue
			}
			if rr.Header().Rrtype == qtype {
				rrs = append(rrs, rr)
			} else if cname, ok := rr.(*dns.CNAME); ok {
				next = normal(cname.Target)
			}
		}
		if len(rrs) > 0 || next == "" {
			break
		}
		end = next
	}
	return rrs, end
}

// tlsa are the records of an answer.
func tlsa(answer *dns.Msg, name string) []Record {
	rrs, _ := chase(answer, name, dns.TypeTLSA)
	var all []Record
	for _, rr := range rrs {
		r, ok := rr.(*dns.TLSA)
		if !ok {
			continue
		}
		// Data that can't be read makes an unusable record, not none.
		data, _ := hex.DecodeString(r.Certificate)
		all = append(all, Record{Usage: r.Usage, Selector: r.Selector, Matching: r.MatchingType, Data: data})
	}
	return all
}

// holdsFor is how long an answer may be believed.
func holdsFor(answer *dns.Msg) time.Duration {
	holds := maxTTL
	for _, section := range [][]dns.RR{answer.Answer, answer.Ns} {
		for _, rr := range section {
			holds = min(holds, time.Duration(rr.Header().Ttl)*time.Second)
		}
	}
	return max(holds, minTTL)
}
