package delivery_test

import (
	"flag"
	"fmt"
	"slices"
	"testing"
	"time"

	"broadside/campaign"
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
	const each = 6000
	w := newWorld(t, setting{limits: shaping.Rules{Rate: 1000, Connections: 20}}, shop("busy", smtptest.Behaviour{Latency: 5 * time.Millisecond}))
	w.many("readers", each, "busy.example")
	start := func(name string, weight int) campaign.Run {
		return w.launch(func(s *campaign.Spec) { s.Name, s.Weight = name, weight })
	}
	light, heavy := start("light", 10), start("heavy", 30)
	w.engine()
	for _, run := range []campaign.Run{heavy, light} {
		if c := w.finish(run); c.Accepted != each {
			t.Errorf("the balance is %+v", c)
		}
	}
	ofHeavy, ofLight := w.arrivals(heavy), w.arrivals(light)
	// What was fed before both audiences were in the ledger is not shared.
	from, to := ofHeavy[1000], ofHeavy[each-1]
	during := 0
	for _, at := range ofLight {
		if at.After(from) && !at.After(to) {
			during++
		}
	}
	share := float64(each-1000) / float64(during)
	t.Logf("%.2f to 1 in %v", share, to.Sub(from))
	if share < 2.7 || share > 3.3 {
		t.Errorf("while both had work they shared the site %.2f to 1, by %d messages to %d; want 3 to 1", share, each-1000, during)
	}
}

// An express campaign of 1,000 starts within a second and takes at most twice its time
// alone while a bulk campaign goes on at the same site that would take far longer.
func TestExpressGoesFirstDuringABigRun(t *testing.T) {
	const urgent = 1000
	bulkPeople := sized(20_000, 1_000_000)
	provider := shop("busy", smtptest.Behaviour{Latency: 5 * time.Millisecond})
	provider.Domains = append(provider.Domains, "press.example")
	w := newWorld(t, setting{limits: shaping.Rules{Rate: 500, Connections: 20}}, provider)
	w.many("press", urgent, "press.example")
	w.many("readers", bulkPeople, "busy.example")
	w.engine()
	express := func(name string) (first, all time.Duration) {
		began := time.Now()
		run := w.launch(func(s *campaign.Spec) { s.Name, s.Lists, s.Priority = name, []string{"press"}, campaign.Express })
		w.eventually("the press has its mail", func() bool { return w.counts(run).Accepted == urgent })
		at := w.arrivals(run)
		return at[0].Sub(began), at[len(at)-1].Sub(began)
	}
	_, alone := express("alert")
	bulk := w.launch(nil)
	w.eventually("bulk flows", func() bool { return w.saw("busy").Accepted > urgent+200 })
	first, during := express("alert again")
	c := w.counts(bulk)
	t.Logf("alone %v; during a run of %d: first after %v, all after %v", alone, bulkPeople, first, during)
	if first > time.Second {
		t.Errorf("the first of the press had its mail after %v", first)
	}
	if during > 2*alone {
		t.Errorf("the press had its mail after %v, alone after %v", during, alone)
	}
	if c.Accepted > int64(bulkPeople/2) {
		t.Errorf("the bulk run was far ahead, which proves little: %+v", c)
	}
	_, err := w.service.Cancel(t.Context(), "news", "the story is over")
	w.ok(err)
	w.eventually("nobody is open", func() bool { return w.counts(bulk).Open() == 0 })
}
