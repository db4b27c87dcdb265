package delivery_test

import (
	"context"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"broadside/campaign"
	"broadside/delivery"
	"broadside/delivery/shaping"
	"broadside/delivery/smtptest"
)

// twoSources are addresses of this machine.
func twoSources(c *delivery.Config) {
	c.Sources = []delivery.Source{
		{Name: "warm", Addr: netip.MustParseAddr("127.0.0.2"), Hello: "warm.mta.example.org"},
		{Name: "new", Addr: netip.MustParseAddr("127.0.0.3"), Hello: "new.mta.example.org"},
	}
}

// senders counts the kept messages by the address and name that they came from.
func (w *world) senders() map[string]int {
	by := map[string]int{}
	for _, m := range w.sim.Ledger().Messages() {
		by[m.Hello+" "+m.Client]++
	}
	return by
}

// A campaign's mail leaves from the sources of its pool, by weight, and says the name of
// each.
func TestPoolsShareOutTheirSources(t *testing.T) {
	w := newWorld(t, setting{network: "127.78.0.0/16", tune: func(c *delivery.Config) {
		twoSources(c)
		c.Pools = map[string][]delivery.Share{
			"default": {{Source: "warm", Weight: 3}, {Source: "new", Weight: 1}, {Source: "elsewhere", Weight: 9}},
			"new":     {{Source: "new", Weight: 1}},
		}
	}}, shop("plain", smtptest.Behaviour{}))
	w.people(400, "plain.example")
	w.engine()
	expect(t, w.finish(w.launch(nil)), campaign.Counts{Planned: 400, Accepted: 400})
	by := w.senders()
	const warm, fresh = "warm.mta.example.org 127.0.0.2", "new.mta.example.org 127.0.0.3"
	// Four standard deviations of 400 draws at 3:1.
	if n := by[warm]; len(by) != 2 || n < 265 || n > 335 {
		t.Errorf("the mail left as %v, want 3:1", by)
	}
	expect(t, w.finish(w.launch(func(s *campaign.Spec) { s.Name, s.Pool = "second", "new" })), campaign.Counts{Planned: 400, Accepted: 400})
	if n := w.senders()[fresh]; n != by[fresh]+400 {
		t.Errorf("%d messages left from the new source, want the pool's 400 more than %d", n, by[fresh])
	}
}

// Two sources with mail for one site share the connections that it allows, though one of
// them had them all when the other came.
func TestSourcesShareASitesConnections(t *testing.T) {
	const each = 450
	w := newWorld(t, setting{network: "127.80.0.0/16", limits: shaping.Rules{Connections: 4}, tune: func(c *delivery.Config) {
		twoSources(c)
		c.Pools = map[string][]delivery.Share{"warm": {{Source: "warm", Weight: 1}}, "new": {{Source: "new", Weight: 1}}}
	}}, shop("plain", smtptest.Behaviour{Latency: 20 * time.Millisecond}))
	w.people(each, "plain.example")
	first := w.launch(func(s *campaign.Spec) { s.Name, s.Pool = "first", "warm" })
	w.engine()
	w.eventually("the first source is at it", func() bool { return w.saw("plain").Accepted > each/10 })
	second := w.launch(func(s *campaign.Spec) { s.Name, s.Pool = "second", "new" })
	w.finish(first)
	w.finish(second)
	ofFirst, ofSecond := w.arrivals(first), w.arrivals(second)
	// While both had mail, without what it took until the second had its connections.
	from, until := ofSecond[50], ofFirst[each-50]
	between := func(all []time.Time) (n int) {
		for _, at := range all {
			if at.After(from) && at.Before(until) {
				n++
			}
		}
		return n
	}
	a, b := between(ofFirst), between(ofSecond)
	t.Logf("%d from the first source, %d from the second", a, b)
	// A slow machine brings the second's mail more slowly than both could send it.
	if most := ofFirst[each*9/10]; !ofSecond[50].Before(most) {
		t.Errorf("the second source had to wait until %v, when the first was nearly done", ofSecond[50].Sub(ofFirst[0]))
	}
	if (a > 4*b || b > 4*a) && !raced {
		t.Errorf("while both had mail, %d messages left from the source that came first, %d from the other", a, b)
	}
	if n := w.saw("plain").PeakConnections; n > 4 {
		t.Errorf("%d connections at a time, 4 are allowed", n)
	}
}

