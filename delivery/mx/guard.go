package mx

import "net/netip"

// Public reports whether an address may be connected to on a stranger's word. An
// MX record can name any address: none of these is a mail server's.
func Public(addr netip.Addr) bool {
	if !addr.IsGlobalUnicast() || addr.IsPrivate() || addr.Is4In6() || addr.Zone() != "" {
		return false
	}
	for _, p := range closed {
		if p.Contains(addr) {
			return false
		}
	}
	return true
}

// closed are the networks that are not public beside those netip knows: loopback,
// link-local, multicast, unspecified, broadcast (RFC 1122, 4291), private and ULA
// (RFC 1918, 4193).
var closed = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),       // this network, RFC 1122 §3.2.1.3
	netip.MustParsePrefix("100.64.0.0/10"),   // carrier-grade NAT, RFC 6598
	netip.MustParsePrefix("192.0.0.0/24"),    // protocol assignments, RFC 6890
	netip.MustParsePrefix("192.0.2.0/24"),    // documentation, RFC 5737
	netip.MustParsePrefix("198.18.0.0/15"),   // benchmarks, RFC 2544
	netip.MustParsePrefix("198.51.100.0/24"), // documentation, RFC 5737
	netip.MustParsePrefix("203.0.113.0/24"),  // documentation, RFC 5737
	netip.MustParsePrefix("240.0.0.0/4"),     // reserved, RFC 1112
	netip.MustParsePrefix("::/96"),           // IPv4-compatible, RFC 4291 §2.5.5.1
	netip.MustParsePrefix("64:ff9b::/96"),    // NAT64 could lead to any IPv4, RFC 6052
	netip.MustParsePrefix("64:ff9b:1::/48"),  // NAT64 of the network, RFC 8215
	netip.MustParsePrefix("100::/64"),        // discard, RFC 6666
	netip.MustParsePrefix("2001::/32"),       // Teredo carries an IPv4, RFC 4380
	netip.MustParsePrefix("2001:db8::/32"),   // documentation, RFC 3849
	netip.MustParsePrefix("2002::/16"),       // 6to4 carries an IPv4, RFC 3056
	netip.MustParsePrefix("fec0::/10"),       // site-local, RFC 3879
}
