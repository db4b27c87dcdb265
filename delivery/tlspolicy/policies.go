package tlspolicy

import (
	"cmp"
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"

	"broadside/delivery/dane"
	"broadside/delivery/mtasts"
	"broadside/delivery/mx"
	"broadside/delivery/tlsrpt"
	"broadside/delivery/ttl"
)

const (
	// noPolicyHolds is how long it is believed that a domain has none, when nothing says
	// otherwise.
	noPolicyHolds = time.Hour
	// bogusHolds is how long a bogus answer is believed: a zone may be mended.
	bogusHolds = time.Minute
	// grace is for how long after its end an answer still serves a domain's messages while
	// it is asked for anew: one of them waits for a slow web server, not all.
	grace = time.Minute
	// maxExchangers is how many hosts of a domain are looked at, as many as mx tries.
	maxExchangers = 16
)

// STS finds MTA-STS policies; *mtasts.Source is one.
type STS interface {
	Look(ctx context.Context, domain string) (mtasts.Answer, time.Duration)
}

// DANE finds TLSA records; *dane.Source is one.
type DANE interface {
	Exchangers(ctx context.Context, domain string) (hosts []string, holds time.Duration, err error)
	Host(ctx context.Context, host string) (dane.Host, time.Duration, error)
}

// Reports counts how sessions fared; *tlsrpt.Recorder is one.
type Reports interface {
	Add(p *tlsrpt.Policy, s tlsrpt.Session)
}

// Wanted tells who wants reports; *tlsrpt.Source is one.
type Wanted interface {
	Wanted(ctx context.Context, domain string) (bool, time.Duration)
}

// Config is what Policies work with.
type Config struct {
	STS     STS     // nil: no MTA-STS
	DANE    DANE    // nil: no DANE
	Reports Reports // nil: nothing is counted
	// Wanted finds the domains without a policy that are counted too. Nil: none are, and
	// each domain costs one question to DNS less.
	Wanted Wanted
	// MaxDomains (200,000 if 0) bounds what is remembered.
	MaxDomains int
	// Timeout (20 s if 0) bounds the look-ups for a domain.
	Timeout time.Duration
	Now     func() time.Time // nil: time.Now
	Log     *slog.Logger
}

// Policies find what domains demand. They are safe for concurrent use.
type Policies struct {
	cfg     Config
	domains *ttl.Cache[verdict]
	hosts   *ttl.Cache[located]
}

// verdict is what is remembered of a domain: for most of them nothing but that.
type verdict struct {
	policy  *policy
	problem Problem
}

// located is what is remembered of a host, and until when, which bounds how long the
// domains may be believed that it belongs to.
type located struct {
	exchanger
	until time.Time
}

// New returns Policies that know nothing yet.
func New(cfg Config) *Policies {
	cfg.MaxDomains = cmp.Or(cfg.MaxDomains, 200_000)
	cfg.Timeout = cmp.Or(cfg.Timeout, 20*time.Second)
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Policies{
		cfg:     cfg,
		domains: ttl.New[verdict](cfg.MaxDomains, grace, cfg.Now),
		hosts:   ttl.New[located](cfg.MaxDomains, grace, cfg.Now),
	}
}

// Requirement returns what a domain, in A-labels, demands of the sessions with its
// hosts. With a Problem none of the hosts may have the mail now. A domain that was
// asked for lately costs a look into a map; others cost look-ups in DNS, and for some
// a fetch by HTTPS. When ctx ends first the problem is Unproven.
func (p *Policies) Requirement(ctx context.Context, domain string, hosts []mx.Host) (Requirement, Problem) {
	if p.cfg.STS == nil && p.cfg.DANE == nil && p.cfg.Wanted == nil {
		return Requirement{}, None
	}
	domain = strings.ToLower(strings.TrimSuffix(domain, "."))
	v, ok := p.domains.Peek(domain)
	if !ok {
		var err error
		if v, err = p.domains.Get(ctx, domain, func(ctx context.Context) (verdict, time.Duration) { return p.look(ctx, domain) }); err != nil {
			return Requirement{}, Unproven
		}
	}
	if v.policy == nil {
		return Requirement{}, None
	}
	problem := v.problem
	if problem == None && !v.policy.admits(hosts) {
		problem = NoHost
	}
	if problem != None {
		p.refused(v.policy, problem)
	}
	return Requirement{v.policy}, problem
}

