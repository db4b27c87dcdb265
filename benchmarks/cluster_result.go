package benchmarks

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"broadside/campaign"
	"broadside/delivery/meter"
)

// clusterResult is what senders elsewhere say of a run.
func clusterResult(s Scenario, w *course, counts campaign.Counts) (r Result) {
	sum, took := delta(w.first, w.last), w.latest.Sub(w.began)
	accepted := max(sum.Accepted(), 1)
	var cpu time.Duration
	cores := 0
	for name, p := range w.last {
		cpu += p.CPU - w.first[name].CPU
		cores += p.Cores
	}
	r.Setting = fmt.Sprintf("%s; %s; a cluster of %d senders with %d cores", s.Title, s.setting(), len(w.last), cores)
	r.add("cluster", "messages/s", perSecond(sum.Accepted(), took))
	r.add("cluster: best second", "messages/s", slices.Max(append(w.arrivals.Rate, 0)))
	r.add("planned", "recipients", float64(counts.Planned))
	r.add("accepted", "recipients", float64(counts.Accepted))
	r.add("bounced", "recipients", float64(counts.Bounced))
	r.add("open at the end", "recipients", float64(counts.Open()))
	r.add("senders: processor time", "µs/message", perMicro(cpu, accepted))
	for _, name := range slices.Sorted(maps.Keys(w.last)) {
		p := w.last[name]
		r.add(name, "messages/s", perSecond(p.Sample.Since(w.first[name].Sample).Accepted(), took))
		r.add(name+": peak memory", "MB", float64(p.Memory)/1e6)
	}
	r.Detail = &Detail{Course: w.arrivals, Latencies: stageLatencies(sum), Sites: clusterSites(sum, took)}
	r.Detail.Bottleneck = clusterBottleneck(sum, cpu.Seconds()/took.Seconds()/float64(max(cores, 1)))
	return r
}

// stageLatencies are of all senders' attempts; their buckets make them up to a sixteenth
// wrong.
func stageLatencies(sum meter.Sample) []Latency {
	var all []Latency
	for _, stage := range meter.Stages() {
		took := sum.Took[stage]
		ms := func(q float64) float64 { return took.Quantile(q).Seconds() * 1e3 }
		all = append(all, Latency{stage.String(), ms(0.5), ms(0.9), ms(0.99), ms(1)})
	}
	return all
}

func clusterSites(sum meter.Sample, took time.Duration) []Site {
	var all []Site
	for _, name := range slices.Sorted(maps.Keys(sum.Sites)) {
		c := sum.Sites[name]
		if c.Attempts > 0 {
			all = append(all, Site{
				Name: name, Messages: c.Accepted, Rate: perSecond(c.Accepted, took), Connections: c.Connections, Refused: c.Refused,
			})
		}
	}
	return all
}

// clusterBottleneck says in a sentence what the senders lacked: processors, when these were
// busy; else what messages waited for longest.
func clusterBottleneck(sum meter.Sample, busy float64) string {
	if busy >= full {
		return fmt.Sprintf("The bottleneck is the senders' processors: %.0f %% of them were busy; more senders would be faster.", 100*min(busy, 1))
	}
	longest := meter.Queue
	for _, stage := range meter.Stages() {
		if sum.Took[stage].Quantile(0.5) > sum.Took[longest].Quantile(0.5) {
			longest = stage
		}
	}
	half := sum.Took[longest].Quantile(0.5).Round(time.Microsecond)
	lacks := map[meter.Stage]string{
		meter.Queue: "more senders, or more connections for those there are, would take jobs sooner",
		meter.Wait:  "the sites' limits of rate and connections hold the mail back",
		meter.SMTP:  "the receivers' answers take that long; more connections would wait for them side by side",
	}
	if lack := lacks[longest]; lack != "" {
		return fmt.Sprintf("The bottleneck is not the senders' processors (%.0f %% busy): half of the messages spent %v or more in %q; %s.", 100*busy, half, longest, lack)
	}
	return fmt.Sprintf("The bottleneck is %q, half of the messages spent %v or more there, and the senders' processors were %.0f %% busy.", longest, half, 100*busy)
}
