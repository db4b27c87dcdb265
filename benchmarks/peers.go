package benchmarks

import (
	"context"
	"errors"
	"fmt"
	"time"

	"broadside/benchmarks/peers"
)

// peerPart is the part of the engine's messages that slow peers send: as long, about,
// as the engine takes for all.
const peerPart = 20

// peerLimit bounds each peer's turn, which takes about 20 s.
const peerLimit = 2 * time.Minute

// peer is another way to send the letter, signed, to a sink.
type peer struct {
	name string
	part int // of the engine's messages
	send func(ctx context.Context, b *bench, w sending, dir string, to *sink) (cpu time.Duration, err error)
}

var allPeers = []peer{
	{"plain loop", loopPart, sendLoop},
	{"Nodemailer " + peers.NodemailerVersion, peerPart, sendNodemailer},
	{"Haraka " + peers.HarakaVersion, peerPart, sendThrough(peers.StartHaraka)},
	{"Postfix and OpenDKIM", peerPart, sendThrough(peers.StartPostfix)},
}

// measurePeers compares the engine with each peer on the same work: signed letters over
// the same number of connections to the same sink. The engine comes before and after
// each of them.
func measurePeers(ctx context.Context, b *bench) (r Result, err error) {
	w := b.everybody()
	r.Setting = fmt.Sprintf("%d recipients, RSA-2048, %d connections; the loop sends a %dth, the others a %dth of them; rates from the first to the last message at the sink", w.recipients, w.connections, loopPart, peerPart)
	before, err := b.finishedOnce(ctx, w)
	if err != nil {
		return r, err
	}
	engine := []float64{before.saw.rate()}
	engineCPU := []float64{before.cpu}
	for _, p := range allPeers {
		n := max(w.recipients/p.part, 1)
		saw, cpu, err := b.peerOnce(ctx, p, w, n)
		if err != nil {
			r.Setting += fmt.Sprintf("; %s left out: %v", p.name, err)
			continue
		}
		after, err := b.finishedOnce(ctx, w)
		if err != nil {
			return r, err
		}
		engine = append(engine, after.saw.rate())
		engineCPU = append(engineCPU, after.cpu)
		around := (before.saw.rate() + after.saw.rate()) / 2
		r.add(p.name, "messages/s", saw.rate())
		r.add(p.name+": processor time", "µs/message", perMicro(cpu, n))
		ratio := r.add("rate, engine/"+p.name, "×", around/saw.rate())
		if goal := peerGoals[p.name]; goal > 0 {
			ratio.atLeast(goal)
		}
		before = after
	}
	r.add("engine", "messages/s", engine...)
	r.add("engine: processor time", "µs/message", engineCPU...)
	return r, nil
}

// peerGoals are how many times as fast as a peer the engine should be, where the
// processor has AVX-512 IFMA.
var peerGoals = map[string]float64{"plain loop": 4, "Postfix and OpenDKIM": 15}

// measurePeersFar compares what one connection carries when the receiver is far away.
func measurePeersFar(ctx context.Context, b *bench) (r Result, err error) {
	far := sending{connections: 1, sink: sinkJob{Latency: roundTrip}}
	n := max(b.PerConnection/4, 4)
	r.Setting = fmt.Sprintf("%v simulated round trip, one connection, signed; %d messages, %d of the engine", roundTrip, n, b.PerConnection)
	run, err := b.far(ctx, 1, b.PerConnection, far.sink)
	if err != nil {
		return r, err
	}
	r.add("engine", "messages/s", run.saw.rate())
	for _, p := range allPeers {
		saw, _, err := b.peerOnce(ctx, p, far, n)
		if err != nil {
			r.Setting += fmt.Sprintf("; %s left out: %v", p.name, err)
			continue
		}
		r.add(p.name, "messages/s", saw.rate())
		r.add(p.name+": connections", "", float64(saw.Connections))
	}
	return r, nil
}

// rate is the messages per second from the first to the last.
func (s *sinkReport) rate() float64 { return perSecond(s.Messages-1, s.Last.Sub(s.First)) }

// peerOnce lets a peer send n messages.
func (b *bench) peerOnce(ctx context.Context, p peer, w sending, n int) (saw sinkReport, cpu time.Duration, err error) {
	w.recipients = n
	ctx, stop := context.WithTimeoutCause(ctx, peerLimit, errors.New("it took too long"))
	defer stop()
	err = b.inDir(func(dir string) error {
		saw, err = withSink(ctx, w.sink, func(to *sink) (err error) {
			cpu, err = p.send(ctx, b, w, dir, to)
			return err
		})
		return err
	})
	if err == nil && saw.Unsigned > 0 {
		err = errors.New("its messages have no signatures")
	}
	if err == nil && saw.Messages != int64(n) {
		err = fmt.Errorf("%d messages were to be sent, the sink has %d", n, saw.Messages)
	}
	return saw, cpu, err
}

func sendLoop(ctx context.Context, _ *bench, w sending, _ string, to *sink) (time.Duration, error) {
	loop, err := ask[loopReport](ctx, roleLoop, loopJob{to.Addr, w.recipients, w.connections, false})
	return loop.CPU, err
}

func sendNodemailer(ctx context.Context, b *bench, w sending, dir string, to *sink) (time.Duration, error) {
	j, err := b.peerJob(w, dir, to)
	if err != nil {
		return 0, err
	}
	source := usualLetter.source()
	return peers.Nodemailer(ctx, j, peers.Letter{
		From: source.From, Subject: source.Subject, HTML: source.HTML, Text: source.Text, Domains: mailDomains,
	}, w.recipients)
}

func (b *bench) peerJob(w sending, dir string, to *sink) (peers.Job, error) {
	key, err := b.key.PEM()
	return peers.Job{
		Dir: dir, Cache: b.Cache, Sink: to.Addr, Connections: w.connections,
		Domain: letterDomain, Selector: b.key.Selector, Key: key,
	}, err
}

// injectors is how many connections the loop has to a mail server that relays.
const injectors = 20

// sendThrough gives a mail server unsigned letters, made by the plain loop in a process
// of its own, and waits until all of them have reached the sink. Only the server's
// processor time counts.
func sendThrough(start func(context.Context, peers.Job) (*peers.Relay, error)) func(context.Context, *bench, sending, string, *sink) (time.Duration, error) {
	return func(ctx context.Context, b *bench, w sending, dir string, to *sink) (cpu time.Duration, err error) {
		j, err := b.peerJob(w, dir, to)
		if err != nil {
			return 0, err
		}
		relay, err := start(ctx, j)
		if err != nil {
			return 0, err
		}
		defer func() { err = errors.Join(err, relay.Stop()) }()
		idle, err := relay.CPU()
		if err != nil {
			return 0, err
		}
		if _, err := ask[loopReport](ctx, roleLoop, loopJob{relay.Addr, w.recipients, min(injectors, w.recipients), true}); err != nil {
			return 0, err
		}
		if err := to.waitFor(ctx, int64(w.recipients)); err != nil {
			return 0, err
		}
		cpu, err = relay.CPU()
		return cpu - idle, err
	}
}

// waitFor waits until so many messages have come.
func (s *sink) waitFor(ctx context.Context, messages int64) error {
	for {
		r, err := s.now()
		if err != nil || r.Messages >= messages {
			return err
		}
		if err := sleep(ctx, 100*time.Millisecond); err != nil {
			return fmt.Errorf("%w: the sink has %d of %d messages", err, r.Messages, messages)
		}
	}
}
