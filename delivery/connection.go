package delivery

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"broadside/campaign"
	"broadside/delivery/meter"
	"broadside/delivery/shaping"
	"broadside/delivery/smtp"
)

// connection is one connection's work on a path: one goroutine prepares the next
// message while the other waits for the reply to the last one.
type connection struct {
	*path
	began   time.Time
	session *smtp.Session // nil until needed, and between sessions
	opened  time.Time     // when session was
	domain  string        // whose mail it carried last
	idle    time.Time     // since when it has nothing to carry
	quit    chan struct{} // closed when no more jobs are to be taken
	yields  bool          // it ends for the site's mail from another source

	sessions int     // opened so far
	shorter  float64 // by what part the first one is, 0 to a half

	line      context.Context // ends when it may not wait for its turn any more
	leaveLine context.CancelFunc
}

func newConnection(p *path) *connection {
	return &connection{path: p, began: time.Now(), quit: make(chan struct{}), shorter: rand.Float64() / 2}
}

// run works until the path has no jobs for its idle time, or the connection is not
// allowed any more, or the sender stops.
func (c *connection) run(ctx context.Context) {
	c.line, c.leaveLine = context.WithCancel(ctx)
	defer c.leaveLine()
	ready := make(chan *prepared)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for p := range ready {
			c.deliver(ctx, p)
		}
	}()
	it, ok := c.next(c.renew(time.Now()).Idle, c.quit)
	c.started()
	for ok {
		if p := c.prepare(ctx, it); p != nil {
			ready <- p
		}
		it, ok = c.next(c.renew(time.Now()).Idle, c.quit)
	}
	close(ready)
	<-done
	if c.session != nil {
		c.hangUp()
	}
	if c.yields {
		c.site.madeRoom(c.path)
	}
	c.left()
}

// makeRoom reports whether the connection ends for the site's mail from another source.
func (c *connection) makeRoom() bool {
	if len(c.gates) > 1 && !c.yields {
		c.yields = c.site.makeRoom(c.path, c.began)
	}
	return c.yields
}

// end lets the connection end: what it still has in hand goes back to the path.
func (c *connection) end() {
	if !closed(c.quit) {
		close(c.quit)
	}
}

// recheckAfter is how old the look at the suppressions may be when a message is sent.
// Whoever is suppressed gets nothing later than a second after: the other half of it is
// for the way to the recipient's server.
const recheckAfter = 500 * time.Millisecond

// deliver sends one message, or ends its item another way.
func (c *connection) deliver(ctx context.Context, p *prepared) {
	defer p.release()
	if closed(c.quit) {
		c.putBack(p.routed)
		return
	}
	// A session that is to be opened takes round trips: the address is looked for after
	// them, when the message's turn has come.
	if c.session == nil && c.refuse(ctx, p.item) || c.session != nil && !c.admitted(ctx, p) {
		return
	}
	for {
		now := time.Now()
		c.renew(now)
		wait, why, detail := c.pausedFor(now)
		switch {
		case c.outOfPatience(p.item, wait):
			c.putOff(p.item, why, detail, wait)
			return
		case wait > shortPause:
			c.putBack(p.routed)
			c.end()
			return
		}
		if until, said := c.site.held(now, p.content); !until.IsZero() {
			c.putOff(p.item, campaign.PolicyRejected, said, until.Sub(now))
			return
		}
		if !pause(ctx, wait) {
			c.giveBack(ctx, p.item, soon)
			return
		}
		// Opened before its turn comes: a message that came later than that would come
		// together with those of the next turns.
		ok, again := c.ready(ctx, p)
		if ok {
			if !c.awaitTurn(ctx, p) {
				return
			}
			if again = c.barred(p); !again {
				again = c.attempt(ctx, p)
			}
		}
		if !again {
			break
		}
	}
	if c.gates.over() || c.makeRoom() || c.crowd.makeRoom(c.began) {
		c.end()
	}
}

// admitted looks once more whether the run is on and the address not suppressed; if
// not, the item has been ended.
func (c *connection) admitted(ctx context.Context, p *prepared) bool {
	if c.refuse(ctx, p.item) {
		return false
	}
	return time.Since(p.checked) <= recheckAfter || c.recheck(ctx, p.item)
}

// mostLost is how many connections one message may cost in mid-transaction before it,
// not the host, is taken for the cause, and deferred.
const mostLost = 3

// awaitTurn waits until the message may leave; false when it does not, and its item has
// gone back or ended.
func (c *connection) awaitTurn(ctx context.Context, p *prepared) bool {
	c.mu.Lock()
	c.inLine[c] = true
	c.mu.Unlock()
	err := c.gates.wait(c.line)
	c.mu.Lock()
	delete(c.inLine, c)
	c.mu.Unlock()
	if c.line.Err() != nil {
		c.end() // fewer connections are allowed, or the sender stops
	}
	switch {
	case err == nil:
		return time.Since(p.checked) <= recheckAfter || c.admitted(ctx, p)
	case ctx.Err() != nil:
		c.giveBack(ctx, p.item, soon)
	default:
		c.putBack(p.routed)
	}
	return false
}

