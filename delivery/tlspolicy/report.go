package tlspolicy

import (
	"net/netip"
	"slices"
	"strings"

	"broadside/delivery/mtasts"
	"broadside/delivery/smtp"
	"broadside/delivery/tlsrpt"
)

// results are the types of RFC 8460 §4.3 for what goes wrong in a session.
var results = map[smtp.TLSFault]tlsrpt.ResultType{
	smtp.NoTLSFault:     tlsrpt.Success,
	smtp.TLSNotOffered:  tlsrpt.StartTLSNotSupported,
	smtp.TLSWrongName:   tlsrpt.HostMismatch,
	smtp.TLSExpired:     tlsrpt.CertificateExpired,
	smtp.TLSNotTrusted:  tlsrpt.NotTrusted,
	smtp.TLSNegotiation: tlsrpt.ValidationFailure,
}

// fetchResults are those for what goes wrong with a policy.
var fetchResults = map[mtasts.Fault]tlsrpt.ResultType{
	mtasts.FetchFailed:    tlsrpt.PolicyFetchError,
	mtasts.BadCertificate: tlsrpt.WebPKIInvalid,
	mtasts.BadPolicy:      tlsrpt.PolicyInvalid,
}

// describe writes down what the domain's sessions are reported under. A policy that
// waits for proof is one of DANE, whatever it will turn out to be.
func (p *policy) describe(unproven bool) {
	if p.sts != nil {
		p.reportSTS = &tlsrpt.Policy{Type: tlsrpt.STS, Domain: p.domain, Strings: p.sts.Strings(), MX: p.sts.MX}
	} else if p.fault != mtasts.NoFault {
		p.reportSTS = &tlsrpt.Policy{Type: tlsrpt.STS, Domain: p.domain}
	}
	if len(p.dane) > 0 || unproven {
		p.reportTLSA = &tlsrpt.Policy{Type: tlsrpt.TLSA, Domain: p.domain}
		for _, ex := range p.dane {
			if ex.records != nil {
				p.reportTLSA.Strings = append(p.reportTLSA.Strings, ex.records.Strings()...)
			}
		}
	}
}

// Opened counts a session that was opened for a domain's mail, or, when it is nil,
// why it could not be. Call it after each smtp.Open for the domain, and when an open
// session takes up the mail of another domain. The source is our address, zero when it
// is not known. Whatever is not about TLS counts for nothing.
func (p *Policies) Opened(req Requirement, source netip.Addr, host smtp.Host, session *smtp.Session, r smtp.Result) {
	if req.policy == nil || p.cfg.Reports == nil || session == nil && r.TLS == smtp.NoTLSFault {
		return
	}
	end := tlsrpt.Session{MX: host.Name, SendingIP: source, ReceiverIP: host.Addr.Addr()}
	if session == nil {
		p.failed(req.policy, end, r)
		return
	}
	p.held(req.policy, end, session)
}

// failed counts a session that failed because of its TLS, under the policy that wanted
// what it failed for.
func (p *Policies) failed(policy *policy, end tlsrpt.Session, r smtp.Result) {
	end.Result, end.Reason = results[r.TLS], reason(r.Detail)
	if policy.reportNone != nil {
		p.cfg.Reports.Add(policy.reportNone, end)
	}
	want, ex := policy.of(end.MX)
	if ex != nil && ex.secure && want != trusted {
		p.cfg.Reports.Add(policy.reportTLSA, end)
	}
	if policy.reportSTS != nil && want != matched {
		p.cfg.Reports.Add(policy.reportSTS, end)
	}
}

// reason is what an error says that it also says the next time: sessions that failed
// alike are one line of the report. Times and ports are different each time.
func reason(detail string) string {
	detail, _, _ = strings.Cut(detail, ": current time ")
	if i := strings.LastIndex(detail, ": "); i >= 0 && strings.Contains(detail, "->") {
		detail = detail[i+len(": "):]
	}
	return detail
}

// held counts a session that is open, under each of the policies that speak of its host.
func (p *Policies) held(policy *policy, end tlsrpt.Session, s Session) {
	if policy.reportNone != nil {
		if !s.Encrypted() {
			end.Result = tlsrpt.StartTLSNotSupported
		}
		p.cfg.Reports.Add(policy.reportNone, end)
	}
	if ex := policy.exchanger(end.MX); ex != nil && ex.secure {
		end := end
		switch {
		case ex.records == nil:
			end.Result, end.Reason = tlsrpt.TLSAInvalid, "no TLSA record is usable"
		case !s.VerifiedBy(ex.records):
			end.Result = tlsrpt.NotTrusted
		}
		p.cfg.Reports.Add(policy.reportTLSA, end)
	}
	if policy.reportSTS == nil {
		return
	}
	switch {
	case policy.sts == nil:
		end.Result, end.Reason = fetchResults[policy.fault], reason(policy.detail)
	case !policy.sts.Matches(end.MX):
		end.Result, end.Reason = tlsrpt.ValidationFailure, "the policy does not name the host"
	default:
		fault := s.CertificateFault()
		end.Result, end.Reason = results[fault], fault.String()
	}
	p.cfg.Reports.Add(policy.reportSTS, end)
}

// refused counts a session that there was no host for.
func (p *Policies) refused(policy *policy, problem Problem) {
	if p.cfg.Reports == nil {
		return
	}
	bogus := slices.ContainsFunc(policy.dane, func(ex exchanger) bool { return ex.bogus })
	if problem == Unproven || bogus || !policy.enforces() {
		p.cfg.Reports.Add(policy.reportTLSA, tlsrpt.Session{Result: tlsrpt.DNSSECInvalid, Reason: problem.String()})
		return
	}
	p.cfg.Reports.Add(policy.reportSTS, tlsrpt.Session{Result: tlsrpt.ValidationFailure, Reason: problem.String()})
}