// Mail whose pool no sender has waits, with one warning, and leaves when a sender comes
// that has it, also from a lane that another one takes.
func TestMailOfAPoolThatIsNotHereWaits(t *testing.T) {
	var said lines
	w := newWorld(t, setting{network: "127.81.0.0/16", nats: startNATS(t), tune: func(c *delivery.Config) {
		c.Log = slog.New(&said)
		twoSources(c)
		c.Sources, c.Pools = c.Sources[:1], map[string][]delivery.Share{"new": {{Source: "new", Weight: 1}}}
	}}, shop("plain", smtptest.Behaviour{}))
	w.people(30, "plain.example")
	w.plan()
	w.sharing("has-not", 0)
	run := w.launch(func(s *campaign.Spec) { s.Pool = "new" })
	w.eventually("all wait", func() bool { return w.counts(run).Deferred == 30 })
	for _, row := range w.rows(run, campaign.Deferred) {
		if row.Reason != campaign.NoSource {
			t.Errorf("%s waits because of %s", row.Email, row.Reason)
		}
	}
	twoSources(&w.config)
	w.config.Sources = w.config.Sources[1:]
	w.sharing("has", 0)
	if c := w.finish(run); c.Accepted != 30 {
		t.Errorf("the balance is %+v", c)
	}
	if n := said.of("has a source of the campaign's pool"); n != 1 {
		t.Errorf("%d warnings, want one", n)
	}
}

// lines keeps what a log says.
type lines struct {
	mu   sync.Mutex
	said []string
}

func (l *lines) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelInfo }
func (l *lines) WithAttrs([]slog.Attr) slog.Handler               { return l }
func (l *lines) WithGroup(string) slog.Handler                    { return l }
func (l *lines) Handle(_ context.Context, r slog.Record) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.said = append(l.said, r.Message)
	return nil
}

// of counts the lines that contain a text.
func (l *lines) of(text string) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, said := range l.said {
		if strings.Contains(said, text) {
			n++
		}
	}
	return n
}

// allowances are a Quota of one process.
type allowances struct {
	mu   sync.Mutex
	used map[string]int64
}

func (a *allowances) Take(_ context.Context, key string, allowed int64) (bool, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.used[key] >= allowed {
		return false, nil
	}
	a.used[key]++
	return true, nil
}

func (a *allowances) GiveBack(key string, _ time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.used[key]--
}

// A new source sends what its calendar allows for each site; the rest leaves from the
// warm one.
func TestAWarmUpOverflowsToTheWarmSource(t *testing.T) {
	w := newWorld(t, setting{network: "127.79.0.0/16", tune: func(c *delivery.Config) {
		twoSources(c)
		c.Warmups = []delivery.Warmup{{Sources: []string{"new"}, Start: time.Now().Add(-24 * time.Hour), PerDay: []int64{1, 40, 80}}}
		c.Quota = &allowances{used: map[string]int64{}}
	}}, shop("plain", smtptest.Behaviour{}), shop("other", smtptest.Behaviour{}))
	w.people(200, "plain.example")
	w.people(10, "other.example")
	w.engine()
	expect(t, w.finish(w.launch(nil)), campaign.Counts{Planned: 210, Accepted: 210})
	toPlain := 0
	for _, m := range w.sim.Ledger().Messages() {
		if m.Client == "127.0.0.3" && m.Provider == "plain" {
			toPlain++
		}
	}
	if toPlain != 40 {
		t.Errorf("%d messages to one site left from the new source, want the second day's 40", toPlain)
	}
}

// Without a warm source in the pool what exceeds the day waits for the next.
func TestAWarmUpWaitsForTheNextDay(t *testing.T) {
	w := newWorld(t, setting{tune: func(c *delivery.Config) {
		c.Sources = []delivery.Source{{Name: "new"}}
		c.Warmups = []delivery.Warmup{{Sources: []string{"new"}, Start: time.Now(), PerDay: []int64{30}}}
		c.Quota = &allowances{used: map[string]int64{}}
	}}, shop("plain", smtptest.Behaviour{}))
	w.people(100, "plain.example")
	run := w.launch(nil)
	w.engine()
	w.eventually("all have their place", func() bool { c := w.counts(run); return c.Accepted == 30 && c.Deferred == 70 })
	for _, row := range w.rows(run, campaign.Deferred) {
		tomorrow := time.Now().UTC().Truncate(24 * time.Hour).Add(24 * time.Hour)
		if row.Reason != campaign.SourceWarming || row.Due.Before(tomorrow) || row.Due.After(tomorrow.Add(time.Hour)) {
			t.Fatalf("%s is deferred to %v: %s", row.Email, row.Due, row.Reason)
		}
	}
}
