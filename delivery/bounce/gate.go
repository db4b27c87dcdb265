package bounce

import (
	"net"
	"net/netip"
	"sync"
	"time"
)

// gate is a listener that lets only so many connections in, in all and from one
// address, and none for longer than a time: a slow client costs a place, not the
// service. It owns the connections that it let in.
type gate struct {
	net.Listener
	limits Limits

	mu    sync.Mutex
	open  map[*guarded]struct{}
	hosts map[netip.Addr]int
	shut  bool
}

func newGate(l net.Listener, limits Limits) *gate {
	return &gate{Listener: l, limits: limits, open: make(map[*guarded]struct{}), hosts: make(map[netip.Addr]int)}
}

// Accept returns the next connection that there is a place for. The others are told
// to come back later.
func (g *gate) Accept() (net.Conn, error) {
	for {
		conn, err := g.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if c := g.admit(conn); c != nil {
			return c, nil
		}
		// One small write into an empty buffer: it does not wait for the client.
		_ = conn.SetWriteDeadline(time.Now().Add(time.Second))
		_, _ = conn.Write([]byte("421 4.7.0 Too many connections, try again later\r\n"))
		_ = conn.Close()
	}
}

func (g *gate) admit(conn net.Conn) *guarded {
	host := hostOf(conn)
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.shut || len(g.open) >= g.limits.Connections || g.hosts[host] >= g.limits.PerHost {
		return nil
	}
	c := &guarded{Conn: conn, gate: g, host: host, end: time.Now().Add(g.limits.Lifetime)}
	g.open[c] = struct{}{}
	g.hosts[host]++
	return c
}

// shutdown lets nobody in any more, and every connection finish the command in its
// hands but read no other.
func (g *gate) shutdown() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.shut = true
	for c := range g.open {
		c.expire()
	}
}

func (g *gate) leave(c *guarded) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if _, in := g.open[c]; !in {
		return
	}
	delete(g.open, c)
	if g.hosts[c.host]--; g.hosts[c.host] == 0 {
		delete(g.hosts, c.host)
	}
}

// hostOf is a client's address; clients of IPv6 have a /64 to choose from.
func hostOf(conn net.Conn) netip.Addr {
	ap, err := netip.ParseAddrPort(conn.RemoteAddr().String())
	if err != nil {
		return netip.Addr{}
	}
	a := ap.Addr().Unmap()
	if a.Is4() {
		return a
	}
	p, err := a.Prefix(64)
	if err != nil {
		return netip.Addr{}
	}
	return p.Addr()
}

// guarded is a connection whose reads end at a time, whatever deadline is asked for.
type guarded struct {
	net.Conn
	gate *gate
	host netip.Addr

	mu  sync.Mutex
	end time.Time
}

func (c *guarded) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if t.IsZero() || t.After(c.end) {
		t = c.end
	}
	return c.Conn.SetReadDeadline(t)
}

func (c *guarded) expire() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.end = time.Now()
	_ = c.Conn.SetReadDeadline(c.end)
}

func (c *guarded) Close() error {
	c.gate.leave(c)
	return c.Conn.Close()
}