// barred reports whether the site, or the message's domains there, were stopped while it
// waited for its turn, which is then lost.
func (c *connection) barred(p *prepared) bool {
	now := time.Now()
	c.renew(now)
	wait, _, _ := c.pausedFor(now)
	until, _ := c.site.held(now, p.content)
	return wait > 0 || !until.IsZero()
}

// ready sees to it that a session is open that suits the message. When there is none,
// again tells whether the message is to be tried again; if not, its item has ended.
func (c *connection) ready(ctx context.Context, p *prepared) (ok, again bool) {
	req, ok := c.requirement(ctx, p)
	if !ok {
		return false, false
	}
	if c.session != nil {
		// A close or a 421 while idle is normal: reconnect, no penalty (S13, S27).
		if r := c.session.Check(); !r.OK() || !c.session.Usable() {
			c.closedAfter(c.session.Sent(), time.Since(c.idle), r)
			c.hangUp()
		}
	}
	if c.session != nil && !c.suits(p, req) {
		c.hangUp()
	}
	if c.session != nil {
		return true, false
	}
	began := time.Now()
	if r := c.open(ctx, p, req); c.session == nil {
		return false, c.notOpened(ctx, p, req, r, began)
	}
	c.idle = time.Now()
	return true, false
}

// attempt tries to send, and reports whether the same message is to be tried again:
// nothing that happened was about it.
func (c *connection) attempt(ctx context.Context, p *prepared) (again bool) {
	began := time.Now()
	if ok, again := c.ready(ctx, p); !ok {
		return again
	}
	// Opening may have taken minutes, if the session was closed while it waited.
	if time.Since(began) > recheckAfter && !c.admitted(ctx, p) {
		return false
	}
	reused := c.session.Sent() > 0
	host := hostLine(c.session.Host())
	if err := c.Claims.add(p.item); err != nil {
		c.broken(ctx, p.item, err)
		return false
	}
	sending := time.Now()
	r := c.session.Send(ctx, p.envelope, p.wire())
	if usesAllowance(r) {
		p.allowance = nil
	}
	v := classify(c.site.provider, r)
	took := p.took(sending, time.Now())
	c.site.meter.Attempted(v.state == campaign.Accepted, &took)
	if v.state != campaign.Accepted {
		c.site.meter.Said(meter.Reply{At: time.Now(), Code: r.Reply.Code, Text: cmp.Or(r.Reply.Text, r.String())})
	}
	defer func() { c.idle = time.Now() }()
	if reused {
		c.closedAfter(c.session.Sent()-1, began.Sub(c.idle), r)
	}
	if !c.session.Usable() || c.usedUp() {
		c.hangUp()
	}
	if r.Failure == smtp.Closed && r.Stage != smtp.Idle {
		p.lost++
	}
	switch {
	case r.Failure == smtp.Cancelled && !r.Handed:
		c.giveBack(ctx, p.item, soon)
		return false
	case v.hosts && reused && r.Reply.Code == 0:
		return true // closed between two messages: another connection, no penalty
	}
	switch c.heed(p, &v, r, began); {
	case v.hosts && p.lost < mostLost:
		return true
	case r.MaybeAccepted() && !reused:
		c.troubled(campaign.ConnectionLost, r.String()) // a server that always does that isn't well
	case !v.hosts:
		c.worked()
		c.count(time.Now())
	}
	c.record(p, v, r, host)
	return false
}

// usedUp reports whether the session has carried, or lived, as much as one may.
func (c *connection) usedUp() bool {
	rules := c.renew(time.Now())
	return c.session.Sent() >= c.carries(rules) || rules.MaxAge > 0 && time.Since(c.opened) > rules.MaxAge
}

// carries is how many messages the session is for. The first ones of a path's connections,
// which are opened together, are of several lengths: else all of them would be opened again
// together, each time, and far away nothing would leave meanwhile.
func (c *connection) carries(rules shaping.Rules) int {
	most := c.perConnection(rules)
	if c.sessions > 1 || rules.Connections <= 1 {
		return most
	}
	return most - int(c.shorter*float64(most))
}

func (c *connection) hangUp() {
	c.site.meter.Connected(-1)
	c.session.Close()
	c.session = nil
}

// record ends an item with the verdict on its result.
func (c *connection) record(p *prepared, v verdict, r smtp.Result, host string) {
	e := p.event(v.state, v.reason, time.Now())
	e.Code, e.Enhanced, e.Host = uint16(r.Reply.Code), r.Reply.Enhanced, host
	if v.state != campaign.Accepted {
		if e.Reply = r.Reply.Text; e.Reply == "" {
			e.Reply = r.String()
		}
	}
	if v.reason == campaign.PossiblyAccepted {
		e.Resent = true // unless it is held, or given up, there will be a second copy
		if p.content.spec.OnUnknown == campaign.Hold {
			e.State, e.Resent = campaign.Unknown, false
		}
	}
	if e.State == campaign.Deferred {
		c.deferUntil(p.item, e, 0)
		return
	}
	c.outcomes.add(p.item, e)
}

func hostLine(h smtp.Host) string { return fmt.Sprintf("%s [%s]", h.Name, h.Addr.Addr()) }
