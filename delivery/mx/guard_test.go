package mx

import (
	"net/netip"
	"testing"
)

// T10
func TestPublic(t *testing.T) {
	for addr, want := range map[string]bool{
		"8.8.8.8": true, "193.0.14.129": true, "100.63.255.255": true, "100.128.0.0": true,
		"172.15.0.1": true, "172.32.0.1": true, "2a00:1450:4001::1a": true, "2600::1": true,
		"0.0.0.0": false, "0.1.2.3": false, "10.0.0.1": false, "100.64.0.1": false, "100.127.255.255": false,
		"127.0.0.1": false, "127.255.255.254": false, "169.254.169.254": false, "172.16.0.1": false,
		"172.31.255.255": false, "192.0.0.1": false, "192.0.2.1": false, "192.168.1.1": false, "198.18.0.1": false,
		"198.51.100.1": false, "203.0.113.1": false, "224.0.0.1": false, "240.0.0.1": false, "255.255.255.255": false,
		"::": false, "::1": false, "::a00:1": false, "::ffff:10.0.0.1": false, "::ffff:8.8.8.8": false,
		"64:ff9b::a00:1": false, "100::1": false, "2001:db8::1": false, "2001::1": false, "2002:a00:1::1": false,
		"fc00::1": false, "fd12:3456::1": false, "fe80::1": false, "fe80::1%eth0": false, "2600::1%eth0": false,
		"fec0::1": false, "ff02::1": false,
	} {
		if got := Public(netip.MustParseAddr(addr)); got != want {
			t.Errorf("%s: public %v, want %v", addr, got, want)
		}
	}
	if Public(netip.Addr{}) {
		t.Error("no address is public")
	}
}
