package ratelimit

import (
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// servers are NATS servers on loopback that replicate everything, if there are three.
type servers struct {
	t     testing.TB
	opts  []*server.Options
	nodes []*server.Server
}

func startServers(t testing.TB, n int) *servers {
	c := &servers{t: t, nodes: make([]*server.Server, n)}
	var routes []*url.URL
	for range n {
		routes = append(routes, &url.URL{Scheme: "nats", Host: fmt.Sprintf("127.0.0.1:%d", freePort(t))})
	}
	for i := range n {
		opt := &server.Options{
			ServerName: fmt.Sprintf("n%d", i), Host: "127.0.0.1", Port: freePort(t), NoSigs: true, NoLog: true,
			JetStream: true, StoreDir: t.TempDir(), JetStreamMaxStore: 1 << 30, JetStreamMaxMemory: 64 << 20,
		}
		if n > 1 {
			var port int
			_, _ = fmt.Sscanf(routes[i].Port(), "%d", &port)
			opt.Cluster, opt.Routes = server.ClusterOpts{Name: "test", Host: "127.0.0.1", Port: port}, routes
		}
		c.opts = append(c.opts, opt)
		c.start(i)
	}
	t.Cleanup(func() {
		for i := range c.nodes {
			c.stop(i)
		}
	})
	return c
}

func freePort(t testing.TB) int {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

func (c *servers) start(i int) {
	c.t.Helper()
	node, err := server.NewServer(c.opts[i].Clone())
	if err != nil {
		c.t.Fatal(err)
	}
	node.Start()
	c.nodes[i] = node
	if !node.ReadyForConnections(30 * time.Second) {
		c.t.Fatalf("server %d is not ready", i)
	}
}

func (c *servers) stop(i int) {
	c.nodes[i].Shutdown()
	c.nodes[i].WaitForShutdown()
}

func (c *servers) connect() jetstream.JetStream {
	c.t.Helper()
	var urls []string
	for _, o := range c.opts {
		urls = append(urls, fmt.Sprintf("nats://127.0.0.1:%d", o.Port))
	}
	nc, err := nats.Connect(strings.Join(urls, ","), nats.MaxReconnects(-1), nats.ReconnectWait(50*time.Millisecond), nats.ReconnectJitter(0, 0))
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		c.t.Fatal(err)
	}
	return js
}

// eventually waits for what comes at once on an idle machine.
func eventually(t testing.TB, what string, done func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(3 * time.Minute); !done(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("not in 3 min: %s", what)
		}
	}
}

// open opens a limiter of its own connection, whose clock is wrong by skewed.
func (c *servers) open(name string, skewed time.Duration) *Shared {
	c.t.Helper()
	js := c.connect()
	var s *Shared
	eventually(c.t, "a limiter on NATS", func() (ok bool) {
		var err error
		s, err = OpenShared(c.t.Context(), js, SharedOptions{
			Name: name, Replicas: len(c.nodes), Log: slog.New(slog.DiscardHandler),
			Now: func() time.Time { return time.Now().Add(skewed) },
		})
		return err == nil
	})
	return s
}

// The limits hold on real servers, with clocks that differ, when a process dies, and
// when the server that leads the bucket is stopped and comes back.
func TestSharedOnNATS(t *testing.T) {
	for _, n := range []int{1, 3} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			c := startServers(t, n)
			const rate, connections = 100, 6
			w := newWorld()
			all := make([]*process, 3)
			for i := range all {
				shared := c.open(fmt.Sprint("p", i), time.Duration(i-1)*100*time.Millisecond)
				all[i] = w.run(t, shared, Limits{Rate: rate, Connections: connections}, connections, 5*time.Millisecond)
			}
			eventually(t, "connections are shared", func() bool { return all[0].has(2) && all[1].has(2) && all[2].has(2) })
			start := time.Now()
			pass(t, &w.sent, 3*rate)
			// A machine that is busy delays what we count, as it would delay the wire.
			if took := time.Since(start); took < 2900*time.Millisecond {
				t.Errorf("%d messages took %v at %d/s", 3*rate, took, rate)
			}
			all[0].die()
			c.stopLeader()
			pass(t, &w.sent, 2*rate)
			eventually(t, "the dead process's connections go to the others", func() bool { return all[1].has(3) && all[2].has(3) })
			all[1].stop()
			eventually(t, "the last process has all", func() bool { return all[2].has(connections) })
			all[2].stop()
			w.sent.neverAbove(t, 1.1*rate, time.Time{}, time.Now())
			w.neverMore(t, connections)
		})
	}
}

