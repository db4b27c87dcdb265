package delivery_test

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"broadside/campaign"
	"broadside/delivery"
	"broadside/delivery/mx"
	"broadside/delivery/shaping"
	"broadside/delivery/smtptest"
)

// hostsAt says that domains have the hosts that it is told, all at one address: each host
// is a site.
type hostsAt struct {
	addr   netip.Addr
	hostOf func(domain string) string
}

func (d hostsAt) LookupMX(_ context.Context, domain string) ([]*net.MX, error) {
	return []*net.MX{{Host: d.hostOf(domain), Pref: 10}}, nil
}

func (d hostsAt) LookupNetIP(context.Context, string, string) ([]netip.Addr, error) {
	return []netip.Addr{d.addr}, nil
}

// A list of as many domains as people, which share fifty servers or have one each, costs
// little memory for a domain, and leaves no goroutine and no connection behind. At full
// size, on a machine with nothing else to do, it takes a fifth longer at most than as
// many people at fifty domains.
func TestManySmallDomains(t *testing.T) {
	const servers = 50
	people := sized(5_000, 200_000)
	var open atomic.Int64
	w := newWorld(t, setting{alone: true, lanes: 8, tune: func(cfg *delivery.Config) {
		dial := cfg.SMTP.Dial
		cfg.SMTP.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := dial(ctx, network, address)
			if err != nil {
				return nil, err
			}
			open.Add(1)
			return &counted{Conn: conn, closed: sync.OnceFunc(func() { open.Add(-1) })}, nil
		}
	}}, smtptest.Provider{
		Name: "all", Domains: []string{"*"}, MX: []string{"mx.all.example"},
		Behaviour: smtptest.Behaviour{Latency: 100 * time.Millisecond},
	})
	lists := []struct {
		name    string
		domains int
	}{{"few", servers}, {"hosted", people}, {"own", people}}
	w.router = mx.New(mx.Config{ProviderOf: shaping.Builtin().ProviderOf, Resolver: hostsAt{
		addr: w.sim.HostAddr("mx.all.example"),
		hostOf: func(domain string) string {
			var n int
			if _, err := fmt.Sscanf(domain, "hosted%d.example", &n); err == nil {
				return fmt.Sprintf("mx.hosting%d.example.", n%servers)
			}
			return "mx." + domain + "."
		},
	}})
	w.config.Router = w.router
	for _, l := range lists {
		var domains []string
		for n := range l.domains {
			domains = append(domains, fmt.Sprintf("%s%d.example", l.name, n))
		}
		w.many(l.name, people, domains...)
	}
	w.engine()
	took := map[string]time.Duration{}
	var goroutines int
	var perPerson int64
	for _, l := range lists {
		before, began, busy := heap(), time.Now(), cpu(t)
		run := w.launch(func(s *campaign.Spec) { s.Name, s.Lists = l.name, []string{l.name} })
		w.within(time.Minute+time.Duration(people)*5*time.Millisecond, "the run is finished", func() bool { return w.stateOf(run) == campaign.RunFinished })
		took[l.name], busy = time.Since(began), cpu(t)-busy
		if c := w.counts(run); c.Accepted != int64(people) {
			t.Errorf("%s: the balance is %+v", l.name, c)
		}
		w.eventually("no connection is left", func() bool { return open.Load() == 0 })
		if l.name == "few" {
			goroutines = runtime.NumGoroutine() + 20 // of the queue and the database, which come and go
		}
		w.eventually("no goroutine is left", func() bool { return runtime.NumGoroutine() <= goroutines })
		each := (heap() - before) / int64(people)
		t.Logf("%s: %d people at %d domains: %.1f s, %.0f/s, %.2f times; %v of processor time and %d bytes for each; %d MB at most",
			l.name, people, l.domains, took[l.name].Seconds(), float64(people)/took[l.name].Seconds(), took[l.name].Seconds()/took["few"].Seconds(),
			busy/time.Duration(people), each, peakMemory(t)>>20)
		if l.name == "few" {
			perPerson = each // the simulator's memory of messages, for the most part
		} else if each-perPerson > 2000 && !raced {
			t.Errorf("%s: each domain costs %d bytes of memory", l.name, each-perPerson)
		}
		if *fullSize && took[l.name] > took["few"]+took["few"]/5 {
			t.Errorf("%s: %v, and %v at %d domains", l.name, took[l.name], took["few"], servers)
		}
	}
	if peak := peakMemory(t); peak > 500e6 && !raced {
		t.Errorf("the process, the simulator included, has had %d bytes of memory", peak)
	}
}

// counted is a connection that tells when it is closed.
type counted struct {
	net.Conn
	closed func()
}

func (c *counted) Close() error {
	c.closed()
	return c.Conn.Close()
}

// heap is the memory in use, in bytes.
func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// peakMemory is the most that the process has had, in bytes, where the system tells.
func peakMemory(t *testing.T) int64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	var kB int64
	for line := range strings.Lines(string(status)) {
		if _, err := fmt.Sscanf(line, "VmHWM: %d kB", &kB); err == nil {
			return kB << 10
		}
	}
	t.Error("no VmHWM in /proc/self/status")
	return 0
}
