package tlspolicy

import (
	"testing"

	"broadside/delivery/dane"
	"broadside/delivery/mtasts"
	"broadside/delivery/smtp"
	"broadside/delivery/tlsrpt"
)

// facts is a session by what is known of it.
type facts struct {
	host     string
	fault    smtp.TLSFault // TLSNotOffered: in clear text
	verifier smtp.Verifier // that takes its certificates
}

func (f facts) Host() smtp.Host                 { return smtp.Host{Name: f.host} }
func (f facts) Encrypted() bool                 { return f.fault != smtp.TLSNotOffered }
func (f facts) CertificateFault() smtp.TLSFault { return f.fault }
func (f facts) VerifiedBy(v smtp.Verifier) bool { return f.verifier == v }

// T7: sessions that failed alike are told alike.
func TestReason(t *testing.T) {
	for detail, want := range map[string]string{
		"x509: certificate has expired or is not yet valid: current time 2026-11-23T01:02:03Z is after 2026-01-01T00:00:00Z": "x509: certificate has expired or is not yet valid",
		"read tcp 192.0.2.7:43210->192.0.2.1:25: i/o timeout":                                                                "i/o timeout",
		"remote error: tls: handshake failure":                                                                               "remote error: tls: handshake failure",
		"":                                                                                                                   "",
	} {
		if got := reason(detail); got != want {
			t.Errorf("%q became %q", detail, got)
		}
	}
}

// T7: a session is counted under the policies that speak of its host.
func TestHeld(t *testing.T) {
	records := new(dane.Records)
	both := &policy{domain: "example.org", sts: &mtasts.Policy{Mode: mtasts.Enforce, MX: []string{"*.example.net"}}, dane: []exchanger{
		{name: "tlsa.example.net", secure: true, records: records},
		{name: "unusable.example.net", secure: true},
		{name: "none.example.net"},
	}}
	both.describe(false)
	for session, want := range map[facts]string{
		{"tlsa.example.net", smtp.NoTLSFault, records}: "tlsa example.org, sts example.org",
		{"tlsa.example.net", smtp.TLSExpired, records}: "tlsa example.org, sts example.org certificate-expired",
		{host: "tlsa.example.net"}:                     "tlsa example.org certificate-not-trusted, sts example.org",
		{host: "unusable.example.net"}:                 "tlsa example.org tlsa-invalid, sts example.org",
		{host: "none.example.net"}:                     "sts example.org",
	} {
		p, counts := newPolicies(Config{})
		p.held(both, tlsrpt.Session{MX: session.host}, session)
		if got := counts.take(); got != want {
			t.Errorf("%+v: %q, want %q", session, got, want)
		}
	}
}

// T5, T6: which sessions may carry a domain's mail, and how they are opened.
func TestRequirement(t *testing.T) {
	records := new(dane.Records)
	enforce := &mtasts.Policy{Mode: mtasts.Enforce, MX: []string{"mx.example.net", "*.example.org"}}
	trial := &mtasts.Policy{Mode: mtasts.Testing, MX: []string{"mx.example.net"}}
	withTLSA := []exchanger{{name: "mx.example.net", secure: true, base: "mx.example.net", records: records}}
	clear, trustedBy, untrusted := smtp.TLSNotOffered, smtp.NoTLSFault, smtp.TLSNotTrusted
	tests := []struct {
		name     string
		policy   *policy
		session  facts
		want     bool
		wantOpen smtp.TLSPolicy // of a session with the same host
		forbids  bool
	}{
		{"no policy, clear text", nil, facts{fault: clear}, true, smtp.Opportunistic, false},
		{"testing, clear text", &policy{sts: trial}, facts{host: "mx.example.net", fault: clear}, true, smtp.Opportunistic, false},
		{"testing, another host", &policy{sts: trial}, facts{host: "mx.example.com"}, true, smtp.Opportunistic, false},
		{"enforce, clear text", &policy{sts: enforce}, facts{host: "mx.example.net", fault: clear}, false, smtp.Require, false},
		{"enforce, not trusted", &policy{sts: enforce}, facts{host: "mx.example.net", fault: untrusted}, false, smtp.Require, false},
		{"enforce, trusted", &policy{sts: enforce}, facts{host: "mx.example.net", fault: trustedBy}, true, smtp.Require, false},
		{"enforce, wildcard", &policy{sts: enforce}, facts{host: "a.example.org", fault: trustedBy}, true, smtp.Require, false},
		{"enforce, wildcard and two labels", &policy{sts: enforce}, facts{host: "a.b.example.org"}, false, smtp.Require, true},
		{"enforce, another host", &policy{sts: enforce}, facts{host: "mx.example.com"}, false, smtp.Require, true},
		{"DANE, matched, though nobody else trusts it", &policy{dane: withTLSA}, facts{"mx.example.net", untrusted, records}, true, smtp.Require, false},
		{"DANE, not matched, though trusted", &policy{dane: withTLSA}, facts{host: "mx.example.net"}, false, smtp.Require, false},
		{"DANE, not matched, MTA-STS fits: no override", &policy{dane: withTLSA, sts: enforce}, facts{host: "mx.example.net"}, false, smtp.Require, false},
		{"DANE, matched, MTA-STS would not", &policy{dane: withTLSA, sts: enforce}, facts{"mx.example.net", untrusted, records}, true, smtp.Require, false},
		{"DANE, a host that DNS does not vouch for", &policy{dane: withTLSA}, facts{host: "mx.evil.example"}, false, smtp.Require, true},
		{"DANE, bogus", &policy{dane: []exchanger{{name: "mx.example.net", bogus: true}}}, facts{host: "mx.example.net"}, false, smtp.Require, true},
		{"DANE, bogus, MTA-STS fits: no override", &policy{dane: []exchanger{{name: "mx.example.net", bogus: true}}, sts: enforce}, facts{host: "mx.example.net"}, false, smtp.Require, true},
		{"DANE, all unusable, encrypted", &policy{dane: []exchanger{{name: "mx.example.net", secure: true}}}, facts{host: "mx.example.net", fault: untrusted}, true, smtp.Require, false},
		{"DANE, all unusable, clear text", &policy{dane: []exchanger{{name: "mx.example.net", secure: true}}}, facts{host: "mx.example.net", fault: clear}, false, smtp.Require, false},
		{"DANE, all unusable, MTA-STS has its say", &policy{dane: []exchanger{{name: "mx.example.net", secure: true}}, sts: enforce}, facts{host: "mx.example.net", fault: untrusted}, false, smtp.Require, false},
		{"DANE, none for this host of two", &policy{dane: append(withTLSA, exchanger{name: "mx2.example.net"})}, facts{host: "mx2.example.net", fault: clear}, true, smtp.Opportunistic, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := Requirement{test.policy}
			if got := r.Satisfied(test.session); got != test.want {
				t.Errorf("satisfied %v", got)
			}
			cfg, ok := r.Configure(smtp.Config{TLS: smtp.Opportunistic}, test.session.host)
			if cfg.TLS != test.wantOpen || ok == test.forbids {
				t.Errorf("opened with policy %d, %v", cfg.TLS, ok)
			}
			if v := cfg.Verifier; v != nil && (v != smtp.Verifier(records) || cfg.ServerName != "mx.example.net") {
				t.Errorf("verified by %v, asked for %q", v, cfg.ServerName)
			}
		})
	}
}
