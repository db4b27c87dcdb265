package delivery

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"broadside/campaign"
	"broadside/delivery/mx"
	"broadside/delivery/shaping"
	"broadside/delivery/smtp"
)

// SendTest sends one message of a campaign at once, outside of queue and ledger: as it
// would be for one contact, to an address of the caller's choice. It returns what the
// receiving server said.
func SendTest(ctx context.Context, cfg Config, spec campaign.Spec, as campaign.Contact, to string) (smtp.Result, error) {
	s := NewSender(cfg)
	s.contents = newContents(cfg)
	c, err := s.contents.compile(spec, campaign.MessageOptions(spec))
	if err != nil {
		return smtp.Result{}, err
	}
	// The tokens name nobody: an unsubscription by the tester changes nothing.
	job := campaign.Job{Attempt: 1, Email: to, Attributes: as.Attributes}
	p := &prepared{content: c, routed: routed{item: &item{taken: time.Now()}}}
	p.Job = job
	if err := s.render(p); err != nil {
		return smtp.Result{}, err
	}
	route, problem := cfg.Router.Route(ctx, campaign.DomainOf(to))
	if problem != mx.None {
		return smtp.Result{}, fmt.Errorf("%s: %s", campaign.DomainOf(to), problem)
	}
	return s.sendOnce(ctx, p, route), nil
}

// sendOnce tries the hosts of a route in their order, once each.
func (s *Sender) sendOnce(ctx context.Context, p *prepared, route mx.Route) smtp.Result {
	cfg := s.SMTP
	if s.Shaper.Rules(route.Provider, route.Site).TLS == shaping.Require && cfg.TLS == smtp.Opportunistic {
		cfg.TLS = smtp.Require
	}
	var r smtp.Result
	for _, h := range route.Hosts {
		for _, addr := range h.Addrs {
			var session *smtp.Session
			session, r = smtp.Open(ctx, smtp.Host{Name: h.Name, Addr: netip.AddrPortFrom(addr, s.Port)}, &cfg)
			if session == nil {
				continue
			}
			r = session.Send(ctx, p.envelope, p.wire())
			session.Close()
			return r
		}
	}
	return r
}
