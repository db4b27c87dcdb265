package delivery_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"broadside/delivery"
	"broadside/delivery/queue"
	"broadside/delivery/shaping"
	"broadside/delivery/smtptest"
	"broadside/ratelimit"
)

// onTheWay is by how much one message may come later than it left, compared with others:
// what runs at the same time shares the machine's few cores.
const onTheWay = 40 * time.Millisecond

// Three senders with clocks of their own keep the limits of a site together, as the site
// sees them, and use what is allowed: 97 % when the machine is idle, less when turns are
// lost because it is not. A single connection goes from sender to sender, and each time
// nothing leaves for a moment.
func TestLimitsHoldAcrossSenders(t *testing.T) {
	for name, story := range map[string]struct {
		limits  shaping.Rules
		latency time.Duration
		people  int
		use     float64 // of the rate, at least
	}{
		"busy":           {shaping.Rules{Rate: 60, Connections: 6}, 25 * time.Millisecond, 1000, 0.92},
		"far away":       {shaping.Rules{Rate: 40, Connections: 30, MessagesPerConnection: 10}, 300 * time.Millisecond, 700, 0.8},
		"one connection": {shaping.Rules{Rate: 20, Connections: 1}, 10 * time.Millisecond, 300, 0.75},
		"slow":           {shaping.Rules{Rate: 1, Connections: 5}, 25 * time.Millisecond, 22, 0.95},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, setting{limits: story.limits, nats: startNATS(t)}, smtptest.Provider{
				// A site with a lane of its own, from which all senders take.
				Name: "google", Domains: []string{"gmail.com"}, MX: []string{"gmail-smtp-in.l.google.com"},
				Behaviour: smtptest.Behaviour{Latency: story.latency},
			})
			w.people(story.people, "gmail.com")
			run := w.launch(nil)
			w.plan()
			for i := range 3 {
				w.sharing(fmt.Sprint("sender", i), time.Duration(i-1)*100*time.Millisecond)
			}
			// What senders need to begin, and to know of each other, is not counted.
			arrived := func(n int) time.Time {
				w.eventually("mail arrives", func() bool { return w.saw("google").Transactions > int64(n) })
				return time.Now()
			}
			early := story.people / 10
			from := arrived(early)
			late := story.people * 9 / 10
			use := float64(late-early) / arrived(late).Sub(from).Seconds() / story.limits.Rate
			if c := w.finish(run); c.Accepted != int64(story.people) {
				t.Errorf("the balance is %+v", c)
			}
			seen := w.saw("google")
			t.Logf("in a second at most %d, in ten %d of %v/s, of which %.1f %% was used; at most %d of %d connections, %d in all",
				seen.PeakPerSecond, seen.PeakPer10s, story.limits.Rate, 100*use, seen.PeakConnections, story.limits.Connections, seen.Connections)
			within(t, seen, story.limits)
			if use < story.use {
				t.Errorf("%.1f %% of the rate was used, want %v %%", 100*use, 100*story.use)
			}
		})
	}
}

// within fails if any window holds more than the rate's messages and one, as the site
// sees them: by when MAIL comes, which is what receivers count.
func within(t *testing.T, seen smtptest.Tally, limits shaping.Rules) {
	t.Helper()
	late := limits.Rate * onTheWay.Seconds()
	for seconds, most := range map[float64]int{1: seen.PeakPerSecond, 10: seen.PeakPer10s} {
		if allowed := int(math.Floor(limits.Rate*seconds+late)) + 1; most > allowed {
			t.Errorf("%d messages in %v s, at most %d are allowed at %v/s", most, seconds, allowed, limits.Rate)
		}
	}
	if seen.PeakConnections > int64(limits.Connections) {
		t.Errorf("%d connections at a time, at most %d are allowed", seen.PeakConnections, limits.Connections)
	}
}

// sharing runs a sender of its own that shares limits with others through NATS, and
// whose clock is wrong.
func (w *world) sharing(name string, wrong time.Duration) (stop func()) {
	w.t.Helper()
	q, err := queue.Connect(w.t.Context(), queue.Options{URL: w.nats, Name: name, TailLanes: tailLanes, Log: w.log})
	w.ok(err)
	w.t.Cleanup(q.Close)
	limiter, err := ratelimit.OpenShared(w.t.Context(), q.JetStream(), ratelimit.SharedOptions{
		Name: name, Log: w.log, Now: func() time.Time { return time.Now().Add(wrong) },
	})
	w.ok(err)
	w.t.Cleanup(limiter.Close)
	config := w.config
	config.Queue, config.Limiter, config.Learned = q, limiter, ratelimit.NewBook()
	return w.background(delivery.NewSender(config).Run)
}

// startNATS starts a server that ends with the test, and returns its URL.
func startNATS(t *testing.T) string {
	srv, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: int(freePort(t)), NoSigs: true, NoLog: true, JetStream: true, StoreDir: t.TempDir(),
	})
	if err != nil {
		t.Fatal(err)
	}
	srv.Start()
	t.Cleanup(func() {
		srv.Shutdown()
		srv.WaitForShutdown()
	})
	if !srv.ReadyForConnections(20 * time.Second) {
		t.Fatal("the NATS server is not ready")
	}
	return srv.ClientURL()
}
