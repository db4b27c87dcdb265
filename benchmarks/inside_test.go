package benchmarks

import (
	"net"
	"strings"
	"testing"
	"time"

	"broadside/campaign"
)

func TestBottleneck(t *testing.T) {
	for name, c := range map[string]struct {
		use  usage
		want string
	}{
		"processor": {usage{cores: 2, engine: 350, sink: 40, rate: 5000, connections: 20, trips: 1, stages: []StageCPU{{"sign", 130, 0.4}}}, `"sign" takes most of it, 130 of`},
		"sink":      {usage{cores: 2, engine: 40, sink: 60, rate: 20000, connections: 20, trips: 1}, "most of it the sink"},
		"far away":  {usage{cores: 2, engine: 300, sink: 40, rate: 196, connections: 20, trips: 1, latency: 100 * time.Millisecond}, "The bottleneck is the round trip: 20 connections waited for replies 98 %"},
		"shared":    {usage{cores: 2, engine: 300, sink: 40, rate: 3000, connections: 20, trips: 1, busy: 0.97}, "97 % busy, 51 % with this run"},
		"neither":   {usage{cores: 2, engine: 300, sink: 40, rate: 1000, connections: 20, trips: 1}, "neither the processor (17 % of 2 cores busy)"},
	} {
		if got := c.use.bottleneck(); !strings.Contains(got, c.want) {
			t.Errorf("%s: %q, want it to say %q", name, got, c.want)
		}
	}
}

// The innermost function with a stage decides.
func TestStageOf(t *testing.T) {
	for want, stack := range map[string][]string{
		"ledger":             {"runtime.memmove", "modernc.org/sqlite/lib.X", "broadside/store.(*DB).Apply", "broadside/delivery.(*Recorder).Run"},
		"look-ups":           {"modernc.org/sqlite/lib.X", "broadside/store.(*DB).UnwantedOf", "broadside/delivery.(*lane).admit"},
		"database":           {"modernc.org/sqlite/lib.X", "broadside/store.(*DB).OpenRuns", "broadside/campaign.(*Planner).Run"},
		"SMTP":               {"syscall.Syscall", "net.(*netFD).Write", "broadside/delivery/smtp.(*writer).flush", "broadside/delivery.(*connection).attempt"},
		"deliver":            {"runtime.chansend", "broadside/delivery.(*site).next"},
		"garbage collection": {"runtime.scanobject", "runtime.gcBgMarkWorker"},
		"sign":               {"broadside/dkim/rsa8.mont", "broadside/dkim.(*batcher).run"},
		elsewhere:            {"runtime.futex", "runtime.findRunnable"},
	} {
		if got := stageOf(stack); got != want {
			t.Errorf("%s: got %q, want %q", stack[0], got, want)
		}
	}
}

// The stages of a message add up to its whole way, and messages of the warm-up and
// those that never arrived don't count.
func TestStopwatch(t *testing.T) {
	w := newStopwatch(3)
	email, _, _ := person(1)
	s := w.of(email)
	s.due.Store(10e6)
	s.fed.Store(12e6)
	s.taken.Store(15e6)
	w.prepared(&campaign.Job{Email: email}, w.start.Add(20*time.Millisecond), w.start.Add(21*time.Millisecond), w.start.Add(25*time.Millisecond))
	s.sending.Store(26e6)
	s.answered.Store(36e6)
	s.recorded.Store(50e6)
	w.messages[0].recorded.Store(5e6) // due at 0: of the warm-up
	got := w.latencies(stages, func(s *stamps) bool { return s.due.Load() >= int64(time.Millisecond) && s.recorded.Load() > 0 })
	want := map[string]float64{"plan": 2, "queue": 3, "render": 1, "sign": 4, "wait for connection": 6, "SMTP": 10, "record": 14, "all": 40}
	sum := 0.0
	for _, l := range got {
		if l.P50 != want[l.Stage] || l.Max != want[l.Stage] {
			t.Errorf("%+v, want %v ms", l, want[l.Stage])
		}
		sum += l.P50
	}
	if sum != 2*want["all"] {
		t.Errorf("the stages and their sum add up to %v ms, want 80", sum)
	}
}

// On the wire a message's time runs from its first command to the last reply before the
// next message, or before QUIT.
func TestTimedConn(t *testing.T) {
	ours, theirs := net.Pipe()
	w := newStopwatch(2)
	c := &timedConn{Conn: ours, watch: w}
	go func() {
		defer theirs.Close()
		buf := make([]byte, 1024)
		for {
			if _, err := theirs.Read(buf); err != nil {
				return
			}
			if _, err := theirs.Write([]byte("250 ok\r\n")); err != nil {
				return
			}
		}
	}()
	exchange := func(command string) {
		t.Helper()
		if _, err := c.Write([]byte(command)); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Read(make([]byte, 100)); err != nil {
			t.Fatal(err)
		}
	}
	email, _, _ := person(1)
	exchange("MAIL FROM:<x@y.example>\r\nRCPT TO:<" + email + ">\r\n")
	exchange("BDAT 1 LAST\r\nx")
	s := w.of(email)
	sending, answered := s.sending.Load(), s.answered.Load()
	if sending == 0 || answered <= sending {
		t.Errorf("sent at %d, answered at %d", sending, answered)
	}
	exchange("QUIT\r\n")
	if s.answered.Load() != answered {
		t.Error("the farewell was taken for the message's reply")
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestReaderOf(t *testing.T) {
	email, _, _ := person(1234)
	if i, ok := readerOf(email); !ok || i != 1234 {
		t.Errorf("%s is reader %d, %v", email, i, ok)
	}
	for _, other := range []string{"", "reader.1@x.example", "reader.abcdefgh@x.example", "somebody.00000001@x.example"} {
		if _, ok := readerOf(other); ok {
			t.Errorf("%q is taken for a reader", other)
		}
	}
}

func TestCourse(t *testing.T) {
	first := time.UnixMilli(1000)
	var arrivals []time.Time
	for i := range 1001 { // one each 2 ms, 2 s
		arrivals = append(arrivals, first.Add(time.Duration(i)*2*time.Millisecond))
	}
	c := newCourse(arrivals, first, arrivals[1000])
	for i, rate := range c.Rate {
		if rate < 499 || rate > 501 {
			t.Errorf("step %d has %v messages/s, want 500", i, rate)
		}
	}
	if c.Step != 0.05 || len(c.Rate) != 40 {
		t.Errorf("%d steps of %v s, want 40 of 0.05", len(c.Rate), c.Step)
	}
}

func TestCourseUntil(t *testing.T) {
	c := Course{Step: 0.5, Rate: []float64{10, 20, 40, 50, 50, 50}}
	for rate, want := range map[float64]float64{5: 0, 45: 1, 50: 1.5, 51: 3} {
		if got := c.until(rate); got != want {
			t.Errorf("%v messages/s after %v s, want %v", rate, got, want)
		}
	}
}
