package delivery_test

import (
	"testing"
	"time"

	"broadside/delivery"
	"broadside/delivery/queue"
	"broadside/delivery/shaping"
	"broadside/delivery/smtptest"
	"broadside/ratelimit"
)

// A sender that can't say that it still has its connections closes them, also those
// that wait for their turn, before others may have them.
func TestASenderCutOffGivesUpItsConnections(t *testing.T) {
	limits := shaping.Rules{Rate: 40, Connections: 4}
	w := newWorld(t, setting{limits: limits, nats: startNATS(t)}, smtptest.Provider{
		Name: "google", Domains: []string{"gmail.com"}, MX: []string{"gmail-smtp-in.l.google.com"},
		Behaviour: smtptest.Behaviour{Latency: 10 * time.Millisecond},
	})
	w.people(800, "gmail.com")
	run := w.launch(nil)
	w.plan()
	q, err := queue.Connect(t.Context(), queue.Options{URL: w.nats, Name: "limits of the first", TailLanes: tailLanes, Log: w.log})
	w.ok(err)
	limiter, err := ratelimit.OpenShared(t.Context(), q.JetStream(), ratelimit.SharedOptions{Name: "first", Log: w.log, Now: time.Now})
	w.ok(err)
	t.Cleanup(limiter.Close)
	config := w.config
	config.Limiter, config.Learned = limiter, ratelimit.NewBook()
	w.background(delivery.NewSender(config).Run)
	w.sharing("second", 0)
	w.eventually("both send", func() bool { return w.saw("google").Transactions > 120 })
	q.Close() // the first can't renew its limits any more
	w.eventually("the second sends on", func() bool { return w.saw("google").Transactions > 700 })
	seen := w.saw("google")
	t.Logf("in a second at most %d, at most %d connections, %d in all; run %d", seen.PeakPerSecond, seen.PeakConnections, seen.Connections, run.ID)
	within(t, seen, limits)
}
