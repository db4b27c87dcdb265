package mtasts

import (
	"cmp"
	"context"
	"crypto/x509"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"
)

const (
	// The bounds of how long a TXT record is believed: it is how a domain announces a
	// new policy.
	minRecheck, maxRecheck = 5 * time.Minute, time.Hour
	// refreshAfter is the age at which a policy is fetched again although its id is the
	// same, so that it is never near its end (RFC 8461 §10.2).
	refreshAfter = 24 * time.Hour
)

// Resolver asks DNS; mx.DNS is one. A name that is not there is a *net.DNSError with
// IsNotFound or an empty answer; how long that holds is told too.
type Resolver interface {
	LookupTXTTTL(ctx context.Context, name string) ([]string, time.Duration, error)
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// Kept is a policy as the Store keeps it, for all senders.
type Kept struct {
	Domain  string // in lower case
	ID      string // of the TXT record that announced it
	Text    string // that Parse reads
	Fetched time.Time
	Expires time.Time
}

// Store keeps policies. It is SQL in practice: they are few, last for up to a year,
// and each sender profits from what another has fetched.
type Store interface {
	// MTASTSPolicy returns the policy of a domain that is good at a time; false when
	// there is none.
	MTASTSPolicy(ctx context.Context, domain string, at time.Time) (Kept, bool, error)
	// KeepMTASTSPolicy keeps a policy in place of an older one of the domain, and may
	// forget others that are over.
	KeepMTASTSPolicy(ctx context.Context, k Kept) error
}

// Config is what a Source works with.
type Config struct {
	Resolver Resolver
	Store    Store
	// Dial connects to an address that is a literal "IP:port"; nil: TCP.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// AllowAddr is asked about every address right before it is dialled: a stranger's
	// DNS names it. Nil allows all.
	AllowAddr func(netip.Addr) bool
	// RootCAs are the authorities trusted; nil: the system's.
	RootCAs *x509.CertPool
	// Timeout bounds a fetch with all it needs; 15 s if 0, where RFC 8461 §3.3 suggests
	// a minute: a message waits for it.
	Timeout time.Duration
	Now     func() time.Time // nil: time.Now
	Log     *slog.Logger
}

// Source finds policies. It is safe for concurrent use.
type Source struct {
	cfg    Config
	client *http.Client
}

// New returns a Source.
func New(cfg Config) *Source {
	cfg.Timeout = cmp.Or(cfg.Timeout, 15*time.Second)
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Dial == nil {
		cfg.Dial = new(net.Dialer).DialContext
	}
	s := &Source{cfg: cfg}
	s.client = s.newClient()
	return s
}

// Fault is why a policy that was announced could not be had.
type Fault uint8

// The faults, in the categories of RFC 8460 §4.3.2.2.
const (
	NoFault        Fault = iota
	FetchFailed          // no answer, not 200, too large, not text/plain
	BadCertificate       // the web server's is not valid for mta-sts.domain
	BadPolicy            // what came is none
)

// Answer is what is known of a domain.
type Answer struct {
	// Policy is what holds; nil when the domain has none, or none that we could get.
	Policy *Policy
	// Fault and Detail tell why there is none, or none newer.
	Fault  Fault
	Detail string
}

// Look finds the policy of a domain, which is in A-labels and lower case, and how long
// the answer may be believed. An old policy outlives whatever goes wrong with the new
// one (RFC 8461 §5.1).
func (s *Source) Look(ctx context.Context, domain string) (Answer, time.Duration) {
	if !isPattern(domain) || strings.HasPrefix(domain, "*.") {
		return Answer{}, maxRecheck
	}
	now := s.cfg.Now()
	old, kept := s.old(ctx, domain, now)
	texts, ttl, err := s.cfg.Resolver.LookupTXTTTL(ctx, "_mta-sts."+domain)
	if err != nil {
		texts = nil
	}
	holds := min(max(ttl, minRecheck), maxRecheck)
	id, err := parseRecord(texts)
	fresh := kept && now.Sub(old.Fetched) < refreshAfter
	if err != nil || fresh && old.ID == id {
		return old.answer(), min(holds, old.remaining(now))
	}
	policy, fault, detail := s.fetch(ctx, domain)
	if fault != NoFault {
		s.cfg.Log.Info("mta-sts: no policy could be fetched", "domain", domain, "id", id, "kept", kept, "reason", detail)
		answer := old.answer()
		answer.Fault, answer.Detail = fault, detail
		return answer, min(minRecheck, old.remaining(now))
	}
	found := keptPolicy{
		Kept:   Kept{Domain: domain, ID: id, Text: strings.Join(policy.Strings(), "\n"), Fetched: now, Expires: now.Add(policy.MaxAge)},
		policy: policy,
	}
	if err := s.cfg.Store.KeepMTASTSPolicy(ctx, found.Kept); err != nil {
		s.cfg.Log.Warn("mta-sts: a policy holds, but is not kept", "domain", domain, "error", err)
	}
	return found.answer(), min(holds, found.remaining(now))
}

// keptPolicy is a policy and what is kept of it; the zero value is none.
type keptPolicy struct {
	Kept
	policy Policy
}

// old is the policy that is kept of a domain.
func (s *Source) old(ctx context.Context, domain string, now time.Time) (keptPolicy, bool) {
	k, ok, err := s.cfg.Store.MTASTSPolicy(ctx, domain, now)
	if err != nil {
		s.cfg.Log.Warn("mta-sts: what is kept of a domain can't be read; it is asked anew", "domain", domain, "error", err)
	}
	if err != nil || !ok {
		return keptPolicy{}, false
	}
	policy, err := Parse([]byte(k.Text))
	if err != nil {
		s.cfg.Log.Warn("mta-sts: what is kept of a domain is no policy; it is asked anew", "domain", domain, "error", err)
		return keptPolicy{}, false
	}
	return keptPolicy{k, policy}, true
}

func (k *keptPolicy) answer() Answer {
	if k.policy.Mode == NoMode {
		return Answer{}
	}
	return Answer{Policy: &k.policy}
}

// remaining is how long a policy still holds; without one there is no end to that.
func (k *keptPolicy) remaining(now time.Time) time.Duration {
	if k.Expires.IsZero() {
		return maxRecheck
	}
	return max(k.Expires.Sub(now), time.Second)
}
