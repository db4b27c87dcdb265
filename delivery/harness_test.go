package delivery_test

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"broadside/campaign"
	"broadside/campaign/token"
	"broadside/delivery"
	"broadside/delivery/mx"
	"broadside/delivery/queue"
	"broadside/delivery/shaping"
	"broadside/delivery/smtp"
	"broadside/delivery/smtptest"
	"broadside/dkim"
	"broadside/ratelimit"
	"broadside/store"
)

// Tests in this package are stories: a world of mailbox providers, people on a list, a
// campaign that is launched, and what the ledger and the simulator say in the end.

// tailLanes of the tests; few, because each lane costs three consumers.
const tailLanes = 2

// setting is what a story may change about its world.
type setting struct {
	limits  shaping.Rules        // zero fields: 4 connections, 100 messages, 5000/s, 2 s idle
	retry   delivery.RetryPolicy // default 1 s
	grace   time.Duration        // of the sender
	ackWait time.Duration        // default 60 s
	// network, "127.78.0.0/16", has the simulator listen on addresses of it, to which
	// sessions connect from their sources' addresses.
	network string
	nats    string                 // URL of the queue's server; default: one without a port
	tune    func(*delivery.Config) // the last word
	alone   bool                   // no other test runs meanwhile
	lanes   int                    // that small sites share; default tailLanes
}

// world is an engine on a simulated internet.
type world struct {
	t       *testing.T
	sim     *smtptest.Internet
	store   *store.DB
	queue   *queue.Queue
	service *campaign.Service
	tokens  *token.Maker
	router  *mx.Router
	config  delivery.Config
	nats    string
	dials   atomic.Int64
	lanes   int
	log     *slog.Logger
}

func newWorld(t *testing.T, s setting, providers ...smtptest.Provider) *world {
	t.Helper()
	if !s.alone {
		t.Parallel()
	}
	dir := t.TempDir()
	w := &world{t: t, nats: s.nats, lanes: cmp.Or(s.lanes, tailLanes), tokens: token.NewMaker(make([]byte, 32)), log: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))}
	var err error
	sim, port := smtptest.Config{Providers: providers, Keep: 1000}, uint16(25)
	if s.network != "" {
		port = freePort(t)
		sim.Addr = fmt.Sprintf("%s:%d", s.network, port)
	}
	w.sim, err = smtptest.Start(sim)
	w.ok(err)
	t.Cleanup(func() { w.sim.Close() })
	w.store, err = store.Open(t.Context(), filepath.Join(dir, "broadside.db"), store.Options{})
	w.ok(err)
	t.Cleanup(func() { w.store.Close() })
	options := queue.Options{URL: s.nats, Name: "test", TailLanes: w.lanes, AckWait: s.ackWait, Log: w.log}
	if s.nats == "" {
		options.Embedded, err = queue.StartEmbedded(queue.EmbeddedOptions{Dir: dir})
		w.ok(err)
		t.Cleanup(options.Embedded.Shutdown)
	}
	w.queue, err = queue.Connect(t.Context(), options)
	w.ok(err)
	t.Cleanup(w.queue.Close)
	keys, err := dkim.OpenKeyring(t.TempDir())
	w.ok(err)
	w.service = &campaign.Service{Store: w.store, PublicURL: "https://news.example.org", Now: time.Now}
	w.router = mx.New(mx.Config{Resolver: w.sim, ProviderOf: shaping.Builtin().ProviderOf, DeadFor: 2 * time.Second})
	w.config = delivery.Config{
		Store: w.store, Queue: w.queue, Keys: keys, Unsigned: true, Port: port, Grace: s.grace, Retry: s.retry, Log: w.log,
		Router:  w.router,
		Limiter: ratelimit.NewLocal(time.Now), Learned: ratelimit.NewBook(),
		Identity: delivery.Identity{PublicURL: "https://news.example.org", Tokens: w.tokens},
		SMTP:     smtp.Config{Hello: "mta.example.org", Dial: w.dial, AllowAddr: func(netip.Addr) bool { return true }},
	}
	if s.network != "" {
		w.config.SMTP.Dial = nil
	}
	s.fill(&w.config)
	return w
}

// freePort is one that nobody listens on at this moment.
func freePort(t *testing.T) uint16 {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return uint16(l.Addr().(*net.TCPAddr).Port)
}

// rules are the same for all sites; reactions are the built-in ones.
type rules struct {
	*shaping.Table
	all shaping.Rules
}

func (r rules) Rules(string, string) shaping.Rules { return r.all }

func (s *setting) fill(cfg *delivery.Config) {
	defaults := shaping.Rules{Connections: 4, MessagesPerConnection: 100, Rate: 5000, Idle: 2 * time.Second}
	for _, d := range []struct{ field, value *int }{
		{&s.limits.Connections, &defaults.Connections}, {&s.limits.MessagesPerConnection, &defaults.MessagesPerConnection},
	} {
		if *d.field == 0 {
			*d.field = *d.value
		}
	}
	if s.limits.Rate == 0 {
		s.limits.Rate = defaults.Rate
	}
	if s.limits.Idle == 0 {
		s.limits.Idle = defaults.Idle
	}
	cfg.Shaper = rules{shaping.Builtin(), s.limits}
	if cfg.Retry == (delivery.RetryPolicy{}) {
		cfg.Retry = delivery.RetryPolicy{First: time.Second, Most: time.Second}
	}
	if s.tune != nil {
		s.tune(cfg)
	}
}

func (w *world) dial(ctx context.Context, network, address string) (net.Conn, error) {
	w.dials.Add(1)
	return w.sim.DialContext(ctx, network, address)
}

func (w *world) ok(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}
