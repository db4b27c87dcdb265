package benchmarks

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"time"

	"broadside/delivery/smtptest"
)

// sinkJob is how the sink behaves; as it is, it takes everything at once and offers
// PIPELINING and CHUNKING.
type sinkJob struct {
	Latency                  time.Duration // simulated round trip
	NoChunking, NoPipelining bool
	TLS                      bool // STARTTLS is offered
}

// sinkReport is what the sink has seen and used so far.
type sinkReport struct {
	Addr        string        `json:"addr"`
	Messages    int64         `json:"messages"`
	Connections int64         `json:"connections"`
	RoundTrips  int64         `json:"round_trips"`
	Bytes       int64         `json:"bytes"`
	Duplicates  int64         `json:"duplicates"`
	CPU         time.Duration `json:"cpu"`
	First       time.Time     `json:"first"` // when the first message was accepted
	Last        time.Time     `json:"last"`
}

// serveSink runs one provider that takes everything, and reports once at the start
// and then for each line that it reads.
func serveSink(ctx context.Context, job sinkJob, in io.Reader, out *json.Encoder) error {
	sim, err := smtptest.Start(smtptest.Config{
		Providers: []smtptest.Provider{{
			Name: "sink", Domains: []string{"*"}, MX: []string{sinkHost},
			Behaviour: smtptest.Behaviour{
				Latency: job.Latency, NoChunking: job.NoChunking, NoPipelining: job.NoPipelining, StartTLS: job.TLS,
			},
		}},
	})
	if err != nil {
		return err
	}
	lines := bufio.NewScanner(in)
	for more := true; more && ctx.Err() == nil; more = lines.Scan() {
		t := sim.Ledger().Totals()
		r := sinkReport{
			Addr: sim.Addr("sink").String(), Messages: t.Messages, Connections: t.Connections, RoundTrips: t.RoundTrips, Bytes: t.Bytes,
			Duplicates: t.Duplicates, CPU: cpuTime(),
		}
		for _, receipt := range sim.Ledger().Accepted() {
			if r.First.IsZero() || receipt.First.Before(r.First) {
				r.First = receipt.First
			}
			if receipt.Last.After(r.Last) {
				r.Last = receipt.Last
			}
		}
		if err := out.Encode(r); err != nil {
			return errors.Join(err, sim.Close())
		}
	}
	return errors.Join(lines.Err(), sim.Close())
}

// sinkHost is the sink's name as a mail exchanger.
const sinkHost = "mx.sink.example"

// withSink starts a sink, lets work use it, and returns what it saw.
func withSink(ctx context.Context, job sinkJob, work func(addr string) error) (sinkReport, error) {
	var before, after sinkReport
	c, err := startChild(ctx, roleSink, job)
	if err != nil {
		return after, err
	}
	err = c.read(&before)
	if err == nil {
		err = work(before.Addr)
	}
	if err == nil {
		_, err = io.WriteString(c.in, "report\n")
	}
	if err == nil {
		err = c.read(&after)
	}
	after.CPU -= before.CPU
	return after, errors.Join(err, c.end())
}
