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
		hop, ok := parseHop(hops[i])
		if !ok {
			return peer
		}
		peer = hop
		if !a.trusted(peer) {
			return peer
		}
	}
	return peer
}

// parseHop reads an address as proxies write it: plain, with a port, in brackets, quoted,
// or as a node of RFC 7239 §6. Names and what is hidden are no address.
func parseHop(text string) (netip.Addr, bool) {
	text = strings.TrimSpace(text)
	if len(text) > 4 && strings.EqualFold(text[:4], "for=") {
		text, _, _ = strings.Cut(text[4:], ";")
	}
	text = strings.Trim(text, " \t\"")
	if hop, err := netip.ParseAddr(text); err == nil {
		return hop.Unmap().WithZone(""), true
	}
	if hop, err := netip.ParseAddrPort(text); err == nil {
		return hop.Addr().Unmap().WithZone(""), true
	}
	inner, opened := strings.CutPrefix(text, "[")
	inner, closed := strings.CutSuffix(inner, "]")
	hop, err := netip.ParseAddr(inner)
	return hop.Unmap().WithZone(""), opened && closed && err == nil && hop.Is6()
}

// encrypted reports whether the browser spoke TLS, with us or with our proxy: the first
// of several is the one that it spoke with.
func (a *App) encrypted(r *http.Request) bool {
	proto, _, _ := strings.Cut(r.Header.Get("X-Forwarded-Proto"), ",")
	return r.TLS != nil || a.trusted(peerOf(r)) && strings.EqualFold(strings.TrimSpace(proto), "https")
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
