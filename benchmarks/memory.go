package benchmarks

import (
	"context"
	"fmt"
)

// measureMemory begins a large run and cancels it some time after: when its audience is
// in the ledger, and lanes, hands and caches are as full as they get.
func measureMemory(ctx context.Context, b *bench) (r Result, err error) {
	w := b.everybody()
	w.recipients, w.limit = b.Large, b.LargeFor
	run, err := b.runOnce(ctx, w)
	if err != nil {
		return r, err
	}
	r.Setting = fmt.Sprintf("a run of %d, cancelled after %.0f s; %d were planned and %d sent by then", b.Large, run.Took.Seconds(), run.Counts.Planned, run.messages)
	r.add("peak memory", "MB", float64(run.Memory)/1e6).atMost(400)
	r.add("first message after", "s", run.first.Seconds()).atMost(2)
	r.add("disk per planned recipient", "bytes", float64(run.Disk)/float64(max(run.Counts.Planned, 1)))
	r.add("audience planned", "% of the list", 100*float64(run.Counts.Planned)/float64(b.Large))
	return r, nil
}
