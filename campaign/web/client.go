package web

import (
	"net/http"
	"net/netip"
	"strings"
)

// client is the address that a request came from: the last one that a proxy we trust
// did not add itself. What others write into X-Forwarded-For is not believed.
func (a *App) client(r *http.Request) netip.Addr {
	peer := peerOf(r)
	if !a.trusted(peer) {
		return peer
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0; i-- {
		hop, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			return peer
		}
		peer = hop.Unmap()
		if !a.trusted(peer) {
			return peer
		}
	}
	return peer
}

// encrypted reports whether the browser spoke TLS, with us or with our proxy.
func (a *App) encrypted(r *http.Request) bool {
	return r.TLS != nil || a.trusted(peerOf(r)) && strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "https")
}

func (a *App) trusted(addr netip.Addr) bool {
	for _, p := range a.Proxies {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}

func peerOf(r *http.Request) netip.Addr {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return peer.Addr().Unmap()
}
