package benchmarks

import (
	"context"
	"fmt"
	"time"
)

// sending is a run as data: what the engine has to send, and to what.
type sending struct {
	recipients    int
	connections   int
	senders       int // processes; 0: the engine's own
	perConnection int // messages; 0: as many as there are
	unsigned      bool
	offered       float64       // messages per second; 0: as fast as they are sent
	profiles      string        // a directory for them; "": none
	letter        letter        // {}: usualLetter
	retry         time.Duration // before each further attempt; 0: as delivery has it
	sink          sinkJob
	limit         time.Duration // see engineJob
	pages         bool          // are served by the engine
	viewers       int           // of the run's page
}

// job is what the engine is told.
func (w *sending) job(dir string, sink sinkReport) engineJob {
	j := engineJob{
		Dir: dir, Sink: sink.Addr, Connections: w.connections, PerConnection: w.perConnection, TLS: w.sink.TLS,
		Senders: w.senders, Offered: w.offered, Limit: w.limit, Letter: w.letter, Retry: w.retry, Profiles: w.profiles, Pages: w.pages, Viewers: w.viewers,
	}
	if len(w.sink.Sites) > 0 {
		j.DNS = sink.DNS
	}
	return j
}

// everybody is the usual run: to all recipients, at once.
func (b *bench) everybody() sending {
	return sending{recipients: b.Recipients, connections: b.Connections, profiles: b.Profiles, limit: 15 * time.Minute}
}

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
	saw   sinkReport
	first time.Duration // from the start to the first message
}

// runOnce sends with the engine, in a fresh directory.
func (b *bench) runOnce(ctx context.Context, w sending) (r ran, err error) {
	err = b.inDir(func(dir string) error {
		if _, err := ask[struct{}](ctx, rolePrepare, prepareJob{dir, w.recipients, w.unsigned}); err != nil {
			return err
		}
		var err error
		r.saw, err = withSink(ctx, w.sink, func(to *sink) (err error) {
			r.engineReport, err = ask[engineReport](ctx, roleEngine, w.job(dir, to.sinkReport))
			return err
		})
		if err != nil {
			return err
		}
		if r.saw.Messages == 0 {
			return fmt.Errorf("nothing arrived at the sink; the ledger has %+v", r.Counts)
		}
		// Who is resent to may have any number of copies, when connections are cut again.
		if r.saw.Duplicates > 0 && r.Counts.Resent == 0 || r.saw.Messages < r.Counts.Accepted {
			return fmt.Errorf("the sink has %d messages, %d of them twice; the ledger has %d accepted, %d resent", r.saw.Messages, r.saw.Duplicates, r.Counts.Accepted, r.Counts.Resent)
		}
		r.sent, r.first = newSent(r.saw, r.Took, r.CPU), r.saw.First.Sub(r.Started)
		return nil
	})
	return r, err
}

// finishedOnce is runOnce of a run that must end with everybody accepted.
func (b *bench) finishedOnce(ctx context.Context, w sending) (ran, error) {
	r, err := b.runOnce(ctx, w)
	if err == nil && r.Counts.Accepted != int64(w.recipients) {
		err = fmt.Errorf("not everybody was reached: %+v", r.Counts)
	}
	return r, err
}

// loopOnce sends so many messages with the plain loop.
func (b *bench) loopOnce(ctx context.Context, n int, w sending) (sent, sinkReport, error) {
	var loop loopReport
	saw, err := withSink(ctx, w.sink, func(to *sink) (err error) {
		loop, err = ask[loopReport](ctx, roleLoop, loopJob{to.Addr, n, w.connections, w.unsigned})
		return err
	})
	if err == nil && saw.Messages != int64(n) {
		err = fmt.Errorf("the plain loop sent %d messages, the sink has %d", n, saw.Messages)
	}
	if err != nil {
		return sent{}, saw, err
	}
	return newSent(saw, loop.Took, loop.CPU), saw, nil
}

// The plain loop's rate is steady: a part of the engine's messages is enough.
const loopPart = 4

// turns lets the loop and the engine take turns, the loop first and last, so that
// what changes on the machine meanwhile meets both.
func (b *bench) turns(ctx context.Context, rounds int, w sending) (loops []sent, runs []ran, err error) {
	for round := range rounds + 1 {
		loop, _, err := b.loopOnce(ctx, max(w.recipients/loopPart, 1), w)
		if err != nil {
			return nil, nil, err
		}
		loops = append(loops, loop)
		if round == rounds {
			break
		}
		run, err := b.finishedOnce(ctx, w)
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
