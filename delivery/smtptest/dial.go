package smtptest

import (
	"context"
	"net"
	"net/netip"
	"syscall"
)

// Addr is where a provider's first host really listens; nil for an unknown
// provider, for one without hosts, and in memory.
func (i *Internet) Addr(provider string) net.Addr {
	s := i.sites[provider]
	if s == nil {
		return nil
	}
	for _, mx := range s.exchangers {
		if h := i.hosts[mx.host]; h != nil && h.listener != nil {
			return h.listener.Addr()
		}
	}
	return nil
}

// HostAddr is the simulated address of an MX host, for Records; the zero Addr for an
// unknown one.
func (i *Internet) HostAddr(name string) netip.Addr {
	if h := i.hosts[canonical(name)]; h != nil {
		return h.address
	}
	return netip.Addr{}
}

// DialContext connects to a simulated host by its address or name, with any port.
// Every other address is unreachable, a host that is down refuses: the errors wrap
// syscall.ENETUNREACH and syscall.ECONNREFUSED.
func (i *Internet) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	h := i.lookUp(address)
	if h == nil {
		return nil, dialError(network, address, syscall.ENETUNREACH)
	}
	if h.site.rules.Load().down(h.name) || i.closed() {
		return nil, dialError(network, address, syscall.ECONNREFUSED)
	}
	if h.listener != nil {
		var d net.Dialer
		return d.DialContext(ctx, network, h.listener.Addr().String())
	}
	if err := ctx.Err(); err != nil {
		return nil, dialError(network, address, err)
	}
	client, server := memoryPipe(
		&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 40000},
		net.TCPAddrFromAddrPort(netip.AddrPortFrom(h.address, 25)))
	i.begin(h, server)
	return client, nil
}

func (i *Internet) lookUp(address string) *host {
	name, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil
	}
	if ip, err := netip.ParseAddr(name); err == nil {
		return i.addresses[ip.Unmap()]
	}
	return i.hosts[canonical(name)]
}

func dialError(network, address string, err error) error {
	return &net.OpError{Op: "dial", Net: network, Addr: textAddr{network, address}, Err: err}
}

type textAddr struct{ network, address string }

func (a textAddr) Network() string { return a.network }
func (a textAddr) String() string  { return a.address }
