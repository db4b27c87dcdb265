package ratelimit

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"
)

const (
	// probeEvery is how often the server is asked for its time, probes how many times in
	// a row: the quickest answer is the most exact.
	probeEvery = 10 * time.Second
	probes     = 3
	// wrongClock is by how much the machine's own clock may differ before it is said.
	wrongClock = 200 * time.Millisecond
)

// clock tells the server's time. It counts on from one reading of the machine's clock,
// so setting that one changes nothing.
type clock struct {
	now    func() time.Time
	base   time.Time
	offset atomic.Int64 // server's time at base, Unix nanoseconds
	warned bool
}

func newClock(now func() time.Time) *clock {
	c := &clock{now: now, base: now()}
	c.offset.Store(c.base.UnixNano())
	return c
}

// server is the server's time in Unix nanoseconds.
func (c *clock) server() int64 { return c.offset.Load() + int64(c.now().Sub(c.base)) }

// probe asks the server for its time; half of the way there and back is the error.
func (c *clock) probe(ctx context.Context, ask func(context.Context) (time.Time, error), log *slog.Logger) error {
	quickest := never
	var offset int64
	for range probes {
		asked := c.now()
		theirs, err := ask(ctx)
		if err != nil {
			return err
		}
		took := c.now().Sub(asked)
		if took < quickest {
			quickest = took
			offset = theirs.UnixNano() - int64(asked.Add(took/2).Sub(c.base))
		}
	}
	c.offset.Store(offset)
	wrong := time.Duration(c.now().UnixNano() - c.server())
	if !c.warned && wrong.Abs() > wrongClock {
		c.warned = true
		log.Warn("limits: this machine's clock differs from the NATS server's; the limits hold, but logs and Date fields will be wrong: check NTP",
			"ahead", wrong.Round(time.Millisecond))
	}
	return nil
}
