package benchmarks

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"
)

// play runs a scenario that is data.
func (b *bench) play(ctx context.Context, s Scenario) (r Result, err error) {
	w := sending{
		recipients: s.Recipients, connections: s.Connections, senders: s.Senders, perConnection: s.PerConnection,
		unsigned: s.Unsigned, offered: s.Offered, letter: s.Letter, retry: s.Retry.Duration, limit: s.Duration.Duration,
		sink: sinkJob{TLS: s.TLS, Sites: s.sinkSites()}, profiles: b.Profiles,
	}
	if w.profiles == "" && w.offered == 0 && w.senders == 0 {
		if w.profiles, err = os.MkdirTemp(b.Dir, "broadside-bench-"); err != nil {
			return r, err
		}
		defer os.RemoveAll(w.profiles)
	}
	run, err := b.runOnce(ctx, w)
	if err != nil {
		return r, err
	}
	r.Setting = s.Title + "; " + s.setting()
	r.add("engine", "messages/s", run.rate)
	r.add("first message after", "s", run.first.Seconds())
	r.add("size", "bytes/message", run.size)
	r.add("planned", "recipients", float64(run.Counts.Planned))
	r.add("accepted", "recipients", float64(run.Counts.Accepted))
	r.add("bounced", "recipients", float64(run.Counts.Bounced))
	r.add("open when the time was over", "recipients", float64(run.Counts.Open()))
	r.add("second copies", "messages", float64(run.saw.Duplicates))
	r.add("round trips", "per message", run.trips)
	r.add("engine: processor time", "µs/message", run.cpu)
	r.add("sink", "µs/message", run.sinkCPU)
	r.add("engine: peak memory", "MB", float64(run.Memory)/1e6)
	if run.Disk > 0 {
		r.add("disk per recipient", "bytes", float64(run.Disk)/float64(max(run.Counts.Planned, 1)))
	}
	for _, l := range run.Latencies {
		if l.Stage == "all" {
			r.add("due to recorded, half of them", "ms", l.P50)
			r.add("due to recorded, 99 %", "ms", l.P99)
		}
	}
	r.Detail = &Detail{Course: run.saw.Course, Stages: run.Stages, Latencies: run.Latencies, Sites: sitesOf(run.saw.Sites, run.Took)}
	if s.Offered == 0 && s.Senders == 0 {
		use := usage{
			cores: runtime.GOMAXPROCS(0), engine: run.cpu, sink: run.sinkCPU, rate: run.rate,
			connections: w.connections * max(len(s.Sites), 1), latency: s.distance(), trips: run.trips, stages: run.Stages, busy: run.Busy,
		}
		r.Detail.Bottleneck = use.bottleneck()
	}
	return r, nil
}

// setting names what matters of the scenario, in a line.
func (s *Scenario) setting() string {
	parts := []string{
		fmt.Sprintf("%d recipients", s.Recipients), fmt.Sprintf("about %d bytes with %d fields a part", s.Letter.Bytes, s.Letter.Fields),
		fmt.Sprintf("%d connections a site", s.Connections), "RSA-2048",
	}
	if s.Unsigned {
		parts[3] = "unsigned"
	}
	if s.TLS {
		parts = append(parts, "TLS 1.3")
	}
	if s.Senders > 0 {
		parts = append(parts, fmt.Sprintf("%d senders", s.Senders))
	}
	if s.Offered > 0 {
		parts = append(parts, fmt.Sprintf("%s messages/s offered (open loop)", digits(s.Offered)))
	}
	if len(s.Sites) > 0 {
		parts = append(parts, fmt.Sprintf("%d sites", len(s.Sites)))
	}
	return strings.Join(parts, ", ")
}

// distance is the readers' round trip on average.
func (s *Scenario) distance() time.Duration {
	var sum float64
	for _, p := range s.Sites {
		sum += p.Share * float64(p.Latency.Duration)
	}
	return time.Duration(sum)
}
