package benchmarks

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"time"

	"broadside/campaign"
	"broadside/campaign/token"
	"broadside/delivery"
	"broadside/delivery/mx"
	"broadside/delivery/queue"
	"broadside/delivery/shaping"
	"broadside/delivery/smtp"
	"broadside/dkim"
	"broadside/ratelimit"
	"broadside/store"
)

// tailLanes is the default of a single machine.
const tailLanes = 8

// engine is planner, recorder and sender in one process on an embedded queue and an
// SQLite database, as `broadside serve` has them.
type engine struct {
	store    *store.DB
	embedded *queue.Embedded // nil when the queue is elsewhere
	hub      *hub            // the queue's server, when senders are processes of their own
	limiter  ratelimit.Limiter
	lanes    func(domains []string) []campaign.Lane
	asked    *delivery.Lanes // that lanes is of when they follow from DNS, else nil
	queue    *queue.Queue
	keys     *dkim.Keyring
	log      *slog.Logger
	pages    *pages                           // nil when none are served
	seen     func() (events int64, err error) // waits for those who look at the run, if anybody does
}

// openEngine opens the parts in a data directory. The queue is the one at a URL, or, for
// "", embedded.
func openEngine(ctx context.Context, dir, url, name string) (e *engine, err error) {
	e = &engine{limiter: ratelimit.NewLocal(time.Now), lanes: newLanes().Of, log: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))}
	defer func() {
		if err != nil {
			err = errors.Join(err, e.Close())
		}
	}()
	if e.store, err = store.Open(ctx, databasePath(dir), store.Options{}); err != nil {
		return e, err
	}
	if e.keys, err = dkim.OpenKeyring(keysPath(dir)); err != nil {
		return e, err
	}
	if url == "" {
		if e.embedded, err = queue.StartEmbedded(queue.EmbeddedOptions{Dir: dir}); err != nil {
			return e, err
		}
	}
	e.queue, err = queue.Connect(ctx, queue.Options{Embedded: e.embedded, URL: url, Name: name, TailLanes: tailLanes, Log: e.log})
	return e, err
}

// openFor opens the engine of a job, with a NATS server of its own if it has senders.
func openFor(ctx context.Context, j engineJob) (*engine, error) {
	if j.Senders == 0 {
		e, err := openEngine(ctx, j.Dir, "", "embedded")
		if err == nil && j.DNS != "" {
			err = e.askDNS(j)
		}
		return e, err
	}
	h, err := startHub(j.Dir)
	if err != nil {
		return nil, err
	}
	e, err := openEngine(ctx, j.Dir, h.srv.ClientURL(), "engine")
	if err != nil {
		h.Shutdown()
		return nil, err
	}
	e.hub, e.lanes = h, oneLane
	return e, nil
}

// askDNS sorts by the sites that the sink's DNS names.
func (e *engine) askDNS(j engineJob) error {
	router, err := j.router(netip.Addr{})
	if err != nil {
		return err
	}
	e.asked = delivery.NewLanes(router, shaping.Builtin().ProviderOfDomain, tailLanes)
	e.lanes = e.asked.Of
	return nil
}

func databasePath(dir string) string { return filepath.Join(dir, "broadside.db") }
func keysPath(dir string) string     { return filepath.Join(dir, "keys") }

// Close closes what is open, the queue's server last.
func (e *engine) Close() error {
	if e.asked != nil {
		e.asked.Close()
	}
	if e.queue != nil {
		e.queue.Close()
	}
	if e.embedded != nil {
		e.embedded.Shutdown()
	}
	if e.hub != nil {
		e.hub.Shutdown()
	}
	if e.store != nil {
		return e.store.Close()
	}
	return nil
}

func (e *engine) planner(q campaign.JobQueue) *campaign.Planner {
	return &campaign.Planner{Store: e.store, Queue: q, Log: e.log, LanesOf: e.lanes}
}

// newLanes sorts by the domains' names: all their mail goes to the sink.
func newLanes() *delivery.Lanes {
	return delivery.NewLanes(nil, shaping.Builtin().ProviderOfDomain, tailLanes)
}

