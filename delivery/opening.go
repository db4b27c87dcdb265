package delivery

import (
	"context"
	"net/netip"
	"time"

	"broadside/campaign"
	"broadside/delivery/mx"
	"broadside/delivery/shaping"
	"broadside/delivery/smtp"
	"broadside/delivery/tlspolicy"
	"broadside/ratelimit"
)

// TLSPolicies say what recipients' domains demand of a session, beside what the site
// does; *tlspolicy.Policies is one.
type TLSPolicies interface {
	Requirement(ctx context.Context, domain string, hosts []mx.Host) (tlspolicy.Requirement, tlspolicy.Problem)
	// Opened is told of each session, and of each that could not be had.
	Opened(req tlspolicy.Requirement, source netip.Addr, host smtp.Host, session *smtp.Session, r smtp.Result)
}

// requirement is what the message's domain demands of its session. When no session can
// fulfil it now the item has been deferred, and nobody else.
func (c *connection) requirement(ctx context.Context, p *prepared) (tlspolicy.Requirement, bool) {
	if c.TLSPolicies == nil {
		return tlspolicy.Requirement{}, true
	}
	req, problem := c.TLSPolicies.Requirement(ctx, p.domain, p.route.Hosts)
	switch {
	case problem == tlspolicy.None:
		return req, true
	case ctx.Err() != nil:
		c.giveBack(ctx, p.item, soon)
	default:
		e := p.event(campaign.Deferred, campaign.TLSFailed, time.Now())
		e.Reply, e.Enhanced = problem.String(), problem.Enhanced()
		c.deferUntil(p.item, e, 0)
	}
	return req, false
}

// suits reports whether the open session may carry the message.
func (c *connection) suits(p *prepared, req tlspolicy.Requirement) bool {
	if !req.Satisfied(c.session) {
		return false
	}
	if c.TLSPolicies != nil && c.domain != p.domain {
		c.domain = p.domain
		c.TLSPolicies.Opened(req, c.source.Addr, c.session.Host(), c.session, smtp.Result{})
	}
	return true
}

// notOpened handles that no session could be opened: the host's trouble, not the
// message's, unless the message's domain demanded more than the host could show. A
// message whose address can't be delivered to at all is ended.
func (c *connection) notOpened(ctx context.Context, p *prepared, req tlspolicy.Requirement, r smtp.Result, began time.Time) (again bool) {
	if ctx.Err() != nil {
		c.giveBack(ctx, p.item, soon)
		return false
	}
	v := classify(c.site.provider, r)
	if v.reason == campaign.TLSFailed && req.Demands() {
		v.hosts = false
	}
	if !v.hosts {
		c.record(p, v, r, "")
		return false
	}
	c.heed(p, &v, r, began)
	if wait, _, _ := c.pausedFor(time.Now()); !v.hosts || c.outOfPatience(p.item, wait) {
		c.record(p, v, r, "")
		return false
	}
	return true
}

// open opens a session with the first host that has one for us, in order of
// preference (RFC 5321 §5.1), and that the message's domain allows.
func (c *connection) open(ctx context.Context, p *prepared, req tlspolicy.Requirement) smtp.Result {
	// The job may have waited: hosts that failed meanwhile are left out, and equal ones
	// take turns.
	if route, problem := c.Router.Route(ctx, p.domain); problem == mx.None && route.Site == p.route.Site {
		p.route = route
	}
	last := smtp.Result{Stage: smtp.Connect, Failure: smtp.Unreachable, Detail: "no address to connect to"}
	var lacking smtp.Result // what a host did not show that the domain demands
	for _, h := range p.route.Hosts {
		cfg, ok := req.Configure(c.smtpConfig(), h.Name)
		if !ok {
			lacking = smtp.Result{Stage: smtp.Connect, Failure: smtp.TLSUnavailable, Detail: h.Name + " is not among the hosts that the domain's policy names"}
			continue
		}
		for _, addr := range h.Addrs {
			last = c.openAt(ctx, p, req, cfg, smtp.Host{Name: h.Name, Addr: netip.AddrPortFrom(addr, c.Port)})
			if c.session != nil || ctx.Err() != nil {
				return last
			}
			if req.Demands() && failureReasons[last.Failure] == campaign.TLSFailed {
				lacking = last
			}
		}
	}
	if lacking.Failure != smtp.None {
		// The domain's own trouble: the site's other mail must not wait for it, whatever
		// happened at the other hosts.
		return lacking
	}
	return last
}

func (c *connection) openAt(ctx context.Context, p *prepared, req tlspolicy.Requirement, cfg smtp.Config, host smtp.Host) smtp.Result {
	for {
		session, r := smtp.Open(ctx, host, &cfg)
		if c.TLSPolicies != nil {
			c.TLSPolicies.Opened(req, c.source.Addr, host, session, r)
		}
		switch {
		case session != nil:
			c.session, c.opened, c.domain = session, time.Now(), p.domain
			c.sessions++
			c.site.meter.Connected(1)
			return r
		case r.TLS == smtp.TLSNegotiation && c.site.tlsFailed(cfg):
			// Another way, as far as the domain allows.
			cfg, _ = req.Configure(c.smtpConfig(), host.Name)
			continue
		case r.Stage == smtp.Connect && ctx.Err() == nil:
			c.Router.Failed(host.Addr.Addr())
		}
		return r
	}
}

// smtpConfig is how to open a session on the path.
func (c *connection) smtpConfig() smtp.Config {
	cfg := c.SMTP
	cfg.LocalAddr = c.source.Addr
	if c.source.Hello != "" {
		cfg.Hello = c.source.Hello
	}
	if cfg.TLS == smtp.Opportunistic {
		switch c.renew(time.Now()).TLS {
		case shaping.Require:
			cfg.TLS = smtp.Require
		case shaping.NoTLS:
			cfg.TLS = smtp.NoTLS
		}
	}
	steps := c.Learned.Key(ratelimit.WholeSite, "", c.site.name).Fallback(time.Now())
	cfg.ClassicTLS = steps >= classicTLS
	if steps == clearText && cfg.TLS == smtp.Opportunistic {
		cfg.TLS = smtp.NoTLS
	}
	return cfg
}
