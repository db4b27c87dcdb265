package main

import (
	"flag"
	"net"
	"strings"
	"testing"
	"time"

	"broadside/campaign"
	"broadside/delivery/smtptest"
)

var fullSize = flag.Bool("full", false, "large stories at full size: minutes instead of seconds")

// While two campaigns go to the same people, 1 % of these unsubscribe, 1 % complain and
// 2 % bounce later. None of them gets a message later than a second after that was
// acknowledged, and nobody of them gets the next run. M8, M12, M15, B2
func TestNobodyWhoReactedIsMailedAgain(t *testing.T) {
	people := 2_000
	if *fullSize {
		people = 100_000
	}
	domains := []string{"one.example", "two.example", "three.example", "four.example"}
	var providers []smtptest.Provider
	for _, domain := range domains {
		providers = append(providers, smtptest.Provider{Name: domain, Domains: []string{domain}, MX: []string{"mx." + domain}})
	}
	r := newReaders(t, people)
	t.Cleanup(r.stop)
	r.web, r.bounces = freeAddr(t), freeAddr(t)
	c := newClusterIn(t, smtptest.Config{Providers: providers, Accepted: r.got}, "BROADSIDE_LISTEN="+r.web, "BROADSIDE_BOUNCE_LISTEN="+r.bounces)
	r.publishKeys(c.sim, domains)
	var list strings.Builder
	list.WriteString("email,name\n")
	for n := range people {
		list.WriteString(readerAddress(n, domains) + ",Ann\n")
	}
	c.write("list.csv", list.String())
	c.create()
	c.campaign("second", "--subject", "More news", "--markdown", "letter.md", "--no-brake")
	c.openOwn()
	c.serve()
	eventually(t, "the roles are not up", 2*time.Minute, func() bool { return reachable(r.web) && reachable(r.bounces) })
	r.act()

	began := time.Now()
	c.run("campaign", "start", "news")
	eventually(t, "no progress", 3*time.Minute, func() bool { return received(c.sim) > int64(people/5) })
	c.run("campaign", "start", "second")
	c.finished(1)
	c.finished(2)
	eventually(t, "not everybody has reacted", 3*time.Minute, func() bool { _, all := r.reacted(); return all })
	of := people / 100 // each hundred has one who unsubscribes, one who complains, two who bounce
	if n, _ := r.reacted(); n != 4*of {
		t.Errorf("%d people have reacted, not %d", n, 4*of)
	}
	both := received(c.sim)
	t.Logf("two runs to %d people in %s: %d messages, %d reactions", people, time.Since(began).Round(time.Millisecond), both, 4*of)

	c.run("campaign", "start", "news", "--again")
	c.finished(3)
	counts, err := c.db.Counts(t.Context(), 3)
	if err != nil {
		t.Fatal(err)
	}
	want := campaign.Counts{Planned: int64(people), Accepted: int64(people - 4*of), Skipped: int64(4 * of)}
	if counts != want {
		t.Errorf("the next run is %+v, want %+v", counts, want)
	}
	if n := received(c.sim) - both; n != want.Accepted {
		t.Errorf("the next run brought %d messages, want %d", n, want.Accepted)
	}
	skipped := map[campaign.Reason]int{}
	for row := range c.recipients(3, campaign.Skipped) {
		skipped[row.Reason]++
		if reactionOf(readerNumber(row.Email)) == nil {
			t.Errorf("%s is left out: %s", row.Email, row.Reason)
		}
	}
	if skipped[campaign.Unsubscribed] != of || skipped[campaign.Suppressed] != 3*of {
		t.Errorf("left out: %v", skipped)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, late := range r.late {
		t.Error(late)
	}
}

// reachable reports whether somebody listens at an address.
func reachable(address string) bool {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return false
	}
	conn.Close()
	return true
}