// admits reports whether one of the hosts may have the domain's mail. No hosts at all
// are not the policy's fault.
func (p *policy) admits(hosts []mx.Host) bool {
	for _, h := range hosts {
		if want, _ := p.of(h.Name); want != forbidden {
			return true
		}
	}
	return len(hosts) == 0
}

// look asks DANE and MTA-STS about a domain, and who wants reports, all at once.
func (p *Policies) look(ctx context.Context, domain string) (verdict, time.Duration) {
	limited, cancel := context.WithTimeout(ctx, p.cfg.Timeout)
	defer cancel()
	var sts mtasts.Answer
	wanted := false
	stsHolds, wantedHolds := noPolicyHolds, noPolicyHolds
	var wg sync.WaitGroup
	if p.cfg.STS != nil {
		wg.Go(func() { sts, stsHolds = p.cfg.STS.Look(limited, domain) })
	}
	if p.cfg.Wanted != nil {
		wg.Go(func() { wanted, wantedHolds = p.cfg.Wanted.Wanted(limited, domain) })
	}
	hosts, holds, err := p.exchangers(limited, domain)
	wg.Wait()
	holds = min(holds, stsHolds, wantedHolds)
	found := &policy{domain: domain, sts: sts.Policy, fault: sts.Fault, detail: sts.Detail, dane: hosts}
	if err != nil {
		p.cfg.Log.Info("dane: mail waits for answers that can be trusted", "domain", domain, "error", err)
		found.describe(true)
		return verdict{found, Unproven}, bogusHolds
	}
	found.describe(false)
	if found.reportSTS == nil && found.reportTLSA == nil {
		if !wanted {
			return verdict{}, holds
		}
		found.reportNone = &tlsrpt.Policy{Type: tlsrpt.NoPolicy, Domain: domain}
	}
	return verdict{found, None}, holds
}

// exchangers are the domain's hosts with their records; none if DANE has nothing to
// say about any of them.
func (p *Policies) exchangers(ctx context.Context, domain string) ([]exchanger, time.Duration, error) {
	if p.cfg.DANE == nil {
		return nil, noPolicyHolds, nil
	}
	names, holds, err := p.cfg.DANE.Exchangers(ctx, domain)
	if err != nil || len(names) == 0 {
		return nil, holds, err
	}
	names = names[:min(len(names), maxExchangers)]
	list := make([]exchanger, len(names))
	lasts := make([]time.Duration, len(names))
	var wg sync.WaitGroup
	for i, name := range names {
		wg.Go(func() { list[i], lasts[i] = p.exchanger(ctx, name, domain) })
	}
	wg.Wait()
	speaks := false
	for i, ex := range list {
		holds = min(holds, lasts[i])
		speaks = speaks || ex.secure || ex.bogus
	}
	if !speaks {
		return nil, holds, nil
	}
	return list, holds, nil
}

// exchanger is a host as it counts for a domain, and how long it may be believed.
func (p *Policies) exchanger(ctx context.Context, name, domain string) (exchanger, time.Duration) {
	found, err := p.hosts.Get(ctx, name, func(ctx context.Context) (located, time.Duration) {
		ex := exchanger{name: name}
		h, holds, err := p.cfg.DANE.Host(ctx, name)
		if err != nil {
			p.cfg.Log.Info("dane: a mail server is left out", "host", name, "error", err)
			ex.bogus, holds = true, bogusHolds
		}
		ex.secure, ex.base, ex.records = h.Secure, h.Base, h.Records
		return located{ex, p.cfg.Now().Add(holds)}, holds
	})
	if err != nil {
		return exchanger{name: name, bogus: true}, bogusHolds
	}
	if found.records != nil {
		found.records = found.records.For(domain)
	}
	return found.exchanger, found.until.Sub(p.cfg.Now())
}
