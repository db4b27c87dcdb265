package mx

import (
	"cmp"
	"context"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"

	"broadside/delivery/ttl"
)

// Resolver asks DNS. *net.Resolver is one; a *DNS is a better one.
//
// A name that is not there is a *net.DNSError with IsNotFound, or an empty answer
// without an error; a loop of CNAMEs wraps ErrLoop; every other error is temporary.
type Resolver interface {
	LookupMX(ctx context.Context, domain string) ([]*net.MX, error)
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// TTLResolver is a Resolver that says how long its answers hold, errors too, and
// tells a name that doesn't exist (IsNotFound) from one without such records (an
// empty answer).
type TTLResolver interface {
	Resolver
	LookupMXTTL(ctx context.Context, domain string) ([]*net.MX, time.Duration, error)
	LookupNetIPTTL(ctx context.Context, network, host string) ([]netip.Addr, time.Duration, error)
}

// Config is what a Router works with.
type Config struct {
	Resolver Resolver
	// ProviderOf names the mailbox provider that an MX host belongs to; nil knows none.
	// It may change its mind: a domain's site then follows when DNS is asked again.
	ProviderOf func(mxHost string) (name string, ok bool)
	// Network is "ip", "ip4" or "ip6": the addresses we can send to; "" is "ip".
	Network string
	// OwnNames and OwnAddrs are ours: an MX that is one of them, and all of the same
	// or less preference, are not delivered to (RFC 5321 §5.1).
	OwnNames []string
	OwnAddrs []netip.Addr
	// MaxDomains (200,000 if 0) bounds what is remembered.
	MaxDomains int
	// TTL (5 minutes if 0) is how long the answers of a Resolver hold that isn't a
	// TTLResolver.
	TTL time.Duration
	// Timeout (10 s if 0) bounds a look-up.
	Timeout time.Duration
	// DeadFor (1 minute if 0) is how long an address is left alone that Failed; it
	// doubles up to 15 minutes when the address fails again.
	DeadFor time.Duration
}

const (
	// maxHosts is how many MX hosts of a domain are looked at, the preferred first.
	maxHosts = 16
	// The bounds of a TTL: a look-up isn't repeated at once, and a mistake in a zone
	// isn't remembered for a week.
	minTTL, maxTTL = 30 * time.Second, 24 * time.Hour
	// Failures of DNS are remembered for minTTL: many jobs wait for the same domain.
)

// Router finds routes. It is safe for concurrent use.
type Router struct {
	cfg     Config
	domains *ttl.Cache[exchange]
	hosts   *ttl.Cache[location]
	dead    deadHosts
}

// Route is the way to a domain.
type Route struct {
	// Site names what limits belong to: the provider, or for others the first by
	// name of the most preferred hosts. It is set with Down too.
	Site string
	// Provider is the name of a known provider, else "".
	Provider string
	// Hosts are to be tried in this order; each has at least one address. Equal
	// preferences are in a new random order with every call.
	Hosts []Host
	// Retry is when the first of the addresses may be tried again; Down only.
	Retry time.Time
}

// Host is a mail server.
type Host struct {
	Name       string
	Preference uint16
	Addrs      []netip.Addr // in the resolver's order; not to be changed
}

// New returns a Router that knows nothing yet.
func New(cfg Config) *Router {
	if cfg.ProviderOf == nil {
		cfg.ProviderOf = func(string) (string, bool) { return "", false }
	}
	cfg.Network = cmp.Or(cfg.Network, "ip")
	cfg.MaxDomains = cmp.Or(cfg.MaxDomains, 200_000)
	cfg.TTL = cmp.Or(cfg.TTL, 5*time.Minute)
	cfg.Timeout = cmp.Or(cfg.Timeout, 10*time.Second)
	return &Router{
		cfg:     cfg,
		domains: ttl.New[exchange](cfg.MaxDomains, 0, time.Now),
		hosts:   ttl.New[location](cfg.MaxDomains, 0, time.Now),
		dead:    deadHosts{first: cmp.Or(cfg.DeadFor, time.Minute), addrs: make(map[netip.Addr]death)},
	}
}

// Failed tells that an address could not be connected to, or that no mail server
// was there: it is left out of routes for a while.
func (r *Router) Failed(addr netip.Addr) { r.dead.failed(addr) }

// Route returns the way to a domain, which is in A-labels. When ctx ends first, the
// problem is Temporary.
func (r *Router) Route(ctx context.Context, domain string) (Route, Problem) {
	domain = normal(domain)
	if !isName(domain) {
		return Route{}, NoDomain
	}
	ex, err := r.domains.Get(ctx, domain, r.mxOf(domain))
	if err != nil {
		return Route{}, Temporary
	}
	if ex.problem != None {
		return Route{}, ex.problem
	}
	hosts, problem := r.locate(ctx, ex)
	if problem != None {
		return Route{}, problem
	}
	route := Route{Site: ex.site, Provider: ex.provider}
	if route.Hosts, route.Retry = r.living(hosts); len(route.Hosts) == 0 {
		return route, Down
	}
	route.Retry = time.Time{}
	shuffle(route.Hosts)
	return route, None
}

func (r *Router) mxOf(domain string) func(context.Context) (exchange, time.Duration) {
	return func(ctx context.Context) (exchange, time.Duration) { return r.lookupMX(ctx, domain) }
}

// living leaves out the addresses that failed lately, and says when the first of
// them may be tried again.
func (r *Router) living(hosts []Host) (alive []Host, retry time.Time) {
	for _, h := range hosts {
		dead := 0
		for _, a := range h.Addrs {
			if until := r.dead.until(a); !until.IsZero() {
				dead++
				if retry.IsZero() || until.Before(retry) {
					retry = until
				}
			}
		}
		if dead == len(h.Addrs) {
			continue
		}
		if dead > 0 {
			h.Addrs = slices.DeleteFunc(slices.Clone(h.Addrs), func(a netip.Addr) bool { return !r.dead.until(a).IsZero() })
		}
		alive = append(alive, h)
	}
	return alive, retry
}

// shuffle puts hosts of the same preference into a random order.
func shuffle(hosts []Host) {
	for start := 0; start < len(hosts); {
		end := start + 1
		for end < len(hosts) && hosts[end].Preference == hosts[start].Preference {
			end++
		}
		same := hosts[start:end]
		rand.Shuffle(len(same), func(i, j int) { same[i], same[j] = same[j], same[i] })
		start = end
	}
}

// isName reports whether a normal name can be asked for: an address can't, and
// neither can the root.
func isName(name string) bool {
	if _, err := netip.ParseAddr(name); err == nil || name == "" {
		return false
	}
	_, ok := dns.IsDomainName(name)
	return ok
}

// normal is a name in lower case and without the final dot.
func normal(name string) string { return strings.ToLower(strings.TrimSuffix(name, ".")) }