// sender sends everything to the sink, with no limit of rate but with the pacing in
// place. A stopwatch, if there is one, takes the time of each message.
func (e *engine) sender(ctx context.Context, j engineJob, watch *stopwatch) (*delivery.Sender, error) {
	secret, err := e.store.Secret(ctx, "tokens")
	if err != nil {
		return nil, err
	}
	sink, err := netip.ParseAddrPort(j.Sink)
	if err != nil {
		return nil, err
	}
	rules := shaping.Rules{
		Connections: j.Connections, MessagesPerConnection: cmp.Or(j.PerConnection, 1<<30), Rate: 1e6, Idle: 30 * time.Second,
	}
	session := smtp.Config{Hello: "mta." + letterDomain, TLS: smtp.NoTLS}
	if j.TLS {
		session.TLS, session.TLSConfig = smtp.Require, &tls.Config{MinVersion: tls.VersionTLS13}
	}
	router, err := j.router(sink.Addr())
	if err != nil {
		return nil, err
	}
	cfg := delivery.Config{
		Store: e.store, Queue: e.queue,
		Router: router,
		Port:   sink.Port(),
		SMTP:   session,
		Shaper: sameRules(rules), Limiter: e.limiter, Learned: ratelimit.NewBook(),
		Keys: e.keys, Unsigned: true, // if there is no key
		Identity: delivery.Identity{PublicURL: "https://" + letterDomain, Tokens: token.NewMaker(secret)},
		Retry:    delivery.RetryPolicy{First: j.Retry, Most: j.Retry},
		Log:      e.log,
	}
	if watch != nil {
		cfg.Store, cfg.SMTP.Dial, cfg.Prepared = timedStore{e.store, watch}, watch.dial, watch.prepared
	}
	return delivery.NewSender(cfg), nil
}

// The roles.
func (e *engine) planning() role {
	return func(ctx context.Context) error { return e.queue.Lead(ctx, "planner", e.planner(e.queue).Run) }
}

func (e *engine) recording(ledger delivery.Ledger) role {
	recorder := &delivery.Recorder{Ledger: ledger, Queue: e.queue, Log: e.log}
	return func(ctx context.Context) error { return e.queue.Lead(ctx, "recorder", recorder.Run) }
}

type role = func(context.Context) error

// start runs roles until the function that it returns is called, which returns the error
// of the first that failed; that one ends the others.
func (e *engine) start(ctx context.Context, roles ...role) (end func() error) {
	ctx, stop := context.WithCancelCause(ctx)
	var wg sync.WaitGroup
	for _, run := range roles {
		wg.Go(func() {
			if err := run(ctx); err != nil {
				stop(err)
			}
		})
	}
	return func() error {
		stop(nil)
		wg.Wait()
		if err := context.Cause(ctx); !errors.Is(err, context.Canceled) {
			return err
		}
		return nil
	}
}

// router finds the sink behind every domain, or asks the sink's DNS.
func (j *engineJob) router(sink netip.Addr) (*mx.Router, error) {
	if j.DNS == "" {
		return mx.New(mx.Config{Resolver: sinkDNS{sink}}), nil
	}
	dns, err := mx.NewDNS([]string{j.DNS}, 5*time.Second)
	if err != nil {
		return nil, err
	}
	return mx.New(mx.Config{Resolver: dns}), nil
}

// sinkDNS says of every domain that the sink takes its mail.
type sinkDNS struct{ addr netip.Addr }

func (d sinkDNS) LookupMX(context.Context, string) ([]*net.MX, error) {
	return []*net.MX{{Host: sinkHost + ".", Pref: 10}}, nil
}

func (d sinkDNS) LookupNetIP(context.Context, string, string) ([]netip.Addr, error) {
	return []netip.Addr{d.addr}, nil
}

// sameRules hold for all sites, whatever these reply.
type sameRules shaping.Rules

func (r sameRules) Rules(string, string) shaping.Rules { return shaping.Rules(r) }

func (sameRules) React(string, int, string, string) (*shaping.Reaction, bool) { return nil, false }
