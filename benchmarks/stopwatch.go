package benchmarks

import (
	"bytes"
	"context"
	"net"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"broadside/campaign"
	"broadside/delivery"
)

// stamps are when one message got where, as nanoseconds since the stopwatch's start; 0
// where it never was. Each is written by whoever has the message at that moment.
type stamps struct {
	due, fed, taken             atomic.Int64
	preparing, rendered, signed atomic.Int64
	sending, answered, recorded atomic.Int64
}

// stopwatch takes the time of each message at the seams between the parts. Messages
// are told apart by the number in the reader's address, the same in a job, in an SMTP
// command and, by its contact, in an event.
type stopwatch struct {
	start    time.Time
	messages []stamps                   // by reader
	readers  map[campaign.ContactID]int // filled before the first event
}

func newStopwatch(n int) *stopwatch {
	return &stopwatch{start: time.Now(), messages: make([]stamps, n), readers: make(map[campaign.ContactID]int, n)}
}

func (w *stopwatch) at(t time.Time) int64 { return int64(t.Sub(w.start)) }

// of returns the stamps of a reader's message, nil for other addresses.
func (w *stopwatch) of(email string) *stamps {
	if i, ok := readerOf(email); ok && i < len(w.messages) {
		return &w.messages[i]
	}
	return nil
}

const readerPrefix = "reader."

// readerOf is the inverse of person.
func readerOf(email string) (int, bool) {
	if len(email) < len(readerPrefix)+8 || email[:len(readerPrefix)] != readerPrefix {
		return 0, false
	}
	i, err := strconv.Atoi(email[len(readerPrefix) : len(readerPrefix)+8])
	return i, err == nil
}

// prepared is delivery.Config.Prepared.
func (w *stopwatch) prepared(j *campaign.Job, began, rendered, signed time.Time) {
	if s := w.of(j.Email); s != nil {
		s.preparing.Store(w.at(began))
		s.rendered.Store(w.at(rendered))
		s.signed.Store(w.at(signed))
	}
}

// stage is one step of a message's way, between two stamps.
type stage struct {
	name string
	took func(s *stamps) int64
}

// stages are in the order of the journey, and add up to the last.
var stages = []stage{
	{"plan", func(s *stamps) int64 { return s.fed.Load() - s.due.Load() }},
	{"queue", func(s *stamps) int64 { return s.taken.Load() - s.fed.Load() }},
	{"render", func(s *stamps) int64 { return s.rendered.Load() - s.preparing.Load() }},
	{"sign", func(s *stamps) int64 { return s.signed.Load() - s.rendered.Load() }},
	{"wait for connection", func(s *stamps) int64 {
		return s.preparing.Load() - s.taken.Load() + s.sending.Load() - s.signed.Load()
	}},
	{"SMTP", func(s *stamps) int64 { return s.answered.Load() - s.sending.Load() }},
	{"record", func(s *stamps) int64 { return s.recorded.Load() - s.answered.Load() }},
	{"all", func(s *stamps) int64 { return s.recorded.Load() - s.due.Load() }},
}

// Latency is how long messages took for a stage, in milliseconds.
type Latency struct {
	Stage string  `json:"stage"`
	P50   float64 `json:"p50_ms"`
	P90   float64 `json:"p90_ms"`
	P99   float64 `json:"p99_ms"`
	Max   float64 `json:"max_ms"`
}

// latencies are of the messages that count.
func (w *stopwatch) latencies(of []stage, counts func(*stamps) bool) []Latency {
	all := make([]Latency, len(of))
	for i, st := range of {
		var took []int64
		for m := range w.messages {
			if s := &w.messages[m]; counts(s) {
				took = append(took, st.took(s))
			}
		}
		slices.Sort(took)
		all[i] = Latency{st.name, quantile(took, 0.5), quantile(took, 0.9), quantile(took, 0.99), quantile(took, 1)}
	}
	return all
}

// quantile is of sorted nanoseconds, in milliseconds.
func quantile(sorted []int64, q float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	return float64(sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]) / 1e6
}

// timedStore notes when a sender looks whether people are to be left out, which it does
// as soon as it has taken their jobs.
type timedStore struct {
	delivery.SendStore
	watch *stopwatch
}

func (t timedStore) UnwantedOf(ctx context.Context, lists []string, people []campaign.Addressee, at time.Time) ([]campaign.Reason, error) {
	now := t.watch.at(time.Now())
	for _, p := range people {
		if s := t.watch.of(p.Email); s != nil {
			s.taken.CompareAndSwap(0, now)
		}
	}
	return t.SendStore.UnwantedOf(ctx, lists, people, at)
}

// timedLedger notes when outcomes are in the ledger.
type timedLedger struct {
	delivery.Ledger
	watch *stopwatch
}

func (t timedLedger) Apply(ctx context.Context, from, to uint64, events []campaign.Event) error {
	if err := t.Ledger.Apply(ctx, from, to, events); err != nil {
		return err
	}
	now := t.watch.at(time.Now())
	for i := range events {
		if reader, ok := t.watch.readers[events[i].Contact]; ok && events[i].State == campaign.Accepted {
			t.watch.messages[reader].recorded.Store(now)
		}
	}
	return nil
}

// dial is smtp.Config.Dial.
func (w *stopwatch) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return &timedConn{Conn: conn, watch: w}, nil
}

// timedConn notes when a transaction's first command leaves and when the last reply that
// came before the next one arrives.
type timedConn struct {
	net.Conn
	watch   *stopwatch
	current atomic.Pointer[stamps]
}

var (
	rcpt = []byte("RCPT TO:<" + readerPrefix)
	quit = []byte("QUIT")
)

func (c *timedConn) Write(b []byte) (int, error) {
	if bytes.HasPrefix(b, quit) {
		c.current.Store(nil) // its reply is nobody's
	}
	if i := bytes.Index(b[:min(len(b), 512)], rcpt); i >= 0 {
		from := i + len(rcpt) - len(readerPrefix)
		if s := c.watch.of(string(b[from:min(len(b), from+len(readerPrefix)+8)])); s != nil {
			s.sending.CompareAndSwap(0, c.watch.at(time.Now()))
			c.current.Store(s)
		}
	}
	return c.Conn.Write(b)
}

func (c *timedConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if s := c.current.Load(); s != nil && n > 0 {
		s.answered.Store(c.watch.at(time.Now()))
	}
	return n, err
}
