package tlspolicy

import (
	"slices"

	"broadside/delivery/dane"
	"broadside/delivery/mtasts"
	"broadside/delivery/smtp"
	"broadside/delivery/tlsrpt"
)

// Requirement is what a domain demands of a session. The zero value demands nothing.
// Equal ones demand the same. It is small, never changes, and holds for the messages
// that are sent now: ask Policies again for later ones.
type Requirement struct{ policy *policy }

// policy is what is known of a domain that has one, or wants reports.
type policy struct {
	domain string
	sts    *mtasts.Policy
	fault  mtasts.Fault // why there is no newer sts, or none
	detail string
	dane   []exchanger // empty: DANE says nothing about the domain

	// What sessions are reported under; nil for no such policy.
	reportSTS, reportTLSA, reportNone *tlsrpt.Policy
}

// exchanger is one of the hosts that DNS vouches for.
type exchanger struct {
	name    string
	secure  bool          // it has TLSA records
	base    string        // the name they belong to
	records *dane.Records // nil: none of them usable
	bogus   bool          // nobody can tell what they are
}

// demand is what a policy wants of one host.
type demand uint8

const (
	nothing   demand = iota
	encrypted        // with whatever certificate (RFC 7672 §2.2)
	trusted          // a certificate that is valid for the host's name (RFC 8461 §4.2)
	matched          // a certificate that a TLSA record matches
	forbidden        // no mail goes to this host
)

// Session is what a Requirement looks at; *smtp.Session is one.
type Session interface {
	Host() smtp.Host
	Encrypted() bool
	CertificateFault() smtp.TLSFault
	VerifiedBy(smtp.Verifier) bool
}

// Satisfied reports whether a session may carry the domain's mail. For an answer that
// it gave before about the same session it needs some 100 ns.
func (r Requirement) Satisfied(s Session) bool {
	if r.policy == nil {
		return true
	}
	want, ex := r.policy.of(s.Host().Name)
	switch want {
	case nothing:
		return true
	case encrypted:
		return s.Encrypted()
	case trusted:
		return s.CertificateFault() == smtp.NoTLSFault
	case matched:
		return s.VerifiedBy(ex.records)
	}
	return false
}

// Configure returns how to open a session with a host so that it satisfies the
// requirement: cfg with what is stricter. It is false if the host must not have the
// domain's mail at all.
func (r Requirement) Configure(cfg smtp.Config, host string) (smtp.Config, bool) {
	if r.policy == nil {
		return cfg, true
	}
	want, ex := r.policy.of(host)
	if want == nothing {
		return cfg, true
	}
	if cfg.TLS != smtp.Implicit {
		cfg.TLS = smtp.Require
	}
	switch want {
	case trusted:
		cfg.VerifyTLS = true
	case matched:
		cfg.Verifier, cfg.ServerName = ex.records, ex.base
	}
	return cfg, want != forbidden
}

// Demands reports whether there is anything at all that a session must fulfil: if not,
// every session satisfies it.
func (r Requirement) Demands() bool {
	return r.policy != nil && (len(r.policy.dane) > 0 || r.policy.enforces())
}

// String names the policy, for a log.
func (r Requirement) String() string {
	switch p := r.policy; {
	case p == nil:
		return "none"
	case len(p.dane) > 0:
		return "dane"
	case p.sts != nil:
		return "mta-sts " + p.sts.Mode.String()
	default:
		return "none"
	}
}

func (p *policy) enforces() bool { return p.sts != nil && p.sts.Mode == mtasts.Enforce }

// of is what the domain wants of a host, and the host as DANE knows it. DANE comes first: MTA-STS must not override a
// failure of it (RFC 8461 §2), and where DANE says nothing, or not who is to be
// trusted, MTA-STS has its say.
func (p *policy) of(host string) (demand, *exchanger) {
	ex := p.exchanger(host)
	switch {
	case ex == nil && len(p.dane) > 0: // not a host that DNS vouches for
		return forbidden, nil
	case ex != nil && ex.bogus:
		return forbidden, ex
	case ex != nil && ex.records != nil:
		return matched, ex
	case p.enforces() && p.sts.Matches(host):
		return trusted, ex
	case p.enforces():
		return forbidden, ex
	case ex != nil && ex.secure:
		return encrypted, ex
	}
	return nothing, ex
}

// exchanger is a host as DANE knows it, nil if it doesn't.
func (p *policy) exchanger(host string) *exchanger {
	i := slices.IndexFunc(p.dane, func(ex exchanger) bool { return ex.name == host })
	if i < 0 {
		return nil
	}
	return &p.dane[i]
}
