package main

import (
	"net/netip"
	"testing"
)

// Strangers' MX records lead to no private network, a smarthost may be in one: that is
// where most are.
func TestPrivateNetworks(t *testing.T) {
	private := netip.MustParseAddr("10.1.2.3")
	for name, c := range map[string]struct {
		smtp SMTPConfig
		want bool
	}{
		"an MX host":                       {SMTPConfig{}, false},
		"an MX host in an allowed one":     {SMTPConfig{AllowNetworks: []string{"10.0.0.0/8"}}, true},
		"an MX host beside an allowed one": {SMTPConfig{AllowNetworks: []string{"192.168.0.0/16"}}, false},
		"a smarthost":                      {SMTPConfig{Relay: "10.1.2.3:587"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			world, err := internet(c.smtp)
			if err != nil {
				t.Fatal(err)
			}
			e := &engine{cfg: Config{SMTP: c.smtp}, net: world}
			cfg := e.senderConfig()
			if got := cfg.SMTP.AllowAddr == nil || cfg.SMTP.AllowAddr(private); got != c.want {
				t.Errorf("may be connected to: %v, want %v", got, c.want)
			}
		})
	}
}
