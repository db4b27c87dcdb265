package benchmarks

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"time"
)

// measureStages looks into a run at full speed: what the processor does, and what
// bounds it.
func measureStages(ctx context.Context, b *bench) (r Result, err error) {
	w := b.everybody()
	if w.profiles == "" {
		if w.profiles, err = os.MkdirTemp(b.Dir, "broadside-bench-"); err != nil {
			return r, err
		}
		defer os.RemoveAll(w.profiles)
	}
	run, err := b.finishedOnce(ctx, w)
	if err != nil {
		return r, err
	}
	r.Setting = fmt.Sprintf("%d recipients, RSA-2048, %d connections, profiled", w.recipients, w.connections)
	r.add("engine", "messages/s", run.rate)
	r.add("engine: processor time", "µs/message", run.cpu)
	r.add("sink", "µs/message", run.sinkCPU)
	r.add("engine: peak memory", "MB", float64(run.Memory)/1e6)
	r.add("disk per recipient", "bytes", float64(run.Disk)/float64(run.messages))
	limit := float64(runtime.GOMAXPROCS(0)) * 1e6 / (stageMicros(run.Stages, "sign") + stageMicros(run.Stages, "SMTP") + run.sinkCPU)
	r.add("limit: cores/(signing + SMTP + sink)", "messages/s", limit)
	r.add("engine/limit", "×", run.rate/limit).atLeast(0.6)
	r.add("queue", "µs/message", stageMicros(run.Stages, "queue")).atMost(40)
	r.add("ledger", "µs/message", stageMicros(run.Stages, "ledger")).atMost(10)
	r.add("garbage collection", "% of processor time", 100*stageShare(run.Stages, "garbage collection")).atMost(5)
	use := usage{
		cores: runtime.GOMAXPROCS(0), engine: run.cpu, sink: run.sinkCPU, rate: run.rate,
		connections: w.connections, latency: w.sink.Latency, trips: run.trips, stages: run.Stages, busy: run.Busy,
	}
	r.Detail = &Detail{Bottleneck: use.bottleneck(), Course: run.saw.Course, Stages: run.Stages, Sites: sitesOf(run.saw.Sites, run.Took)}
	return r, nil
}

func stageMicros(stages []StageCPU, name string) float64 {
	for _, s := range stages {
		if s.Stage == name {
			return s.Micros
		}
	}
	return 0
}

func stageShare(stages []StageCPU, name string) float64 {
	for _, s := range stages {
		if s.Stage == name {
			return s.Share
		}
	}
	return 0
}

// usage is what a run used of what it could use.
type usage struct {
	cores        int
	engine, sink float64 // µs of processor time per message
	rate         float64 // messages per second
	connections  int     // at a site
	latency      time.Duration
	trips        float64 // round trips per message
	stages       []StageCPU
	busy         float64 // part of all processor time that was used, by other programs too
}

// full is when something counts as used up.
const full = 0.85

// bottleneck says in a sentence what would have to be better for more messages.
func (u *usage) bottleneck() string {
	cpu := u.rate * (u.engine + u.sink) / 1e6 / float64(u.cores)
	wires := u.rate * u.trips * u.latency.Seconds() / float64(max(u.connections, 1))
	switch {
	case wires >= full:
		return fmt.Sprintf("The bottleneck is the round trip: %d connections waited for replies %.0f %% of the time; more of them, or messages that need less than %s round trips, would be faster.", u.connections, 100*min(wires, 1), digits(u.trips))
	case cpu < full && u.busy >= full:
		return fmt.Sprintf("The bottleneck is the processor, and other programs used it too: %d cores were %.0f %% busy, %.0f %% with this run; on a quiet machine it would be faster.", u.cores, 100*min(u.busy, 1), 100*cpu)
	case cpu >= full && u.sink > u.engine:
		return fmt.Sprintf("The bottleneck is the processor, and most of it the sink: %d cores were %.0f %% busy, %s of %s µs a message in the sink.", u.cores, 100*min(cpu, 1), digits(u.sink), digits(u.engine+u.sink))
	case cpu >= full && len(u.stages) > 0:
		return fmt.Sprintf("The bottleneck is the processor: %d cores were %.0f %% busy, and %q takes most of it, %s of the engine's %s µs a message; the sink takes %s µs beside it.", u.cores, 100*min(cpu, 1), u.stages[0].Stage, digits(u.stages[0].Micros), digits(u.engine), digits(u.sink))
	case cpu >= full:
		return fmt.Sprintf("The bottleneck is the processor: %d cores were %.0f %% busy.", u.cores, 100*min(cpu, 1))
	default:
		return fmt.Sprintf("The bottleneck is neither the processor (%.0f %% of %d cores busy) nor the round trip (%.0f %%): the start and end of a short run, the disk or a lock; more recipients and the blocking profile (--profiles) tell which.", 100*cpu, u.cores, 100*wires)
	}
}

// internetSites are the sink's providers where latency is measured: a large one and
// smaller ones at several distances, and some domains with servers of their own.
func internetSites() []sinkSite {
	sites := []sinkSite{
		{Name: "large", From: 0, Domains: 58, Latency: 20 * time.Millisecond},
		{Name: "middle", From: 58, Domains: 19, Latency: 10 * time.Millisecond},
		{Name: "far", From: 77, Domains: 15, Latency: 100 * time.Millisecond},
	}
	for i := 92; i < mailDomains; i++ {
		sites = append(sites, sinkSite{Name: fmt.Sprintf("own%d", i), From: i, Domains: 1, Latency: 30 * time.Millisecond})
	}
	return sites
}

// measureLatency measures how long messages take from when they are due until they are
// in the ledger, at a rate that leaves room.
func measureLatency(ctx context.Context, b *bench) (r Result, err error) {
	w := b.everybody()
	w.recipients = min(b.Recipients, int(10*b.Offered))
	w.offered, w.limit, w.sink.Sites = b.Offered, 2*time.Minute, internetSites()
	run, err := b.finishedOnce(ctx, w)
	if err != nil {
		return r, err
	}
	r.Setting = fmt.Sprintf("%d recipients at %d sites, %s messages/s offered (open loop), RSA-2048, %d connections a site", w.recipients, len(w.sink.Sites), digits(b.Offered), w.connections)
	for _, l := range run.Latencies {
		if l.Stage == "all" {
			r.add("due to recorded, half of them", "ms", l.P50)
			r.add("due to recorded, 99 %", "ms", l.P99)
		}
	}
	r.add("engine: processor time", "µs/message", run.cpu)
	r.add("engine: peak memory", "MB", float64(run.Memory)/1e6)
	r.Detail = &Detail{Course: run.saw.Course, Latencies: run.Latencies, Sites: sitesOf(run.saw.Sites, run.Took)}
	return r, nil
}
