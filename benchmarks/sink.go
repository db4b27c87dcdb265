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

// sinkReport is what the sink has seen and used so far.
type sinkReport struct {
	Addr       string        `json:"addr"`
	Messages   int64         `json:"messages"`
	RoundTrips int64         `json:"round_trips"`
	Bytes      int64         `json:"bytes"`
	Duplicates int64         `json:"duplicates"`
	CPU        time.Duration `json:"cpu"`
	First      time.Time     `json:"first"` // when the first message was accepted
}

// serveSink runs one provider that takes everything, and reports once at the start
// and then for each line that it reads.
func serveSink(ctx context.Context, in io.Reader, out *json.Encoder) error {
	sim, err := smtptest.Start(smtptest.Config{
		Providers: []smtptest.Provider{{Name: "sink", Domains: []string{"*"}, MX: []string{sinkHost}}},
	})
	if err != nil {
		return err
	}
	lines := bufio.NewScanner(in)
	for more := true; more && ctx.Err() == nil; more = lines.Scan() {
		t := sim.Ledger().Totals()
		r := sinkReport{
			Addr: sim.Addr("sink").String(), Messages: t.Messages, RoundTrips: t.RoundTrips, Bytes: t.Bytes,
			Duplicates: t.Duplicates, CPU: cpuTime(),
		}
		for _, receipt := range sim.Ledger().Accepted() {
			if r.First.IsZero() || receipt.First.Before(r.First) {
				r.First = receipt.First
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
func withSink(ctx context.Context, work func(addr string) error) (sinkReport, error) {
	var before, after sinkReport
	c, err := startChild(ctx, roleSink, nil)
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
