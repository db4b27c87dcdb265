package delivery_test

import (
	"fmt"
	"testing"
	"time"

	"broadside/campaign"
	"broadside/delivery"
	"broadside/delivery/shaping"
	"broadside/delivery/smtptest"
)

// The others are small sites at some distance that take four connections each. They need
// six seconds for their people, whatever else the machine is busy with.
const (
	others      = 4
	peopleEach  = 300
	othersRound = 80 * time.Millisecond
)

// sharing returns small sites that share a tail lane with each other and with a host.
func sharing(host string) []smtptest.Provider {
	lanes := delivery.NewLanes(nil, shaping.Builtin().ProviderOfDomain, tailLanes)
	defer lanes.Close()
	lane := lanes.Of([]string{host})[0] // of a site, which has the name of its host
	var all []smtptest.Provider
	for n := 0; len(all) < others; n++ {
		p := shop(fmt.Sprintf("shop%d", n), smtptest.Behaviour{Latency: othersRound})
		if lanes.Of(p.MX)[0] == lane {
			all = append(all, p)
		}
	}
	return all
}

// One trouble stays one trouble: three in five people are with a provider that takes 5
// messages a second, and the others get their mail as fast as without these: within
// 10 %, and half a second for the noise of a machine with other work.
func TestASlowProviderSlowsNobodyElse(t *testing.T) {
	for _, slow := range []smtptest.Provider{
		{Name: "own lane", Domains: []string{"yahoo.com"}, MX: []string{"mta5.am0.yahoodns.net"}},
		{Name: "shared lane", Domains: []string{"slow.example"}, MX: []string{"mx.slow.example"}},
	} {
		t.Run(slow.Name, func(t *testing.T) {
			slow.Behaviour = smtptest.Behaviour{Rate: 5, Burst: 5, RateReply: "421 4.7.0 You send too fast, {ip}"}
			swift := sharing("mx.slow.example")
			w := newWorld(t, setting{}, append(swift, slow)...)
			var swiftPeople, everybody []string
			for n := range peopleEach {
				for _, p := range swift {
					swiftPeople = append(swiftPeople, fmt.Sprintf("p%d@%s", n, p.Domains[0]))
				}
				everybody = append(everybody, swiftPeople[len(swiftPeople)-others:]...)
				for k := range others * 3 / 2 {
					everybody = append(everybody, fmt.Sprintf("p%d.%d@%s", n, k, slow.Domains[0]))
				}
			}
			w.list("readers", everybody...) // first: people are sent to in the order in which they came
			w.list("swift", swiftPeople...)
			w.engine()
			timed := func(list string) (campaign.Run, time.Duration) {
				before, began := w.saw(slow.Name).Accepted-w.saw("").Accepted, time.Now()
				run := w.launch(func(s *campaign.Spec) { s.Name, s.Lists = list, []string{list} })
				w.eventually("the swift have their mail", func() bool {
					return w.saw("").Accepted-w.saw(slow.Name).Accepted+before == int64(len(swiftPeople))
				})
				return run, time.Since(began)
			}
			first, alone := timed("swift")
			run, together := timed("readers")
			t.Logf("%v alone, %v together; %+v", alone, together, w.counts(run))
			if together > alone+alone/10+500*time.Millisecond {
				t.Errorf("the others had their mail after %v; without the slow provider after %v", together, alone)
			}
			if slowly := w.saw(slow.Name).Accepted; slowly < int64(4*together.Seconds()) || slowly > 500 {
				t.Errorf("meanwhile the slow provider took %d messages; it is to be kept busy, and not to be done", slowly)
			}
			_, err := w.service.Cancel(t.Context(), "readers", "the story is over")
			w.ok(err)
			w.eventually("nobody is open", func() bool { return w.counts(run).Open() == 0 })
			w.eventually("what was in flight is recorded", func() bool {
				return w.counts(first).Accepted+w.counts(run).Accepted == w.saw("").Accepted
			})
			w.agree(run)
		})
	}
}
