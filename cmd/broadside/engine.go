package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sys/unix"

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

// network is how the engine reaches other mail servers: the real one, or a simulated.
type network struct {
	dial     smtp.DialFunc // nil: TCP
	resolver mx.Resolver
	allow    func(netip.Addr) bool
	faster   time.Duration // see shaper
}

// engine is a process's roles on one store and one queue.
type engine struct {
	cfg      Config
	log      *slog.Logger
	store    *store.DB
	embedded *queue.Embedded // nil with an external server
	queue    *queue.Queue
	keys     *dkim.Keyring
	tokens   *token.Maker
	lock     *os.File // of the data directory, with the embedded server
	net      network
	router   delivery.Router
	sites    delivery.SiteFinder // nil with a smarthost
	port     uint16              // of the servers that router finds
	learned  *ratelimit.Book     // what replies have taught
	shaping  *shaping.Book

	mu        sync.Mutex
	listeners map[string]net.Listener // opened, and not yet taken by their roles
}

// openEngine opens store and queue; Close closes what was opened, whatever failed.
func openEngine(ctx context.Context, a *app, net network) (*engine, error) {
	a.cfg.finish()
	e := &engine{cfg: a.cfg, log: a.log, net: net}
	err := e.openRouter()
	if err == nil {
		err = e.openStore(ctx)
	}
	if err == nil {
		err = e.openQueue(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, e.Close())
	}
	return e, nil
}

// openStore opens what commands can use beside a running engine.
func (e *engine) openStore(ctx context.Context) error {
	var err error
	if err = os.MkdirAll(e.cfg.Data, 0o700); err != nil {
		return fmt.Errorf("data directory: %w", err)
	}
	if e.store, err = store.Open(ctx, e.cfg.DB, store.Options{SoftBounces: e.cfg.Bounce.softRule()}); err != nil {
		return err
	}
	if e.keys, err = dkim.OpenKeyring(e.cfg.keyDir()); err != nil {
		return err
	}
	if e.shaping, err = shaping.Open(e.cfg.Shaping, e.log); err != nil {
		return err
	}
	e.tokens = new(token.Maker)
	return renewKeys(ctx, e.store, e.tokens)
}

func (e *engine) openQueue(ctx context.Context) error {
	var err error
	if e.cfg.NATS == "" {
		if e.lock, err = lockData(e.cfg.Data); err != nil {
			return err
		}
		if e.embedded, err = queue.StartEmbedded(queue.EmbeddedOptions{Dir: e.cfg.Data, Strict: e.cfg.Queue.Strict}); err != nil {
			return err
		}
	}
	e.queue, err = queue.Connect(ctx, queue.Options{
		Embedded: e.embedded, URL: e.cfg.NATS, Name: e.cfg.Name, Replicas: e.cfg.Queue.Replicas,
		TailLanes: e.cfg.Queue.TailLanes, AckWait: time.Duration(e.cfg.Queue.AckWait), Log: e.log,
	})
	if err != nil {
		return err
	}
	e.learned, err = ratelimit.OpenBook(ctx, e.queue.JetStream(), e.cfg.Queue.Replicas, e.log, time.Now)
	return err
}

// Close closes everything, the queue's server last.
func (e *engine) Close() error {
	for _, l := range e.listeners {
		l.Close()
	}
	if e.learned != nil {
		e.learned.Close()
	}
	if e.queue != nil {
		e.queue.Close()
	}
	if e.embedded != nil {
		e.embedded.Shutdown()
	}
	var err error
	if e.store != nil {
		err = e.store.Close()
	}
	if e.lock != nil {
		err = errors.Join(err, e.lock.Close())
	}
	return err
}

// lockData keeps two processes from using one embedded queue; the lock goes with the
// process, however it ends.
func lockData(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return nil, errors.Join(fmt.Errorf("data directory %s is in use by another broadside: stop that one, or choose another with --data", dir), f.Close())
	}
	return f, nil
}

// run runs roles until ctx is done. A role that fails is started again; only what is
// wrong from the beginning ends it.
func (e *engine) run(ctx context.Context, roles []string) error {
	works := make([]func(context.Context) error, len(roles))
	for i, role := range roles {
		var err error
		if works[i], err = e.role(role); err != nil {
			return err
		}
	}
	var wg sync.WaitGroup
	wg.Go(func() { e.followKeys(ctx) })
	for i, work := range works {
		wg.Go(func() { e.supervise(ctx, roles[i], work) })
	}
	wg.Wait()
	return nil
}

func (e *engine) role(name string) (func(context.Context) error, error) {
	switch name {
	case "plan":
		return e.plan, nil
	case "send":
		return e.send, nil
	case "record":
		return e.record, nil
	case "web":
		return e.web, nil
	case "bounce":
		return e.bounce, nil
	case "webhooks":
		return e.webhooks, nil
	}
	return nil, usagef("role %q: use web, plan, send, record, bounce and webhooks", name)
}

// supervise starts a role again whenever it fails.
func (e *engine) supervise(ctx context.Context, role string, work func(context.Context) error) {
	for {
		err := work(ctx)
		if ctx.Err() != nil {
			return
		}
		e.log.Error("role ended, starting it again", "role", role, "error", err)
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Second):
		}
	}
}

func (e *engine) plan(ctx context.Context) error {
	lanes := delivery.NewLanes(e.sites, shaping.Builtin().ProviderOfDomain, e.cfg.Queue.TailLanes)
	defer lanes.Close()
	p := &campaign.Planner{Store: e.store, Queue: e.queue, Log: e.log, LanesOf: lanes.Of}
	return e.queue.Lead(ctx, "planner", p.Run)
}

func (e *engine) record(ctx context.Context) error {
	r := &delivery.Recorder{Ledger: e.store, Queue: e.queue, Log: e.log}
	m := &delivery.Mirror{Store: e.store, Book: e.learned, Log: e.log}
	var beside sync.WaitGroup
	defer beside.Wait()
	beside.Go(func() { _ = e.queue.Lead(ctx, "mirror", m.Run) }) // nil, when ctx is done
	beside.Go(func() { _ = e.queue.Lead(ctx, "retention", e.retain) })
	h := &delivery.HitRecorder{Store: e.store, Queue: e.queue, Log: e.log}
	beside.Go(func() { _ = e.queue.Lead(ctx, "hits", h.Run) })
	return e.queue.Lead(ctx, "recorder", r.Run)
}
