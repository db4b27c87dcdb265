package main

import (
	"context"
	"net"
	"net/netip"
	"strconv"
	"time"

	"broadside/delivery/mx"
)

// internet is the real network. Private addresses are refused where they are dialled,
// unless the configuration allows their network.
func internet(c SMTPConfig) (network, error) {
	resolver, err := mx.NewDNS(c.DNS, 5*time.Second)
	if err != nil {
		return network{}, err
	}
	var allowed []netip.Prefix
	for _, n := range c.AllowNetworks {
		allowed = append(allowed, netip.MustParsePrefix(n)) // checked with the configuration
	}
	return network{resolver: resolver, allow: func(a netip.Addr) bool {
		for _, p := range allowed {
			if p.Contains(a) {
				return true
			}
		}
		return mx.Public(a)
	}}, nil
}

// openRouter finds the way for all mail: to the domains' MX hosts, or to the smarthost.
func (e *engine) openRouter() error {
	c := e.cfg.SMTP
	if c.Relay == "" {
		router := mx.New(mx.Config{
			Resolver: e.net.resolver, OwnNames: []string{e.cfg.Hello},
			ProviderOf: func(mxHost string) (string, bool) { return e.shaping.Table().ProviderOf(mxHost) },
		})
		e.router, e.sites, e.port = router, router, c.Port
		return nil
	}
	host, portName, err := net.SplitHostPort(c.Relay)
	if err != nil {
		return usagef("smtp.relay is %q: give host:port", c.Relay)
	}
	port, err := strconv.ParseUint(portName, 10, 16)
	if err != nil {
		return usagef("smtp.relay is %q: the port is a number", c.Relay)
	}
	e.router, e.port = &relay{host: host, resolver: e.net.resolver}, uint16(port)
	return nil
}

// relay routes all domains to one smarthost, which is configured by a person and so
// may have any address.
type relay struct {
	host     string
	resolver mx.Resolver
}

func (r *relay) Route(ctx context.Context, _ string) (mx.Route, mx.Problem) {
	addrs, err := r.addresses(ctx)
	if err != nil || len(addrs) == 0 {
		return mx.Route{}, mx.Temporary
	}
	return mx.Route{Site: r.host, Hosts: []mx.Host{{Name: r.host, Addrs: addrs}}}, mx.None
}

func (r *relay) addresses(ctx context.Context) ([]netip.Addr, error) {
	if addr, err := netip.ParseAddr(r.host); err == nil {
		return []netip.Addr{addr}, nil
	}
	return r.resolver.LookupNetIP(ctx, "ip", r.host)
}

// Failed does nothing: there is no other way than the smarthost.
func (r *relay) Failed(netip.Addr) {}