// pass waits until so many more messages have left.
func pass(t *testing.T, d *departures, n int) {
	t.Helper()
	n += d.count()
	eventually(t, fmt.Sprint(n, " messages"), func() bool { return d.count() >= n })
}

// stopLeader stops the server that the bucket's writes go through, and starts it again.
func (c *servers) stopLeader() {
	stream, err := c.connect().Stream(c.t.Context(), "KV_"+ratesBucket)
	if err != nil {
		c.t.Fatal(err)
	}
	node := 0
	if info := stream.CachedInfo().Cluster; len(c.nodes) > 1 && info != nil {
		_, _ = fmt.Sscanf(info.Leader, "n%d", &node)
	}
	c.stop(node)
	c.start(node)
}

func TestQuotaOnNATS(t *testing.T) {
	t.Parallel()
	c := startServers(t, 1)
	for _, key := range []string{"", ".", "a..b.", "198.51.100.7 mx.example.com", "straße/*>", "a=b"} {
		took := 0
		for range 2 {
			q, err := OpenQuota(t.Context(), c.connect(), 1, time.Now)
			if err != nil {
				t.Fatal(err)
			}
			for range 150 {
				ok, err := q.Take(t.Context(), key, 250)
				if err != nil {
					t.Fatal(err)
				}
				if ok {
					took++
				}
			}
			if err := q.Close(t.Context()); err != nil {
				t.Error(err)
			}
		}
		if took != 250 {
			t.Errorf("key %q: %d of 250 were taken", key, took)
		}
	}
}

// BenchmarkSharedFirstContact opens a key that nobody knows, gets a connection, sends
// five messages and closes. The server works in the same process.
func BenchmarkSharedFirstContact(b *testing.B) {
	c := startServers(b, 1)
	s := c.open("p", 0)
	defer s.Close()
	var keys atomic.Int64
	b.ReportAllocs()
	b.SetParallelism(50)
	before := processorTime(b)
	b.RunParallel(func(pb *testing.PB) {
		woken := make(chan struct{}, 1)
		for pb.Next() {
			key := fmt.Sprintf("mx%d.example.com", keys.Add(1))
			g := s.Open(key, Limits{Rate: 10_000, Connections: 10}, func() { woken <- struct{}{} })
			for !g.TryAcquire() {
				<-woken
			}
			for range 5 {
				if err := g.Wait(b.Context()); err != nil {
					b.Error(err)
				}
			}
			g.Release()
			g.Close()
		}
	})
	b.ReportMetric(float64(processorTime(b)-before)/float64(b.N), "cpu-ns/op")
	b.ReportMetric(float64(s.highest.Load())/float64(b.N), "writes/op")
}

func processorTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkSharedMemory keeps keys open that have been sent to.
func BenchmarkSharedMemory(b *testing.B) {
	c := startServers(b, 1)
	s := c.open("p", 0)
	before, gates := heap(), 0
	woken := make(chan struct{}, 1)
	for b.Loop() {
		g := s.Open(fmt.Sprintf("mx%d.example.com", gates), Limits{Rate: 100, Connections: 10}, func() { woken <- struct{}{} })
		for !g.TryAcquire() {
			<-woken
		}
		_ = g.Wait(b.Context())
		g.Release()
		gates++
	}
	s.mu.Lock() // the gates are still there
	b.ReportMetric((heap()-before)/float64(len(s.gates)), "B/key")
	s.mu.Unlock()
}

func heap() float64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}

// BenchmarkSharedWait is a message whose slot is there.
func BenchmarkSharedWait(b *testing.B) {
	s, err := newShared(b.Context(), newWorld(), SharedOptions{Name: "p", Log: slog.New(slog.DiscardHandler), Now: time.Now})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	g := newSharedGate(s, "site")
	g.blocks = []block{{start: s.clock.server(), apart: 1, n: 1 << 50}}
	b.ReportAllocs()
	for b.Loop() {
		_ = g.Wait(b.Context())
	}
}
