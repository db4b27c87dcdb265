package delivery_test

import (
	"testing"

	"broadside/campaign"
	"broadside/delivery/smtptest"
)

// S7: the preferred hosts are tried first, each in its turn, and a host of less
// preference only when all of them have failed.
func TestHostsAreTriedByPreference(t *testing.T) {
	for name, down := range map[string][]string{
		"all up": nil, "one down": {"a.shop.example"}, "both down": {"a.shop.example", "b.shop.example"},
	} {
		t.Run(name, func(t *testing.T) {
			s := setting{}
			s.limits.MessagesPerConnection = 1 // each message chooses its host
			w := newWorld(t, s, smtptest.Provider{
				Name: "shop", Domains: []string{"shop.example"}, MX: []string{"10 a.shop.example", "10 b.shop.example", "20 c.shop.example"},
				Behaviour: smtptest.Behaviour{DownHosts: down},
			})
			w.people(60, "shop.example")
			run := w.launch(nil)
			w.engine()
			expect(t, w.finish(run), campaign.Counts{Planned: 60, Accepted: 60})
			took := map[string]int{}
			for _, m := range w.sim.Ledger().Messages() {
				took[m.Host[:1]]++
			}
			switch {
			case len(down) == 0 && (took["a"] < 10 || took["b"] < 10 || took["c"] > 0),
				len(down) == 1 && took["b"] != 60,
				len(down) == 2 && took["c"] != 60:
				t.Errorf("with %v down the hosts took %v", down, took)
			}
			if n := w.dials.Load(); n > 60+20 {
				t.Errorf("%d dials for 60 connections: a dead host is not remembered", n)
			}
		})
	}
}
