package delivery_test

import (
	"testing"

	"broadside/campaign"
	"broadside/delivery"
	"broadside/delivery/meter"
	"broadside/delivery/shaping"
	"broadside/delivery/smtptest"
)

// What the page shows of a site is true: a connection that has ended, however it did, is
// not counted as open any more.
func TestTheMeterCountsOpenConnections(t *testing.T) {
	m := meter.New()
	w := newWorld(t, setting{limits: shaping.Rules{Connections: 3}, tune: func(c *delivery.Config) { c.Meter = m }},
		shop("plain", smtptest.Behaviour{}))
	w.people(60, "plain.example")
	w.plan()
	stop := w.deliver()
	expect(t, w.finish(w.launch(nil)), campaign.Counts{Planned: 60, Accepted: 60})
	stop()
	sites := m.Sample().Sites
	if len(sites) != 1 {
		t.Errorf("%d sites were counted, want one", len(sites))
	}
	for site, did := range sites {
		if did.Accepted != 60 || did.Connections != 0 {
			t.Errorf("%s: %d accepted and %d connections open, want 60 and, without a sender, none", site, did.Accepted, did.Connections)
		}
	}
}
