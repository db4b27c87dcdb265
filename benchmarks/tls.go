package benchmarks

import (
	"context"
	"fmt"
)

// perTLSConnection is how many messages a connection carries in measureTLS, as large
// providers allow.
const perTLSConnection = 50

// measureTLS tells TLS's cost per message from that of its handshakes: by runs with and
// without it, over connections that are used for a few messages and ones that last.
// They are unsigned, so that signing doesn't hide the difference.
func measureTLS(ctx context.Context, b *bench) (r Result, err error) {
	n := max(b.Recipients/2, 1)
	r.Setting = fmt.Sprintf("%d recipients, unsigned, %d connections, TLS 1.3 and clear text by turns", n, b.Connections)
	var clear, secure, clearLasting, secureLasting []ran
	for range b.Rounds {
		for _, way := range []struct {
			to      *[]ran
			tls     bool
			lasting bool
		}{{&clear, false, false}, {&secure, true, false}, {&clearLasting, false, true}, {&secureLasting, true, true}} {
			w := b.everybody()
			w.recipients, w.unsigned, w.perConnection, w.sink.TLS = n, true, perTLSConnection, way.tls
			if way.lasting {
				w.perConnection = 0
			}
			run, err := b.finishedOnce(ctx, w)
			if err != nil {
				return r, err
			}
			*way.to = append(*way.to, run)
		}
	}
	cpu := func(o ran) float64 { return o.cpu }
	sinkCPU := func(o ran) float64 { return o.sinkCPU }
	rate := func(o ran) float64 { return o.rate }
	r.add(fmt.Sprintf("clear text, %d messages a connection", perTLSConnection), "messages/s", each(clear, rate)...)
	r.add(fmt.Sprintf("TLS 1.3, %d messages a connection", perTLSConnection), "messages/s", each(secure, rate)...)
	r.add("rate, TLS/clear text", "×", eachPair(secure, clear, func(s, c ran) float64 { return s.rate / c.rate })...)
	r.add("clear text: processor time", "µs/message", each(clear, cpu)...)
	r.add("TLS 1.3: processor time", "µs/message", each(secure, cpu)...)
	r.add("sink, clear text", "µs/message", each(clear, sinkCPU)...)
	r.add("sink, TLS 1.3", "µs/message", each(secure, sinkCPU)...)

	perMessage := eachPair(secureLasting, clearLasting, func(s, c ran) float64 { return s.cpu - c.cpu })
	together := eachPair(secure, clear, func(s, c ran) float64 { return s.cpu - c.cpu })
	handshakes := make([]float64, len(together))
	for i := range together {
		handshakes[i] = perTLSConnection * (together[i] - perMessage[i])
	}
	r.add("what TLS costs us per message", "µs of processor time", perMessage...)
	r.add("what TLS costs us per connection", "µs of processor time", handshakes...)
	return r, nil
}

// eachPair compares the runs of each round.
func eachPair(a, b []ran, of func(a, b ran) float64) []float64 {
	values := make([]float64, len(a))
	for i := range a {
		values[i] = of(a[i], b[i])
	}
	return values
}
