package benchmarks

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"
)

// The plain loop's rate is steady: a part of the engine's messages is enough.
const loopPart = 4

// sent is what one way of sending cost.
type sent struct {
	messages int64
	rate     float64 // messages per second
	cpu      float64 // µs of processor time per message, of the sending process
	sinkCPU  float64 // and of the sink
	trips    float64 // round trips per message
	size     float64 // bytes per message
}

func newSent(s sinkReport, took, cpu time.Duration) sent {
	n := float64(s.Messages)
	return sent{
		messages: s.Messages, rate: perSecond(s.Messages, took),
		cpu: perMicro(cpu, s.Messages), sinkCPU: perMicro(s.CPU, s.Messages),
		trips: float64(s.RoundTrips) / n, size: float64(s.Bytes) / n,
	}
}

// ran is a run of the engine.
type ran struct {
	sent
	engineReport
	first time.Duration // from the start to the first message
}

// runOnce sends to so many recipients with the engine, in a fresh directory.
func (b *bench) runOnce(ctx context.Context, recipients int, unsigned bool, limit time.Duration) (r ran, err error) {
	err = b.inDir(func(dir string) error {
		if _, err := ask[struct{}](ctx, rolePrepare, prepareJob{dir, recipients, unsigned}); err != nil {
			return err
		}
		saw, err := withSink(ctx, func(addr string) (err error) {
			r.engineReport, err = ask[engineReport](ctx, roleEngine, engineJob{
				Dir: dir, Sink: addr, Connections: b.Connections, Limit: limit, Profiles: b.Profiles,
			})
			return err
		})
		if err != nil {
			return err
		}
		if saw.Messages == 0 {
			return fmt.Errorf("nothing arrived at the sink; the ledger has %+v", r.Counts)
		}
		if saw.Duplicates > 0 || saw.Messages < r.Counts.Accepted {
			return fmt.Errorf("the sink has %d messages, %d of them twice; the ledger has %d accepted", saw.Messages, saw.Duplicates, r.Counts.Accepted)
		}
		r.sent, r.first = newSent(saw, r.Took, r.CPU), saw.First.Sub(r.Started)
		return nil
	})
	return r, err
}

// finishedOnce is runOnce of a run that must end with everybody accepted.
func (b *bench) finishedOnce(ctx context.Context, unsigned bool) (ran, error) {
	r, err := b.runOnce(ctx, b.Recipients, unsigned, 15*time.Minute)
	if err == nil && r.Counts.Accepted != int64(b.Recipients) {
		err = fmt.Errorf("not everybody was reached: %+v", r.Counts)
	}
	return r, err
}

func (b *bench) loopOnce(ctx context.Context, unsigned bool) (sent, error) {
	n := max(b.Recipients/loopPart, 1)
	var loop loopReport
	saw, err := withSink(ctx, func(addr string) (err error) {
		loop, err = ask[loopReport](ctx, roleLoop, loopJob{addr, n, b.Connections, unsigned})
		return err
	})
	if err == nil && saw.Messages != int64(n) {
		err = fmt.Errorf("the plain loop sent %d messages, the sink has %d", n, saw.Messages)
	}
	if err != nil {
		return sent{}, err
	}
	return newSent(saw, loop.Took, loop.CPU), nil
}

// turns lets the loop and the engine take turns, the loop first and last, so that
// what changes on the machine meanwhile meets both.
func (b *bench) turns(ctx context.Context, rounds int, unsigned bool) (loops []sent, runs []ran, err error) {
	for round := range rounds + 1 {
		loop, err := b.loopOnce(ctx, unsigned)
		if err != nil {
			return nil, nil, err
		}
		loops = append(loops, loop)
		if round == rounds {
			break
		}
		run, err := b.finishedOnce(ctx, unsigned)
		if err != nil {
			return nil, nil, err
		}
		runs = append(runs, run)
	}
	return loops, runs, nil
}

// ratios compares each run with the loops before and after it.
func ratios(loops []sent, runs []ran, of func(run, loop sent) float64) []float64 {
	r := make([]float64, len(runs))
	for i := range runs {
		r[i] = (of(runs[i].sent, loops[i]) + of(runs[i].sent, loops[i+1])) / 2
	}
	return r
}

func each[T any](all []T, of func(T) float64) []float64 {
	values := make([]float64, len(all))
	for i, one := range all {
		values[i] = of(one)
	}
	return values
}

func measureRun(ctx context.Context, b *bench) (r Result, err error) {
	loops, runs, err := b.turns(ctx, b.Rounds, false)
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

// measureUnsigned shows everything but the signatures, against the loop and, where
// Postfix is installed, against the wire's limit.
func measureUnsigned(ctx context.Context, b *bench) (r Result, err error) {
	loops, runs, err := b.turns(ctx, 1, true)
	if err != nil {
		return r, err
	}
	r.Setting = fmt.Sprintf("%d recipients, unsigned, %d connections; plain loop of %d", b.Recipients, b.Connections, loops[0].messages)
	r.compare(loops, runs)
	path, err := findSource()
	if err != nil {
		r.Setting += "; smtp-source is not installed (Debian package postfix)"
		return r, nil
	}
	wire, err := b.sourceOnce(ctx, path)
	if err != nil {
		return r, err
	}
	r.add("smtp-source", "messages/s", wire.rate)
	r.add("smtp-source: processor time", "µs/message", wire.cpu)
	r.add("rate, engine/smtp-source", "×", runs[0].rate/wire.rate)
	return r, nil
}

// findSource finds Postfix's load generator, which Debian keeps off the usual path.
func findSource() (string, error) {
	const debian = "/usr/sbin/smtp-source"
	if _, err := os.Stat(debian); err == nil {
		return debian, nil
	}
	return exec.LookPath("smtp-source")
}

// sourceOnce sends with smtp-source: a fixed message, written without looking at it.
func (b *bench) sourceOnce(ctx context.Context, path string) (sent, error) {
	var took, cpu time.Duration
	saw, err := withSink(ctx, func(addr string) error {
		cmd := exec.CommandContext(ctx, path, "-d", "-s", strconv.Itoa(b.Connections), "-m", strconv.Itoa(b.Recipients),
			"-l", "15360", "-f", "news@"+letterDomain, "-t", "reader@mail.example", "inet:"+addr)
		cmd.Stderr = os.Stderr
		start := time.Now()
		err := cmd.Run()
		took = time.Since(start)
		if u, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
			cpu = time.Duration(u.Utime.Nano() + u.Stime.Nano())
		}
		return err
	})
	if err == nil && saw.Messages == 0 {
		err = errors.New("the sink got nothing")
	}
	if err != nil {
		return sent{}, fmt.Errorf("smtp-source: %w", err)
	}
	return newSent(saw, took, cpu), nil
}
