package delivery_test

import (
	"flag"
	"fmt"
	"slices"
	"testing"
	"time"

	"broadside/campaign"
	"broadside/delivery"
	"broadside/delivery/shaping"
	"broadside/delivery/smtptest"
)

// fullSize makes the stories whose sizes matter as large as in production:
//
//	go test ./delivery -run 'Express|Domains' -full -timeout 1h -v
var fullSize = flag.Bool("full", false, "large stories at full size: minutes instead of seconds")

// sized is a size of a story, that of `make test` or the full one.
func sized(small, full int) int {
	if *fullSize {
		return full
	}
	return small
}

// many puts n contacts on a list, at the domains in turns, a page at a time.
func (w *world) many(list string, n int, domains ...string) {
	w.t.Helper()
	const page = 10_000
	for from := 0; from < n; from += page {
		emails := make([]string, 0, page)
		for i := from; i < min(from+page, n); i++ {
			emails = append(emails, fmt.Sprintf("%s%d@%s", list, i, domains[i%len(domains)]))
		}
		w.list(list, emails...)
	}
}

// arrivals are when a run's messages arrived at the simulator, in order.
func (w *world) arrivals(run campaign.Run) []time.Time {
	w.t.Helper()
	var all []time.Time
	for _, row := range w.rows(run, campaign.Accepted) {
		if r, ok := w.sim.Ledger().Receipt(smtptest.KeyOf(row.Email, w.messageID(row))); ok {
			all = append(all, r.First)
		}
	}
	slices.SortFunc(all, time.Time.Compare)
	return all
}

// Two campaigns of weights 3 and 1 share a saturated site 3 to 1, as the site sees it.
func TestCampaignsShareASiteByWeight(t *testing.T) {
	const each = 10_500
	rate := 1000.0
	if raced {
		rate = 400 // the site has to be what is scarce, and not the planner's time
	}
	w := newWorld(t, setting{limits: shaping.Rules{Rate: rate, Connections: 20}}, shop("busy", smtptest.Behaviour{Latency: 5 * time.Millisecond}))
	w.many("readers", each, "busy.example")
	start := func(name string, weight int) campaign.Run {
		return w.launch(func(s *campaign.Spec) { s.Name, s.Weight = name, weight })
	}
	light, heavy := start("light", 10), start("heavy", 30)
	w.engine()
	if c := w.finish(heavy); c.Accepted != each {
		t.Errorf("the balance is %+v", c)
	}
	ofHeavy, ofLight := w.arrivals(heavy), w.arrivals(light)
	// What was fed before both audiences were in the ledger is not shared. From then on
	// the lane is fed up to 990 at a time, three quarters of which are the heavy one's: a
	// dozen turns tell the share to within a twelfth.
	const first, last = 1200, each - 100
	during := 0
	for _, at := range ofLight {
		if at.After(ofHeavy[first]) && !at.After(ofHeavy[last]) {
			during++
		}
	}
	share := float64(last-first) / float64(during)
	t.Logf("%.2f to 1 in %v", share, ofHeavy[last].Sub(ofHeavy[first]))
	if share < 2.7 || share > 3.3 {
		t.Errorf("while both had work they shared the site %.2f to 1; want 3 to 1", share)
	}
	_, err := w.service.Cancel(t.Context(), "light", "the story is over")
	w.ok(err)
	w.eventually("nobody is open", func() bool { return w.counts(light).Open() == 0 })
}

// An express campaign of 1,000 starts within a second and takes at most twice its time
// alone while a bulk campaign goes on at the same site that takes far longer.
func TestExpressGoesFirstDuringABigRun(t *testing.T) {
	const urgent = 1000
	bulkPeople := sized(20_000, 1_000_000)
	provider := shop("busy", smtptest.Behaviour{Latency: 5 * time.Millisecond})
	provider.Domains = append(provider.Domains, "press.example")
	limits := shaping.Rules{Rate: 500, Connections: 20}
	// Side by side, so that both have the same moods of the machine.
	busy, alone := newWorld(t, setting{limits: limits}, provider), newWorld(t, setting{limits: limits, alone: true}, provider)
	worlds := []*world{busy, alone}
	busy.many("readers", bulkPeople, "busy.example")
	for _, w := range worlds {
		w.many("press", urgent, "press.example")
		w.engine()
	}
	bulk := busy.launch(nil)
	busy.eventually("bulk flows", func() bool { return busy.saw("busy").Accepted > 200 })
	var express [2]campaign.Run
	began := time.Now()
	for i, w := range worlds {
		express[i] = w.launch(func(s *campaign.Spec) { s.Name, s.Lists, s.Priority = "alert", []string{"press"}, campaign.Express })
	}
	var first, all [2]time.Duration
	for i, w := range worlds {
		w.eventually("the press has its mail", func() bool { return w.counts(express[i]).Accepted == urgent })
		at := w.arrivals(express[i])
		first[i], all[i] = at[0].Sub(began), at[urgent-1].Sub(began)
	}
	c := busy.counts(bulk)
	t.Logf("the first of the press has its mail after %v, alone %v; all after %v, alone %v; the run is at %+v", first[0], first[1], all[0], all[1], c)
	if first[0] > max(time.Second, 3*first[1]) && !raced {
		t.Errorf("the first of the press had its mail after %v, alone %v", first[0], first[1])
	}
	if all[0] > 2*all[1] && !raced {
		t.Errorf("the press had its mail after %v, alone after %v", all[0], all[1])
	}
	if c.Accepted > int64(bulkPeople/2) {
		t.Errorf("the bulk run was far ahead, which proves little: %+v", c)
	}
	_, err := busy.service.Cancel(t.Context(), "news", "the story is over")
	busy.ok(err)
	busy.within(10*time.Minute, "nobody is open", func() bool { return busy.counts(bulk).Open() == 0 })
}

// A sender whose connections are all busy at large sites serves the small ones too.
func TestBusySitesLeaveRoomForSmallOnes(t *testing.T) {
	w := newWorld(t, setting{tune: func(c *delivery.Config) { c.Connections = 2 }},
		gmail(smtptest.Behaviour{Latency: 100 * time.Millisecond}), shop("small", smtptest.Behaviour{}))
	w.people(240, "gmail.com")
	run := w.launch(nil)
	w.engine()
	w.eventually("Gmail has all the connections", func() bool { return w.saw("google").Accepted > 10 })
	w.list("few", "anna@small.example")
	second := w.launch(func(s *campaign.Spec) { s.Name, s.Lists = "few", []string{"few"} })
	w.eventually("the small site has its mail", func() bool { return w.saw("small").Accepted == 1 })
	if n := w.saw("google").Accepted; n > 200 {
		t.Errorf("it had to wait for %d messages to the large one", n)
	}
	w.finish(run)
	w.finish(second)
}
