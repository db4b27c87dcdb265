package delivery

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"broadside/campaign"
	"broadside/delivery/mx"
	"broadside/delivery/smtp"
)

// connection is one SMTP session's worth of work at a site: one goroutine prepares the
// next message while the other waits for the reply to the last one.
type connection struct {
	*Sender
	site    *site
	session *smtp.Session // nil until needed, and between sessions
}

func newConnection(st *site) *connection { return &connection{Sender: st.sender, site: st} }

// run works until the site has no jobs for its idle time, or the sender stops.
func (c *connection) run(ctx context.Context) {
	ready := make(chan *prepared)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for p := range ready {
			c.deliver(ctx, p)
		}
	}()
	for {
		it, ok := c.site.next(c.site.limits.Idle)
		if !ok {
			if c.site.left() {
				continue
			}
			break
		}
		if p := c.prepare(ctx, it); p != nil {
			ready <- p
		}
	}
	close(ready)
	<-done
	if c.session != nil {
		c.session.Close()
	}
}

// recheckAfter is how old the look at the suppressions may be when a message is sent.
const recheckAfter = time.Second

// deliver sends one message, or ends its item another way.
func (c *connection) deliver(ctx context.Context, p *prepared) {
	defer p.release()
	if !c.admitted(ctx, p) {
		return
	}
	for {
		wait, why := c.site.pausedFor()
		if wait > 0 && c.site.outOfPatience(p.item, wait) {
			c.deferUntil(p.item, p.event(campaign.Deferred, why, time.Now()), wait)
			return
		}
		if !pause(ctx, wait) || c.site.pacer.Wait(ctx) != nil {
			c.giveBack(ctx, p.item, soon)
			return
		}
		if (wait > 0 || time.Since(p.checked) > recheckAfter) && !c.admitted(ctx, p) {
			return
		}
		if again := c.attempt(ctx, p); !again {
			return
		}
	}
}

// admitted looks once more whether the run is on and the address not suppressed; if
// not, the item has been ended.
func (c *connection) admitted(ctx context.Context, p *prepared) bool {
	if c.refuse(ctx, p.item) {
		return false
	}
	return time.Since(p.checked) <= recheckAfter || len(c.leaveOut(ctx, []*item{p.item})) == 1
}

// mostLost is how many connections one message may cost in mid-transaction before it,
// not the host, is taken for the cause, and deferred.
const mostLost = 3

// attempt tries to send, and reports whether the same message is to be tried again:
// nothing that happened was about it.
func (c *connection) attempt(ctx context.Context, p *prepared) (again bool) {
	began := time.Now()
	if c.session != nil && c.session.Sent() > 0 {
		// A close or a 421 while idle is normal: reconnect, no penalty (S13, S27).
		if r := c.session.Check(); !r.OK() || !c.session.Usable() {
			c.hangUp()
		}
	}
	reused := c.session != nil
	if !reused {
		if r := c.open(ctx, p); c.session == nil {
			return c.notOpened(ctx, p, r, began)
		}
		// Opening may have taken minutes.
		if time.Since(began) > recheckAfter && !c.admitted(ctx, p) {
			return false
		}
	}
	host := hostLine(c.session.Host())
	if err := c.Claims.add(p.item); err != nil {
		c.broken(ctx, p.item, err)
		return false
	}
	r := c.session.Send(ctx, p.envelope, p.wire())
	v := classify(r)
	usedUp := c.session.Sent() >= c.site.limits.MessagesPerConnection
	if usedUp || !c.session.Usable() {
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
	case v.hosts:
		c.hostTrouble(v, r, began)
		if p.lost < mostLost {
			return true
		}
		c.record(p, v, r, host)
		return false
	}
	c.site.worked()
	if v.throttle {
		c.site.pacer.Throttled(began)
	}
	c.record(p, v, r, host)
	return false
}

func (c *connection) hangUp() {
	c.session.Close()
	c.session = nil
}

func (c *connection) hostTrouble(v verdict, r smtp.Result, began time.Time) {
	if v.throttle {
		c.site.pacer.Throttled(began)
	}
	c.site.troubled(v.reason, r.String())
}

// notOpened handles that no session could be opened: the host's trouble, not the
// message's. A message whose address can't be delivered to at all is ended.
func (c *connection) notOpened(ctx context.Context, p *prepared, r smtp.Result, began time.Time) (again bool) {
	if ctx.Err() != nil {
		c.giveBack(ctx, p.item, soon)
		return false
	}
	v := classify(r)
	if !v.hosts {
		c.record(p, v, r, "")
		return false
	}
	c.hostTrouble(v, r, began)
	wait, _ := c.site.pausedFor()
	if c.site.outOfPatience(p.item, wait) {
		c.record(p, v, r, "")
		return false
	}
	return true
}

// open opens a session with the first host that has one for us, in order of
// preference (RFC 5321 §5.1).
func (c *connection) open(ctx context.Context, p *prepared) smtp.Result {
	last := smtp.Result{Stage: smtp.Connect, Failure: smtp.Unreachable, Detail: "no address to connect to"}
	for _, h := range p.route.Hosts {
		for _, addr := range h.Addrs {
			if last = c.openAt(ctx, h, addr); c.session != nil || ctx.Err() != nil {
				return last
			}
		}
	}
	return last
}

func (c *connection) openAt(ctx context.Context, h mx.Host, addr netip.Addr) smtp.Result {
	for {
		cfg := c.site.smtpConfig()
		session, r := smtp.Open(ctx, smtp.Host{Name: h.Name, Addr: netip.AddrPortFrom(addr, c.Port)}, &cfg)
		switch {
		case session != nil:
			c.session = session
			return r
		case r.Failure == smtp.TLSFailed && c.site.tlsFailed():
			continue
		case r.Stage == smtp.Connect && ctx.Err() == nil:
			c.Router.Failed(addr)
		}
		return r
	}
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
		if p.content.run.Spec.OnUnknown == campaign.Hold {
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
