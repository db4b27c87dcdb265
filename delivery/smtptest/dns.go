package smtptest

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"sync"
)

// Records is what DNS says about a name instead of what follows from the providers.
type Records struct {
	MX    []net.MX // {Host: ".", Pref: 0} alone is the null MX
	A     []netip.Addr
	TXT   []string
	PTR   []string
	CNAME string // leaves no room for other records; a loop is the fault it is
	Fault Fault
	// Truncate makes answers over UDP come empty with the TC bit.
	Truncate bool
}

// Fault is a way for a look-up to fail.
type Fault uint8

// The faults.
const (
	NoFault  Fault = iota
	NXDomain       // the name does not exist
	ServFail       // the server has a problem: temporary
	Silence        // no answer at all: a look-up in process times out at once
)

// zone is all of the simulated DNS. Overrides change, the rest stays as it was at
// the start.
type zone struct {
	domains   directory
	hosts     map[string]*host
	mu        sync.RWMutex
	overrides map[string]Records
	// parents are the names above existing ones: they exist too, without records
	// (RFC 8020 §2).
	parents map[string]bool
}

func newZone(i *Internet, cfg Config) *zone {
	z := &zone{domains: i.domains, hosts: i.hosts, overrides: make(map[string]Records), parents: make(map[string]bool)}
	for domain := range i.domains {
		z.exists(domain)
	}
	for name := range i.hosts {
		z.exists(name)
	}
	for name, r := range cfg.Records {
		z.override(canonical(name), r)
	}
	for name, texts := range cfg.TXT {
		name = canonical(name)
		r, ok := z.overrides[name]
		if !ok {
			r = z.derived(name)
			if r.Fault == NXDomain {
				r.Fault = NoFault
			}
		}
		r.TXT = append(r.TXT[:len(r.TXT):len(r.TXT)], texts...)
		z.override(name, r)
	}
	return z
}

func (z *zone) override(name string, r Records) {
	z.overrides[name] = r
	if r.Fault != NXDomain {
		z.exists(name)
	}
}

func (z *zone) exists(name string) {
	for {
		_, parent, more := strings.Cut(name, ".")
		if !more {
			return
		}
		z.parents[parent] = true
		name = parent
	}
}

// SetRecords changes what DNS says about a name.
func (i *Internet) SetRecords(name string, r Records) {
	i.zone.mu.Lock()
	defer i.zone.mu.Unlock()
	i.zone.override(canonical(name), r)
}

// records returns what DNS says about a canonical name, aliases not followed.
func (z *zone) records(name string) Records {
	z.mu.RLock()
	r, ok := z.overrides[name]
	parent := z.parents[name]
	z.mu.RUnlock()
	if ok {
		return r
	}
	r = z.derived(name)
	if parent && r.Fault == NXDomain {
		return Records{}
	}
	return r
}

// derived follows from the providers.
func (z *zone) derived(name string) Records {
	if h := z.hosts[name]; h != nil {
		return Records{A: []netip.Addr{h.address}}
	}
	s := z.domains.find([]byte(name))
	if s == nil || len(s.exchangers) == 0 {
		return Records{Fault: NXDomain}
	}
	var r Records
	for _, mx := range s.exchangers {
		r.MX = append(r.MX, net.MX{Host: mx.host + ".", Pref: mx.preference})
	}
	return r
}

// maxAliases is how many CNAMEs are followed, as resolvers do.
const maxAliases = 8

// resolve follows aliases from a name; the names of the chain come first, the last
// of them is the one the records belong to. A loop is a ServFail.
func (z *zone) resolve(name string) (chain []string, r Records) {
	name = canonical(name)
	for range maxAliases {
		chain = append(chain, name)
		r = z.records(name)
		if r.CNAME == "" || r.Fault != NoFault {
			return chain, r
		}
		name = canonical(r.CNAME)
	}
	return chain, Records{Fault: ServFail}
}

// answer resolves a name and makes the error that a *net.Resolver would return,
// also when the records that are wanted do not exist.
func (z *zone) answer(ctx context.Context, name string, count func(Records) int) (chain []string, r Records, err error) {
	if ctxErr := ctx.Err(); ctxErr != nil {
		return nil, Records{}, &net.DNSError{Err: ctxErr.Error(), Name: name, IsTimeout: true, IsTemporary: true, UnwrapErr: ctxErr}
	}
	chain, r = z.resolve(name)
	fail := &net.DNSError{Name: name, Server: "simulated"}
	switch {
	case r.Fault == ServFail:
		fail.Err, fail.IsTemporary = "server misbehaving", true
	case r.Fault == Silence:
		fail.Err, fail.IsTimeout, fail.IsTemporary = "i/o timeout", true, true
	case r.Fault == NXDomain || count(r) == 0:
		fail.Err, fail.IsNotFound = "no such host", true
	default:
		return chain, r, nil
	}
	return nil, Records{}, fail
}

// LookupMX is like the method of *net.Resolver, without its shuffling: the records
// come in the order of the configuration.
func (i *Internet) LookupMX(ctx context.Context, name string) ([]*net.MX, error) {
	_, r, err := i.zone.answer(ctx, name, func(r Records) int { return len(r.MX) })
	if err != nil {
		return nil, err
	}
	all := make([]*net.MX, len(r.MX))
	for n := range r.MX {
		mx := r.MX[n]
		all[n] = &mx
	}
	return all, nil
}

// LookupNetIP is like the method of *net.Resolver.
func (i *Internet) LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error) {
	if ip, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{ip}, nil
	}
	wanted := func(r Records) []netip.Addr {
		var all []netip.Addr
		for _, a := range r.A {
			if network == "ip" || a.Is4() == (network == "ip4") {
				all = append(all, a)
			}
		}
		return all
	}
	_, r, err := i.zone.answer(ctx, host, func(r Records) int { return len(wanted(r)) })
	if err != nil {
		return nil, err
	}
	return wanted(r), nil
}

// LookupTXT is like the method of *net.Resolver.
func (i *Internet) LookupTXT(ctx context.Context, name string) ([]string, error) {
	_, r, err := i.zone.answer(ctx, name, func(r Records) int { return len(r.TXT) })
	if err != nil {
		return nil, err
	}
	return append([]string(nil), r.TXT...), nil
}

// LookupCNAME is like the method of *net.Resolver.
func (i *Internet) LookupCNAME(ctx context.Context, host string) (string, error) {
	chain, _, err := i.zone.answer(ctx, host, func(r Records) int { return len(r.A) + len(r.MX) + len(r.TXT) })
	if err != nil {
		return "", err
	}
	return chain[len(chain)-1] + ".", nil
}

// LookupAddr is like the method of *net.Resolver. PTR records come from
// Config.Records alone, under names such as 1.0.0.127.in-addr.arpa.
func (i *Internet) LookupAddr(ctx context.Context, addr string) ([]string, error) {
	name, err := reverseName(addr)
	if err != nil {
		return nil, &net.DNSError{Err: "unrecognized address", Name: addr}
	}
	_, r, err := i.zone.answer(ctx, name, func(r Records) int { return len(r.PTR) })
	if err != nil {
		return nil, err
	}
	return append([]string(nil), r.PTR...), nil
}
