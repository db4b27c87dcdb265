package benchmarks

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"broadside/delivery/meter"
)

// growthSizes are the lists that are planned one after another, beside the largest that
// was asked for.
var growthSizes = []int{10_000, 100_000, 1_000_000}

// measureGrowth measures what a recipient costs as lists grow: imported, taken into the
// ledger, and fed to the queue.
func measureGrowth(ctx context.Context, b *bench) (r Result, err error) {
	sizes := slices.DeleteFunc(slices.Clone(growthSizes), func(n int) bool { return n >= b.Large })
	sizes = append(sizes, b.Large)
	r.Setting = fmt.Sprintf("lists of %d to %d in SQLite, jobs to the embedded queue; processor time", sizes[0], b.Large)
	parts := []string{"import", "snapshot", "feeding"}
	costs := make([][]float64, len(parts)) // by part and size
	for _, n := range sizes {
		err := b.inDir(func(dir string) error {
			cost, err := growTo(ctx, dir, n)
			for i, c := range cost {
				costs[i] = append(costs[i], perMicro(c, n))
				r.add(fmt.Sprintf("%s, %d", parts[i], n), "µs/recipient", perMicro(c, n))
			}
			return err
		})
		if err != nil {
			return r, err
		}
	}
	for i, part := range parts {
		r.add(part+": dearest/smallest list", "×", slices.Max(costs[i])/costs[i][0]).atMost(1.1)
	}
	return r, nil
}

// growTo returns the processor time of importing a list, taking it into the ledger and
// feeding it.
func growTo(ctx context.Context, dir string, n int) (cost []time.Duration, err error) {
	e, err := openEngine(ctx, dir, "", "embedded")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, e.Close()) }()
	start := meter.CPUTime()
	if err := importList(ctx, e.store, letterList, readersOrder(n), importRow); err != nil {
		return nil, err
	}
	imported := meter.CPUTime()
	p, err := e.planAll(ctx, n, "")
	return []time.Duration{imported - start, p.snapshotCPU, p.feedCPU}, err
}
