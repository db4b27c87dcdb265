package delivery_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"broadside/delivery"
	"broadside/delivery/shaping"
	"broadside/delivery/smtptest"
)

// The others are small sites at some distance. They need six seconds for their people.
const (
	others      = 4
	peopleEach  = 300
	othersRate  = 50
	othersRound = 80 * time.Millisecond
)

// sharing returns n small sites that share the tail lane of the slow one.
func sharing(n int, name string, b smtptest.Behaviour) []smtptest.Provider {
	lanes := delivery.NewLanes(nil, shaping.Builtin().ProviderOfDomain, tailLanes)
	defer lanes.Close()
	lane := lanes.Of([]string{"mx.slow0.example"})[0] // a site has the name of its host
	var all []smtptest.Provider
	for i := 0; len(all) < n; i++ {
		p := shop(fmt.Sprintf("%s%d", name, i), b)
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
	sluggish := smtptest.Behaviour{Rate: 5, Burst: 5, RateReply: "421 4.7.0 You send too fast, {ip}"}
	for name, slow := range map[string][]smtptest.Provider{
		"own lane": {
			{Name: "yahoo", Domains: []string{"yahoo.com"}, MX: []string{"mta5.am0.yahoodns.net"}, Behaviour: sluggish},
		},
		"shared lane":          sharing(1, "slow", sluggish),
		"six in a shared lane": sharing(6, "slow", sluggish),
	} {
		t.Run(name, func(t *testing.T) {
			swift := sharing(others, "swift", smtptest.Behaviour{Latency: othersRound})
			var swiftPeople, everybody []string
			for n := range peopleEach {
				for _, p := range swift {
					swiftPeople = append(swiftPeople, fmt.Sprintf("p%d@%s", n, p.Domains[0]))
				}
				everybody = append(everybody, swiftPeople[len(swiftPeople)-others:]...)
				for k := range others * 3 / 2 {
					everybody = append(everybody, fmt.Sprintf("p%d.%d@%s", n, k, slow[k%len(slow)].Domains[0]))
				}
			}
			// Side by side, so that both have the same moods of the machine.
			limits := shaping.Rules{Rate: othersRate, Connections: 10}
			together := newWorld(t, setting{limits: limits}, slices.Concat(swift, slow)...)
			alone := newWorld(t, setting{limits: limits, alone: true}, swift...)
			together.list("readers", everybody...)
			alone.list("readers", swiftPeople...)
			slowly := func() (n int64) {
				for _, p := range slow {
					n += together.saw(p.Name).Accepted
				}
				return n
			}
			together.engine()
			alone.engine()
			began := time.Now()
			run, reference := together.launch(nil), alone.launch(nil)
			var took, least time.Duration
			together.eventually("the others have their mail, with and without the slow", func() bool {
				if took == 0 && together.saw("").Accepted-slowly() == int64(len(swiftPeople)) {
					took = time.Since(began)
				}
				if least == 0 && alone.saw("").Accepted == int64(len(swiftPeople)) {
					least = time.Since(began)
				}
				return took > 0 && least > 0
			})
			n := slowly()
			t.Logf("%v, alone %v; the slow took %d, %+v", took, least, n, together.counts(run))
			if took > least+least/10+500*time.Millisecond && !raced {
				t.Errorf("the others had their mail after %v, without the slow after %v", took, least)
			}
			if n < int64(4*took.Seconds()) && !raced || n > int64(len(everybody)-len(swiftPeople))/2 {
				t.Errorf("meanwhile the slow took %d messages: they are to be kept busy, and not to be done", n)
			}
			alone.finish(reference)
			_, err := together.service.Cancel(t.Context(), "news", "the story is over")
			together.ok(err)
			together.eventually("nobody is open", func() bool { return together.counts(run).Open() == 0 })
			together.eventually("what was in flight is recorded", func() bool {
				return together.counts(run).Accepted == together.saw("").Accepted
			})
			together.agree(run)
		})
	}
}
