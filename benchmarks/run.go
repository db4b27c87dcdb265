package benchmarks

import (
	"context"
	"fmt"
)

func measureRun(ctx context.Context, b *bench) (r Result, err error) {
	loops, runs, err := b.turns(ctx, b.Rounds, b.everybody())
	if err != nil {
		return r, err
	}
	r.Setting = fmt.Sprintf("%d recipients, RSA-2048, %d connections, ledger and queue durable; plain loop of %d", b.Recipients, b.Connections, loops[0].messages)
	r.compare(loops, runs).atLeast(1)
	r.add("first message after", "s", each(runs, func(o ran) float64 { return o.first.Seconds() })...).atMost(2)
	r.add("engine: round trips per message", "", each(runs, func(o ran) float64 { return o.trips })...)
	r.add("engine: allocations per message", "", each(runs, func(o ran) float64 { return float64(o.Mallocs) / float64(o.messages) })...)
	r.add("engine: garbage collection", "% of its processor time", each(runs, func(o ran) float64 { return 100 * o.GCSeconds / o.CPU.Seconds() })...)
	r.add("engine: peak memory", "MB", each(runs, func(o ran) float64 { return float64(o.Memory) / 1e6 })...)
	return r, nil
}

// compare adds what both have, and returns the ratio of their rates.
func (r *Result) compare(loops []sent, runs []ran) *Figure {
	run := func(of func(sent) float64) []float64 { return each(runs, func(o ran) float64 { return of(o.sent) }) }
	r.add("engine", "messages/s", run(func(s sent) float64 { return s.rate })...)
	r.add("plain loop", "messages/s", each(loops, func(s sent) float64 { return s.rate })...)
	r.add("engine: processor time", "µs/message", run(func(s sent) float64 { return s.cpu })...)
	r.add("plain loop: processor time", "µs/message", each(loops, func(s sent) float64 { return s.cpu })...)
	r.add("sink under the engine", "µs/message", run(func(s sent) float64 { return s.sinkCPU })...)
	r.add("sink under the loop", "µs/message", each(loops, func(s sent) float64 { return s.sinkCPU })...)
	r.add("engine: size", "bytes/message", run(func(s sent) float64 { return s.size })...)
	r.add("plain loop: size", "bytes/message", each(loops, func(s sent) float64 { return s.size })...)
	r.add("processor time, loop/engine", "×", ratios(loops, runs, func(run, loop sent) float64 { return loop.cpu / run.cpu })...)
	return r.add("rate, engine/loop", "×", ratios(loops, runs, func(run, loop sent) float64 { return run.rate / loop.rate })...)
}

// measureUnsigned shows everything but the signatures.
func measureUnsigned(ctx context.Context, b *bench) (r Result, err error) {
	w := b.everybody()
	w.unsigned = true
	loops, runs, err := b.turns(ctx, 1, w)
	if err != nil {
		return r, err
	}
	r.Setting = fmt.Sprintf("%d recipients, unsigned, %d connections; plain loop of %d", b.Recipients, b.Connections, loops[0].messages)
	r.compare(loops, runs)
	return r, nil
}
