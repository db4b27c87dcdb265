package benchmarks

import (
	"context"
	"fmt"
	"time"
)

// roundTrip is the simulated round trip of measureTrips: that of another continent,
// or of a provider that thinks before it answers.
const roundTrip = 100 * time.Millisecond

// openingTrips are a connection's own round trips: greeting, EHLO and QUIT.
const openingTrips = 3

// measureTrips counts what a message waits for where waiting is all that costs.
func measureTrips(ctx context.Context, b *bench) (r Result, err error) {
	chunking := sinkJob{Latency: roundTrip}
	ways := []struct {
		name string
		sink sinkJob
		part int     // of the messages: each way takes about as long
		goal float64 // messages/s
	}{
		{"CHUNKING", chunking, 1, 9.5},
		{"no CHUNKING", sinkJob{Latency: roundTrip, NoChunking: true}, 2, 4.7},
		{"lockstep", sinkJob{Latency: roundTrip, NoChunking: true, NoPipelining: true}, 4, 0},
	}
	r.Setting = fmt.Sprintf("%v simulated round trip, up to %d messages a connection, RSA-2048", roundTrip, b.PerConnection)
	var one float64 // with CHUNKING
	for i, way := range ways {
		run, err := b.far(ctx, 1, b.PerConnection/way.part, way.sink)
		if err != nil {
			return r, fmt.Errorf("%s: %w", way.name, err)
		}
		rate := r.add("one connection, "+way.name, "messages/s", run.saw.steady())
		if way.goal > 0 {
			rate.atLeast(way.goal)
		}
		if i == 0 {
			one = run.saw.steady()
		}
		r.add("one connection, "+way.name+": round trips per message", "", run.saw.tripsEach())
	}
	_, saw, err := b.loopOnce(ctx, max(b.PerConnection/4, 2), sending{connections: 1, sink: chunking})
	if err != nil {
		return r, err
	}
	r.add("one connection, plain loop", "messages/s", saw.steady())

	many, err := b.far(ctx, b.Connections, b.Connections*b.PerConnection, chunking)
	if err != nil {
		return r, err
	}
	r.add(fmt.Sprintf("%d connections, CHUNKING", b.Connections), "messages/s", many.saw.steady())
	r.add(fmt.Sprintf("%d connections, CHUNKING: round trips per message", b.Connections), "", many.saw.tripsEach())
	r.add(fmt.Sprintf("%d connections/(%[1]d × one)", b.Connections), "×", many.saw.steady()/(float64(b.Connections)*one)).atLeast(0.95)
	return r, nil
}

// far sends to a sink that is far away.
func (b *bench) far(ctx context.Context, connections, messages int, sink sinkJob) (ran, error) {
	return b.finishedOnce(ctx, sending{
		recipients: max(messages, connections+1), connections: connections, sink: sink, limit: 5 * time.Minute,
	})
}

// steady is the rate over warm connections: a connection's clock begins when its first
// message is accepted.
func (s *sinkReport) steady() float64 {
	return perSecond(s.Messages-s.Connections, s.Last.Sub(s.First))
}

// tripsEach is the round trips per message, those of opening and closing apart.
func (s *sinkReport) tripsEach() float64 {
	return float64(s.RoundTrips-openingTrips*s.Connections) / float64(s.Messages)
}
