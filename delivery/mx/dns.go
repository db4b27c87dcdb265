package mx

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/miekg/dns"
)

const (
	// maxChain is the longest chain of CNAMEs that is followed.
	maxChain = 8
	// rounds is how often each server is asked.
	rounds = 2
	// udpSize is what a UDP answer may have without being fragmented (RFC 9715).
	udpSize = 1232
)

// DNS is a TTLResolver that asks recursive servers, by UDP and again by TCP when
// the answer doesn't fit. It is safe for concurrent use.
type DNS struct {
	servers []string
	udp     dns.Client
	tcp     dns.Client
}

// NewDNS returns a resolver that asks servers, each "IP" or "IP:port", in this
// order; none are those of /etc/resolv.conf. A server has timeout (2 s if 0) to
// answer before the next is asked; each is asked twice.
func NewDNS(servers []string, timeout time.Duration) (*DNS, error) {
	if len(servers) == 0 {
		system, err := dns.ClientConfigFromFile("/etc/resolv.conf")
		if err != nil {
			return nil, fmt.Errorf("no DNS servers given and none found: %w", err)
		}
		servers = system.Servers
	}
	timeout = cmp.Or(timeout, 2*time.Second)
	d := &DNS{
		udp: dns.Client{Net: "udp", UDPSize: udpSize, Timeout: timeout},
		tcp: dns.Client{Net: "tcp", Timeout: timeout},
	}
	for _, s := range servers {
		if addr, err := netip.ParseAddr(s); err == nil {
			s = netip.AddrPortFrom(addr, 53).String()
		} else if _, err := netip.ParseAddrPort(s); err != nil {
			return nil, fmt.Errorf("DNS server %q: give an IP address, or one with a port", s)
		}
		d.servers = append(d.servers, s)
	}
	if len(d.servers) == 0 {
		return nil, errors.New("no DNS servers: give some, or name them in /etc/resolv.conf")
	}
	return d, nil
}

// LookupMX is LookupMXTTL without the time.
func (d *DNS) LookupMX(ctx context.Context, domain string) ([]*net.MX, error) {
	records, _, err := d.LookupMXTTL(ctx, domain)
	return records, err
}

// LookupNetIP is LookupNetIPTTL without the time.
func (d *DNS) LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error) {
	addrs, _, err := d.LookupNetIPTTL(ctx, network, host)
	return addrs, err
}

// LookupMXTTL returns the MX records of a domain in the server's order, following
// CNAMEs.
func (d *DNS) LookupMXTTL(ctx context.Context, domain string) ([]*net.MX, time.Duration, error) {
	rrs, ttl, err := d.lookup(ctx, domain, dns.TypeMX)
	var records []*net.MX
	for _, rr := range rrs {
		if mx, ok := rr.(*dns.MX); ok {
			records = append(records, &net.MX{Host: mx.Mx, Pref: mx.Preference})
		}
	}
	return records, ttl, err
}

// LookupNetIPTTL returns the addresses of a host in the server's order, those of
// IPv4 first: IPv6 is where a sender without a spotless PTR is refused. An error is
// returned only without an address.
func (d *DNS) LookupNetIPTTL(ctx context.Context, network, host string) ([]netip.Addr, time.Duration, error) {
	if network == "ip4" {
		return d.lookupAddrs(ctx, host, dns.TypeA)
	}
	if network == "ip6" {
		return d.lookupAddrs(ctx, host, dns.TypeAAAA)
	}
	var six []netip.Addr
	var ttl6 time.Duration
	var err6 error
	var wg sync.WaitGroup
	wg.Go(func() { six, ttl6, err6 = d.lookupAddrs(ctx, host, dns.TypeAAAA) })
	four, ttl, err := d.lookupAddrs(ctx, host, dns.TypeA)
	wg.Wait()
	if len(four)+len(six) > 0 {
		return append(four, six...), min(ttl, ttl6), nil
	}
	// One "no such name" is as good as two; of other errors a temporary one counts.
	if err == nil || problemOf(err6) == Temporary {
		err, ttl = err6, ttl6
	}
	return nil, ttl, err
}

func (d *DNS) lookupAddrs(ctx context.Context, host string, qtype uint16) ([]netip.Addr, time.Duration, error) {
	rrs, ttl, err := d.lookup(ctx, host, qtype)
	var addrs []netip.Addr
	for _, rr := range rrs {
		var ip net.IP
		switch rr := rr.(type) {
		case *dns.A:
			ip = rr.A
		case *dns.AAAA:
			ip = rr.AAAA
		}
		addr, ok := netip.AddrFromSlice(ip)
		if !ok {
			continue
		}
		if qtype == dns.TypeA {
			addr = addr.Unmap() // an AAAA that hides an IPv4 stays as it is, for the guard to see
		}
		addrs = append(addrs, addr)
	}
	return addrs, ttl, err
}

