package mx

import (
	"cmp"
	"context"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"
)

// exchange is what DNS says about the MX of a domain.
type exchange struct {
	hosts    []Host // by preference, then name; no addresses
	implicit bool   // there is no MX: the domain is its own host
	site     string
	provider string
	problem  Problem
}

// location is what DNS says about the addresses of a host.
type location struct {
	addrs   []netip.Addr
	problem Problem
}

// lookupMX asks for the MX of a domain and settles everything about it that
// doesn't need an address.
func (r *Router) lookupMX(ctx context.Context, domain string) (exchange, time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, r.cfg.Timeout)
	defer cancel()
	records, ttl, err := r.askMX(ctx, domain)
	_, exact := r.cfg.Resolver.(TTLResolver)
	problem := problemOf(err)
	switch {
	case problem == NoDomain && !exact:
		records = nil // or it has no MX: the addresses will tell
	case problem != None && len(records) == 0:
		return exchange{problem: problem}, ttl
	}
	if len(records) == 0 {
		ex := exchange{hosts: []Host{{Name: domain}}, implicit: true}
		ex.site, ex.provider = r.siteOf(ex.hosts)
		return ex, ttl
	}
	if len(records) == 1 && normal(records[0].Host) == "" {
		return exchange{problem: NullMX}, ttl
	}
	ex := exchange{hosts: exchangers(records)}
	if len(ex.hosts) == 0 {
		return exchange{problem: Unusable}, ttl
	}
	ex.site, ex.provider = r.siteOf(ex.hosts)
	return ex, ttl
}

func (r *Router) askMX(ctx context.Context, domain string) ([]*net.MX, time.Duration, error) {
	if t, ok := r.cfg.Resolver.(TTLResolver); ok {
		records, ttl, err := t.LookupMXTTL(ctx, domain)
		return records, clamp(ttl), err
	}
	records, err := r.cfg.Resolver.LookupMX(ctx, domain)
	return records, r.ttl(err), err
}

func (r *Router) askAddrs(ctx context.Context, host string) ([]netip.Addr, time.Duration, error) {
	if t, ok := r.cfg.Resolver.(TTLResolver); ok {
		addrs, ttl, err := t.LookupNetIPTTL(ctx, r.cfg.Network, host)
		return addrs, clamp(ttl), err
	}
	addrs, err := r.cfg.Resolver.LookupNetIP(ctx, r.cfg.Network, host)
	return addrs, r.ttl(err), err
}

// ttl is how long an answer without a TTL holds.
func (r *Router) ttl(err error) time.Duration {
	if problemOf(err) == Temporary {
		return minTTL
	}
	return r.cfg.TTL
}

func clamp(ttl time.Duration) time.Duration { return min(max(ttl, minTTL), maxTTL) }

// exchangers makes hosts of MX records: names only (an address in an MX record is
// none), each once, by preference and name. The "." of a null MX beside others
// counts for nothing (RFC 7505 §3).
func exchangers(records []*net.MX) []Host {
	var hosts []Host
	for _, mx := range records {
		name := normal(mx.Host)
		if !isName(name) {
			continue
		}
		hosts = append(hosts, Host{Name: name, Preference: mx.Pref})
	}
	slices.SortFunc(hosts, func(a, b Host) int {
		return cmp.Or(cmp.Compare(a.Preference, b.Preference), strings.Compare(a.Name, b.Name))
	})
	seen := make(map[string]bool, len(hosts))
	hosts = slices.DeleteFunc(hosts, func(h Host) bool {
		again := seen[h.Name]
		seen[h.Name] = true
		return again
	})
	return slices.Clip(hosts[:min(len(hosts), maxHosts)])
}

// siteOf names the site of hosts in order: the provider of one of the preferred, or
// the first of them.
func (r *Router) siteOf(hosts []Host) (site, provider string) {
	for _, h := range hosts {
		if h.Preference != hosts[0].Preference {
			break
		}
		if name, ok := r.cfg.ProviderOf(h.Name); ok {
			return name, name
		}
	}
	return hosts[0].Name, ""
}

// locate finds the addresses of all hosts at once, and leaves out the hosts that
// have none and those that mail must not go back to.
func (r *Router) locate(ctx context.Context, ex exchange) ([]Host, Problem) {
	found := make([]location, len(ex.hosts))
	var wg sync.WaitGroup
	for i, h := range ex.hosts {
		var ok bool
		if found[i], ok = r.hosts.Peek(h.Name); ok {
			continue
		}
		wg.Go(func() { found[i] = r.locateHost(ctx, h.Name) })
	}
	wg.Wait()
	hosts := make([]Host, 0, len(ex.hosts))
	problem := Unusable
	if ex.implicit {
		problem = found[0].problem
	}
	for i, h := range ex.hosts {
		if r.own(h.Name, found[i].addrs) {
			hosts = slices.DeleteFunc(hosts, func(other Host) bool { return other.Preference >= h.Preference })
			if problem != Temporary {
				problem = Loop
			}
			break // those after it are of the same or less preference
		}
		if found[i].problem == Temporary {
			problem = Temporary
		}
		if len(found[i].addrs) > 0 {
			h.Addrs = found[i].addrs
			hosts = append(hosts, h)
		}
	}
	if len(hosts) > 0 {
		return hosts, None
	}
	return nil, problem
}

func (r *Router) locateHost(ctx context.Context, name string) location {
	l, err := r.hosts.Get(ctx, name, func(ctx context.Context) (location, time.Duration) {
		ctx, cancel := context.WithTimeout(ctx, r.cfg.Timeout)
		defer cancel()
		addrs, ttl, err := r.askAddrs(ctx, name)
		l := location{addrs: addrs, problem: problemOf(err)}
		if len(addrs) == 0 && l.problem == None {
			l.problem = NoDomain
		}
		return l, ttl
	})
	if err != nil {
		return location{problem: Temporary}
	}
	return l
}

// own reports whether a host is us.
func (r *Router) own(name string, addrs []netip.Addr) bool {
	if slices.ContainsFunc(r.cfg.OwnNames, func(own string) bool { return normal(own) == name }) {
		return true
	}
	return slices.ContainsFunc(addrs, func(a netip.Addr) bool { return slices.Contains(r.cfg.OwnAddrs, a.Unmap()) })
}
