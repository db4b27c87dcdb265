package smtptest

import (
	"sync"
	"sync/atomic"
	"time"
)

// Tally is what one provider saw, or all of them together.
type Tally struct {
	Connections     int64 `json:"connections"`      // accepted, those over a cap included
	PeakConnections int64 `json:"peak_connections"` // open at once, those over a cap included; in Totals the largest of any provider
	Transactions    int64 `json:"transactions"`     // MAIL commands, refused ones included
	RoundTrips      int64 `json:"round_trips"`      // how often clients waited for replies
	Messages        int64 `json:"messages"`         // accepted, counted once for all their recipients
	Accepted        int64 `json:"accepted"`         // copies accepted, one per recipient
	Duplicates      int64 `json:"duplicates"`       // of Accepted, beyond the first of recipient and Message-ID
	Dropped         int64 `json:"dropped"`          // of Messages, those whose reply DropAfterDot withheld
	Bytes           int64 `json:"bytes"`            // of accepted messages
	// Rejected counts 4yz and 5yz replies by their code.
	Rejected map[int]int64 `json:"rejected,omitempty"`
	// Verified, Failed and Unverified are the accepted messages by what Config.Verify
	// said; Unverified were not shown to it.
	Verified   int64 `json:"verified"`
	Failed     int64 `json:"failed"`
	Unverified int64 `json:"unverified"`
	// PeakPerSecond and PeakPer10s are the most MAIL commands in any 1 s and any 10 s, by
	// when they were read; in Totals the largest of any provider.
	PeakPerSecond int `json:"peak_per_second"`
	PeakPer10s    int `json:"peak_per_10s"`
}

// Totals is the sum of all providers, and each of them by name.
type Totals struct {
	Tally
	Providers map[string]Tally `json:"providers"`
	// VerifyErrors are the first few errors of Config.Verify.
	VerifyErrors []string `json:"verify_errors,omitempty"`
}

// Totals adds up the counters. While mail arrives they may be apart by the messages
// in flight.
func (l *Ledger) Totals() Totals {
	t := Totals{Providers: make(map[string]Tally, len(l.sites))}
	t.Rejected = make(map[int]int64)
	for _, s := range l.sites {
		one := s.count.tally()
		t.Providers[s.Name] = one
		t.add(one)
		t.VerifyErrors = append(t.VerifyErrors, s.count.examples()...)
	}
	t.VerifyErrors = t.VerifyErrors[:min(len(t.VerifyErrors), examples)]
	return t
}

func (t *Tally) add(o Tally) {
	t.Connections += o.Connections
	t.PeakConnections = max(t.PeakConnections, o.PeakConnections)
	t.Transactions += o.Transactions
	t.RoundTrips += o.RoundTrips
	t.Messages += o.Messages
	t.Accepted += o.Accepted
	t.Duplicates += o.Duplicates
	t.Dropped += o.Dropped
	t.Bytes += o.Bytes
	for code, n := range o.Rejected {
		t.Rejected[code] += n
	}
	t.Verified += o.Verified
	t.Failed += o.Failed
	t.Unverified += o.Unverified
	t.PeakPerSecond = max(t.PeakPerSecond, o.PeakPerSecond)
	t.PeakPer10s = max(t.PeakPer10s, o.PeakPer10s)
}

// counters are a provider's Tally while it grows; its connections write them.
type counters struct {
	connections, open, peakOpen             atomic.Int64
	roundTrips                              atomic.Int64
	messages, accepted, duplicates, dropped atomic.Int64
	bytes                                   atomic.Int64
	verified, failed, unverified            atomic.Int64
	rejected                                [200]atomic.Int64 // code - 400
	mu                                      sync.Mutex
	transactions                            int64
	rate                                    window
	verifyErrors                            []string
}

// examples is how many of each kind of trouble are kept in words.
const examples = 5

func (c *counters) opened() {
	c.connections.Add(1)
	open := c.open.Add(1)
	for {
		peak := c.peakOpen.Load()
		if open <= peak || c.peakOpen.CompareAndSwap(peak, open) {
			return
		}
	}
}

func (c *counters) reject(code int) {
	if code >= 400 && code < 400+len(c.rejected) {
		c.rejected[code-400].Add(1)
	}
}

// transaction counts a MAIL command that came so long after the simulator's start.
func (c *counters) transaction(since time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.transactions++
	c.rate.add(since)
}

func (c *counters) verify(err error) {
	if err == nil {
		c.verified.Add(1)
		return
	}
	c.failed.Add(1)
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.verifyErrors) < examples {
		c.verifyErrors = append(c.verifyErrors, err.Error())
	}
}

func (c *counters) examples() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]string(nil), c.verifyErrors...)
}

func (c *counters) tally() Tally {
	c.mu.Lock()
	t := Tally{Transactions: c.transactions, PeakPerSecond: c.rate.peak1s, PeakPer10s: c.rate.peak10}
	c.mu.Unlock()
	t.Connections = c.connections.Load()
	t.PeakConnections = c.peakOpen.Load()
	t.RoundTrips = c.roundTrips.Load()
	t.Messages = c.messages.Load()
	t.Accepted = c.accepted.Load()
	t.Duplicates = c.duplicates.Load()
	t.Dropped = c.dropped.Load()
	t.Bytes = c.bytes.Load()
	t.Verified = c.verified.Load()
	t.Failed = c.failed.Load()
	t.Unverified = c.unverified.Load()
	t.Rejected = make(map[int]int64)
	for i := range c.rejected {
		if n := c.rejected[i].Load(); n > 0 {
			t.Rejected[400+i] = n
		}
	}
	return t
}
