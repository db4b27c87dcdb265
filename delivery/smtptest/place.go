package smtptest

import (
	"fmt"
	"net/netip"
	"strings"
)

// place is where hosts listen.
type place struct {
	network netip.Prefix // simulated addresses come out of it, from its second on
	port    uint16
	shared  netip.Addr // valid: all hosts listen on this one address
}

func parsePlace(addr string) (place, error) {
	if addr == "" {
		addr = "127.0.0.1:0"
	}
	p := place{network: netip.MustParsePrefix("127.1.0.0/16")}
	if network, port, ok := strings.Cut(addr, ":"); ok && strings.Contains(network, "/") {
		prefix, err := netip.ParsePrefix(network)
		at, portErr := netip.ParseAddrPort("127.0.0.1:" + port)
		if err != nil || portErr != nil || at.Port() == 0 {
			return place{}, fmt.Errorf(`smtptest: address %q must be like "127.1.0.0/16:2525"`, addr)
		}
		return place{network: prefix.Masked(), port: at.Port()}, nil
	}
	at, err := netip.ParseAddrPort(addr)
	if err != nil {
		return place{}, fmt.Errorf(`smtptest: address %q must be like "127.0.0.1:0" or "127.1.0.0/16:2525"`, addr)
	}
	p.shared, p.port = at.Addr(), at.Port()
	return p, nil
}

// address is the simulated address of host n, from 0.
func (p place) address(n int) netip.Addr {
	a := p.network.Addr()
	for range n + 1 {
		a = a.Next()
	}
	return a
}

// listen is where the host with a simulated address really listens.
func (p place) listen(address netip.Addr) string {
	if !p.shared.IsValid() {
		return netip.AddrPortFrom(address, p.port).String()
	}
	port := p.port
	if port != 0 {
		first, last := p.network.Addr().As4(), address.As4()
		port += uint16(last[2]-first[2])<<8 + uint16(last[3]-first[3]) - 1
	}
	return netip.AddrPortFrom(p.shared, port).String()
}
