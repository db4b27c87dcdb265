package delivery_test

import (
	"context"
	"net"
	"net/netip"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"broadside/campaign"
	"broadside/delivery"
	"broadside/delivery/mx"
	"broadside/delivery/shaping"
	"broadside/delivery/smtptest"
)

// An outage of an hour, 360 times as fast: so are the memory of dead hosts
// and the retries.
const (
	faster = 360
	outage = time.Hour / faster
)

// countedDNS counts the questions that are asked of it.
type countedDNS struct {
	mx.Resolver
	asked atomic.Int64
}

func (d *countedDNS) LookupMX(ctx context.Context, domain string) ([]*net.MX, error) {
	d.asked.Add(1)
	return d.Resolver.LookupMX(ctx, domain)
}

func (d *countedDNS) LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error) {
	d.asked.Add(1)
	return d.Resolver.LookupNetIP(ctx, network, host)
}

// countedStore counts what the sender asks the database.
type countedStore struct {
	delivery.SendStore
	asked atomic.Int64
}

func (s *countedStore) UnwantedOf(ctx context.Context, lists []string, people []campaign.Addressee, now time.Time) ([]campaign.Reason, error) {
	s.asked.Add(1)
	return s.SendStore.UnwantedOf(ctx, lists, people, now)
}

// A provider that is down for an hour costs next to nothing, and when it is back its mail
// flows, never above the limit.
func TestAnOutageCostsNothing(t *testing.T) {
	const (
		people = 1000
		rate   = 200
	)
	for _, c := range []struct {
		provider smtptest.Provider
		// events for each of its people: a shared lane is not kept waiting, so they are
		// deferred as often as any mail server would, 1, 2, 4, … minutes after each other.
		events int64
	}{
		{smtptest.Provider{Name: "own lane", Domains: []string{"yahoo.com"}, MX: []string{"mta5.am0.yahoodns.net"}}, 0},
		{smtptest.Provider{Name: "shared lane", Domains: []string{"down.example"}, MX: []string{"mx.down.example"}}, 7},
	} {
		t.Run(c.provider.Name, func(t *testing.T) {
			c.provider.Behaviour = smtptest.Behaviour{Down: true}
			dns, store := &countedDNS{}, &countedStore{}
			w := newWorld(t, setting{
				limits: shaping.Rules{Rate: rate, Connections: 20},
				retry:  delivery.RetryPolicy{First: time.Minute / faster, Most: 2 * time.Hour / faster},
				tune: func(cfg *delivery.Config) {
					store.SendStore, cfg.Store = cfg.Store, store
				},
			}, c.provider)
			dns.Resolver = w.sim
			w.router = mx.New(mx.Config{Resolver: dns, ProviderOf: shaping.Builtin().ProviderOf, DeadFor: time.Minute / faster})
			w.config.Router = w.router
			w.many("readers", people, c.provider.Domains[0])
			run := w.launch(nil)
			w.engine()
			w.eventually("all are planned", func() bool { return w.counts(run).Planned == people })
			before := cpu(t)
			<-time.After(outage)
			used := cpu(t) - before
			events, err := w.queue.EventsEnd(t.Context())
			w.ok(err)
			t.Logf("%d dials, %d questions to DNS, %d to the database, %d events; the process used %v",
				w.dials.Load(), dns.asked.Load(), store.asked.Load(), events, used)
			for _, cost := range []struct {
				of         string
				is, atMost int64
			}{
				{"dials", w.dials.Load(), 100},
				{"questions to DNS", dns.asked.Load(), 10},
				{"questions to the database", store.asked.Load(), 2 * (people + c.events*people) / 10},
				{"events", int64(events), c.events * people},
			} {
				if cost.is > cost.atMost {
					t.Errorf("the outage costs %d %s, want %d at most", cost.is, cost.of, cost.atMost)
				}
			}
			c.provider.Behaviour.Down = false
			w.ok(w.sim.Set(c.provider.Name, c.provider.Behaviour))
			expect(t, w.finish(run), campaign.Counts{Planned: people, Accepted: people})
			within(t, w.saw(c.provider.Name), shaping.Rules{Rate: rate, Connections: 20})
		})
	}
}

// cpu is the processor time of the process so far.
func cpu(t *testing.T) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