// lookup asks for records of a name and follows CNAMEs, through one answer or
// several. No records and no error means that the name has none of this type.
func (d *DNS) lookup(ctx context.Context, name string, qtype uint16) ([]dns.RR, time.Duration, error) {
	name = dns.CanonicalName(name)
	asked, holds := name, maxTTL
	for hops := 0; ; {
		msg, err := d.ask(ctx, asked, qtype)
		if err != nil {
			return nil, minTTL, err
		}
		rrs, last, ttl, n := chase(msg, asked, qtype)
		hops += n
		holds = min(holds, ttl)
		switch {
		case hops > maxChain:
			return nil, maxNegative, fmt.Errorf("%s: %w", name, ErrLoop)
		case len(rrs) > 0:
			return rrs, holds, nil
		case msg.Rcode == dns.RcodeNameError:
			return nil, min(holds, negativeTTL(msg)), &net.DNSError{Err: "no such domain", Name: name, IsNotFound: true}
		case n == 0 || hasSOA(msg):
			return nil, min(holds, negativeTTL(msg)), nil
		}
		asked = last
	}
}

// chase follows the CNAMEs of an answer from name, and returns the records at their
// end, the name there, the shortest TTL on the way and the number of CNAMEs.
func chase(msg *dns.Msg, name string, qtype uint16) (rrs []dns.RR, last string, ttl time.Duration, hops int) {
	ttl = maxTTL
	for ; hops <= maxChain; hops++ {
		next := ""
		for _, rr := range msg.Answer {
			h := rr.Header()
			if !strings.EqualFold(h.Name, name) || h.Class != dns.ClassINET {
				continue
			}
			if cname, ok := rr.(*dns.CNAME); ok {
				next = dns.CanonicalName(cname.Target)
				ttl = min(ttl, time.Duration(h.Ttl)*time.Second)
			} else if h.Rrtype == qtype {
				rrs = append(rrs, rr)
				ttl = min(ttl, time.Duration(h.Ttl)*time.Second)
			}
		}
		if len(rrs) > 0 || next == "" {
			break
		}
		name = next
	}
	return rrs, name, ttl, hops
}

// ask asks the servers one after the other until one answers.
func (d *DNS) ask(ctx context.Context, name string, qtype uint16) (*dns.Msg, error) {
	query := new(dns.Msg).SetQuestion(name, qtype)
	query.SetEdns0(udpSize, false)
	failure := &net.DNSError{Name: name, IsTemporary: true}
	for range rounds {
		for _, server := range d.servers {
			msg, _, err := d.udp.ExchangeContext(ctx, query, server)
			if err == nil && msg.Truncated {
				msg, _, err = d.tcp.ExchangeContext(ctx, query, server)
			}
			failure.Server = server
			switch timeout, ok := errors.AsType[net.Error](err); {
			case err != nil:
				failure.Err, failure.IsTimeout = err.Error(), ok && timeout.Timeout()
			case !msg.Response:
				failure.Err = "the answer is a question"
			case len(msg.Question) != 1 || !strings.EqualFold(msg.Question[0].Name, name) || msg.Question[0].Qtype != qtype:
				failure.Err = "the answer is to another question"
			case msg.Truncated:
				failure.Err = "the answer is truncated by TCP too"
			case isReferral(msg):
				failure.Err = "the server refers to others: it must resolve for us"
			case msg.Rcode == dns.RcodeSuccess || msg.Rcode == dns.RcodeNameError:
				return msg, nil
			default:
				failure.Err = "server answers " + dns.RcodeToString[msg.Rcode]
			}
			if ctx.Err() != nil {
				return nil, failure
			}
		}
	}
	return nil, failure
}

// isReferral reports an answer that says only who else to ask. It comes from a server
// that is no resolver, and must not be taken for "there is none" (RFC 2308 §2.2).
func isReferral(msg *dns.Msg) bool {
	names := slices.ContainsFunc(msg.Ns, func(rr dns.RR) bool { return rr.Header().Rrtype == dns.TypeNS })
	return msg.Rcode == dns.RcodeSuccess && len(msg.Answer) == 0 && names && !hasSOA(msg)
}

// maxNegative is the longest that "there is none" is believed (RFC 2308 §5 allows
// hours; a domain just set up should not wait for them).
const maxNegative = 15 * time.Minute

// negativeTTL is how long a negative answer holds (RFC 2308 §5).
func negativeTTL(msg *dns.Msg) time.Duration {
	for _, rr := range msg.Ns {
		if soa, ok := rr.(*dns.SOA); ok {
			return min(time.Duration(min(soa.Minttl, soa.Hdr.Ttl))*time.Second, maxNegative)
		}
	}
	return minTTL
}

func hasSOA(msg *dns.Msg) bool {
	for _, rr := range msg.Ns {
		if _, ok := rr.(*dns.SOA); ok {
			return true
		}
	}
	return false
}
