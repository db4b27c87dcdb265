package smtptest

import (
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"broadside/delivery/smtptest/dnsserver"
)

// Config says what to simulate. Start takes it as it is and keeps its slices and
// maps; do not change them afterwards.
type Config struct {
	Providers []Provider
	// Addr is where the hosts listen.
	//   - "127.0.0.1:0" (the default): each on a free port of this address. Only
	//     DialContext finds them. With a port other than 0, host n has port + n.
	//   - "127.1.0.0/16:2525": each on an address of its own out of this network, all
	//     on this port, as DNS says. Linux has all of 127.0.0.0/8; other systems need
	//     the addresses configured.
	Addr string
	// DNSAddr is where the DNS server listens, "127.0.0.1:0" if empty.
	DNSAddr string
	// Memory opens no socket at all: DialContext returns in-memory connections and
	// there is no DNS server. It works inside testing/synctest.
	Memory bool
	// Records overrides what DNS says about a name; TXT adds TXT records to it.
	Records map[string]Records
	TXT     map[string][]string
	// Verify, if not nil, is shown every VerifyEvery-th accepted message of a
	// provider (every one if 0) and reports whether its signature is good. It is
	// called by many goroutines at once and must not keep the slice.
	Verify      func(msg []byte) error
	VerifyEvery int
	// Accepted, if not nil, is shown every accepted message before its reply is written.
	// It is called by many goroutines at once and must not keep Data.
	Accepted func(Message)
	Keep     int    // how many messages are kept whole for Ledger.Messages
	Seed     uint64 // of all probabilities; the same seed and dialogue, the same fate
}

// Internet is a running simulation. All methods may be called at any time.
type Internet struct {
	verify      func([]byte) error
	verifyEvery int64
	accepted    func(Message)
	seed        uint64
	certificate tls.Certificate
	tls         *tls.Config
	ledger      *Ledger
	domains     directory
	sites       map[string]*site
	hosts       map[string]*host
	addresses   map[netip.Addr]*host
	zone        *zone
	dns         *dnsserver.Server // nil in memory

	connections atomic.Uint32
	closing     chan struct{}
	work        sync.WaitGroup // listeners and sessions

	mu       sync.Mutex
	sessions map[*session]struct{} // nil once closed
}

// host is an MX host: a name, a simulated address, and where it really listens.
type host struct {
	name     string
	site     *site
	address  netip.Addr
	listener net.Listener // nil in memory
}

// Start begins the simulation; Close ends it.
func Start(cfg Config) (*Internet, error) {
	i := &Internet{
		verify:      cfg.Verify,
		verifyEvery: int64(max(cfg.VerifyEvery, 1)),
		accepted:    cfg.Accepted,
		seed:        cfg.Seed,
		ledger:      &Ledger{start: time.Now(), kept: keeper{room: cfg.Keep}},
		domains:     make(directory),
		sites:       make(map[string]*site),
		hosts:       make(map[string]*host),
		addresses:   make(map[netip.Addr]*host),
		closing:     make(chan struct{}),
		sessions:    make(map[*session]struct{}),
	}
	where, err := parsePlace(cfg.Addr)
	if err != nil {
		return nil, err
	}
	for _, p := range cfg.Providers {
		if err := i.add(p, where); err != nil {
			return nil, err
		}
	}
	if err := i.certify(); err != nil {
		return nil, err
	}
	i.zone = newZone(i, cfg)
	if cfg.Memory {
		return i, nil
	}
	if err := i.listen(where, cfg.DNSAddr); err != nil {
		return nil, errors.Join(err, i.Close())
	}
	return i, nil
}

// add makes a provider known.
func (i *Internet) add(p Provider, where place) error {
	if i.sites[p.Name] != nil {
		return fmt.Errorf("smtptest: two providers are called %q", p.Name)
	}
	r, err := compile(p.Behaviour)
	if err != nil {
		return fmt.Errorf("provider %s: %w", p.Name, err)
	}
	s := &site{Provider: p}
	s.rules.Store(r)
	for _, entry := range p.MX {
		mx, err := parseMX(entry)
		if err != nil {
			return fmt.Errorf("provider %s: %w", p.Name, err)
		}
		s.exchangers = append(s.exchangers, mx)
		if mx.host == "" {
			continue // the null MX
		}
		if old := i.hosts[mx.host]; old != nil {
			return fmt.Errorf("smtptest: MX host %s belongs to both %s and %s", mx.host, old.site.Name, p.Name)
		}
		h := &host{name: mx.host, site: s, address: where.address(len(i.hosts))}
		i.hosts[mx.host] = h
		i.addresses[h.address] = h
	}
	for _, domain := range p.Domains {
		s.relay = s.relay || domain == "*"
		if err := i.domains.add(domain, s); err != nil {
			return err
		}
	}
	i.sites[p.Name] = s
	i.ledger.sites = append(i.ledger.sites, s)
	return nil
}

