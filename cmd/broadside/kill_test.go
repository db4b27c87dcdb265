package main

import (
	"math/rand/v2"
	"testing"
	"time"

	"broadside/campaign"
	"broadside/delivery/smtptest"
)

// The process is killed ten times, at random moments of a run of 20,000, and started
// again. The run finishes by itself; nothing is lost; the copies too many are at most
// the messages that were on the wire, and our ledger names each of them (X15).
func TestKilledTenTimesNothingIsLost(t *testing.T) {
	const recipients, kills = 20_000, 10
	c := newCluster(t, recipients)
	c.prepare(recipients)
	c.openOwn()
	c.run("campaign", "start", "news")

	bound := int64(0)
	p := c.serve()
	for kill := range kills {
		target := received(c.sim) + 100 + rand.Int64N(recipients/kills/2)
		eventually(t, "no progress", 3*time.Minute, func() bool { return received(c.sim) >= target || over(c) })
		if over(c) {
			t.Fatalf("the run was over before kill %d: the test proves less than it says", kill+1)
		}
		p.kill()
		bound += c.connections()
		p = c.serve()
	}
	c.finished(1)
	v := c.compare()
	t.Logf("%d kills: %+v, %d copies too many, at most %d connections", kills, v.counts, v.twice, bound)
	if v.lost > 0 || v.unexpected > 0 || len(v.uncounted) > 0 {
		t.Errorf("%d lost, %d received though not sent by the ledger, second copies that it doesn't name: %v\n%s", v.lost, v.unexpected, v.uncounted, p.log)
	}
	if int64(v.twice) > bound {
		t.Errorf("%d copies too many with at most %d connections", v.twice, bound)
	}
	if v.counts.Open() != 0 || v.counts.Accepted < recipients*9/10 {
		t.Errorf("the run ended with %+v", v.counts)
	}
}

func received(sim *smtptest.Internet) int64 { return sim.Ledger().Totals().Accepted }

func over(c *cluster) bool { return c.latest(1).State == campaign.RunFinished }

// connections is an upper bound on the connections that were open at one moment.
func (c *cluster) connections() int64 {
	var n int64
	for _, p := range c.sim.Ledger().Totals().Providers {
		n += p.PeakConnections
	}
	return n
}