func (i *Internet) certify() error {
	names := make([]string, 0, len(i.hosts))
	for name := range i.hosts {
		names = append(names, name)
	}
	var err error
	if i.certificate, err = selfSigned(names); err != nil {
		return err
	}
	i.tls = &tls.Config{Certificates: []tls.Certificate{i.certificate}, MinVersion: tls.VersionTLS12}
	return nil
}

// listen opens the sockets and starts their goroutines.
func (i *Internet) listen(where place, dnsAddr string) error {
	for _, s := range i.ledger.sites {
		for _, mx := range s.exchangers {
			h := i.hosts[mx.host]
			if h == nil {
				continue
			}
			l, err := net.Listen("tcp", where.listen(h.address))
			if err != nil {
				return fmt.Errorf("smtptest: %s cannot listen: %w", h.name, err)
			}
			h.listener = l
			i.work.Go(func() { i.acceptAll(h) })
		}
	}
	var err error
	if i.dns, err = dnsserver.Start(cmp.Or(dnsAddr, "127.0.0.1:0"), i.zone); err != nil {
		return fmt.Errorf("smtptest: DNS cannot listen: %w", err)
	}
	return nil
}

func (i *Internet) acceptAll(h *host) {
	for {
		conn, err := h.listener.Accept()
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil: // out of file descriptors: give sessions time to end
			select {
			case <-time.After(10 * time.Millisecond):
			case <-i.closing:
				return
			}
		default:
			i.begin(h, conn)
		}
	}
}

// begin starts a session on a new connection; it owns conn from now on.
func (i *Internet) begin(h *host, conn net.Conn) {
	if h.site.rules.Load().down(h.name) {
		cut(conn)
		return
	}
	s := &session{
		internet: i, site: h.site, host: h.name, number: i.connections.Add(1),
		conn: conn, client: hostOf(conn.RemoteAddr()),
	}
	s.rng = rand.New(rand.NewPCG(i.seed, uint64(s.number)))
	s.wire = wire{conn: conn, trips: &h.site.count.roundTrips, closing: i.closing}
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.sessions == nil {
		conn.Close()
		return
	}
	i.sessions[s] = struct{}{}
	h.site.count.opened()
	i.work.Go(func() {
		s.serve()
		i.mu.Lock()
		defer i.mu.Unlock()
		delete(i.sessions, s)
	})
}

// cut closes a connection as a host that is down would: with a reset.
func cut(conn net.Conn) {
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // else the close below is an orderly one: no harm
	}
	conn.Close()
}

func hostOf(a net.Addr) string {
	host, _, err := net.SplitHostPort(a.String())
	if err != nil {
		return a.String()
	}
	return host
}

// Close cuts all connections, ends the simulation and waits for its goroutines. The
// ledger stays readable. A second call does nothing.
func (i *Internet) Close() error {
	i.mu.Lock()
	if i.sessions == nil {
		i.mu.Unlock()
		return nil
	}
	close(i.closing)
	for s := range i.sessions {
		s.conn.Close()
	}
	i.sessions = nil
	i.mu.Unlock()
	var errs []error
	for _, h := range i.hosts {
		if h.listener != nil {
			errs = append(errs, h.listener.Close())
		}
	}
	if i.dns != nil {
		errs = append(errs, i.dns.Close())
	}
	i.work.Wait()
	return errors.Join(errs...)
}

func (i *Internet) closed() bool {
	select {
	case <-i.closing:
		return true
	default:
		return false
	}
}

// Set changes how a provider behaves, from the next command on. Hosts that are now
// down lose their connections.
func (i *Internet) Set(provider string, b Behaviour) error {
	s := i.sites[provider]
	if s == nil {
		return fmt.Errorf("smtptest: no provider is called %q", provider)
	}
	r, err := compile(b)
	if err != nil {
		return fmt.Errorf("provider %s: %w", provider, err)
	}
	s.rules.Store(r)
	i.mu.Lock()
	defer i.mu.Unlock()
	for one := range i.sessions {
		if one.site == s && r.down(one.host) {
			cut(one.conn)
		}
	}
	return nil
}

// Ledger returns what reached the simulator so far and from now on.
func (i *Internet) Ledger() *Ledger { return i.ledger }
