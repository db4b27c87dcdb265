package main

import (
	"bytes"
	"context"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"broadside/delivery/mx"
	"broadside/delivery/tlspolicy"
	"broadside/delivery/tlsrpt"
	"broadside/store"
)

// countingDNS is a DNS in which no domain has a policy.
type countingDNS struct {
	mx.Resolver
	texts int
}

func (d *countingDNS) LookupTXTTTL(_ context.Context, name string) ([]string, time.Duration, error) {
	if name == "_mta-sts.example.org" {
		d.texts++
	}
	return nil, time.Minute, nil
}

// A smarthost, or sending without TLS, leaves nothing to obey; otherwise the
// configuration decides what is asked.
func TestRecipientPolicies(t *testing.T) {
	nothing := func(c *SMTPConfig) {}
	for name, test := range map[string]struct {
		change  func(*SMTPConfig)
		asks    bool
		refused bool
	}{
		"as it comes":       {nothing, true, false},
		"smarthost":         {func(c *SMTPConfig) { c.Relay, c.DANEResolver = "smtp.example.org:587", "127.0.0.1" }, false, false},
		"without TLS":       {func(c *SMTPConfig) { c.TLS = "none" }, false, false},
		"without MTA-STS":   {func(c *SMTPConfig) { c.MTASTS = false }, false, false},
		"a resolver's name": {func(c *SMTPConfig) { c.DANEResolver = "resolver.example" }, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			dns := &countingDNS{}
			db, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "test.db"), store.Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			e := &engine{cfg: defaultConfig(), store: db, log: (&app{err: new(bytes.Buffer)}).logger(), net: network{resolver: dns}}
			test.change(&e.cfg.SMTP)
			policies, recorder, err := e.recipientPolicies()
			if refused := err != nil; refused != test.refused || (e.cfg.check() != nil) != test.refused {
				t.Fatalf("error %v", err)
			}
			if test.refused {
				return
			}
			if recorder == nil {
				t.Error("no recorder")
			}
			if req, problem := policies.Requirement(t.Context(), "example.org", nil); problem != tlspolicy.None || req.Demands() {
				t.Errorf("%v, %v", req, problem)
			}
			if asked := dns.texts > 0; asked != test.asks {
				t.Errorf("DNS was asked %d times", dns.texts)
			}
		})
	}
}

// T7: the report as a person and as the domain's program read it.
func TestTLSReportCommand(t *testing.T) {
	data := t.TempDir()
	db, err := store.Open(t.Context(), filepath.Join(data, "broadside.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	sts := tlsrpt.Policy{Type: tlsrpt.STS, Domain: "example.org", Strings: []string{"version: STSv1"}}
	if err := db.AddTLSResults(t.Context(), []tlsrpt.Count{
		{Day: 20577, Policy: sts, Sessions: 1234},
		{Day: 20577, Policy: sts, Session: tlsrpt.Session{Result: tlsrpt.CertificateExpired, MX: "a.example.org"}, Sessions: 2},
		{Day: 20577, Policy: sts, Session: tlsrpt.Session{Result: tlsrpt.CertificateExpired, MX: "b.example.org"}, Sessions: 3},
	}); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	call := func(want int, args ...string) string {
		t.Helper()
		var out, errs bytes.Buffer
		if got := run(append([]string{"tls-report", "--data", data}, args...), nil, &out, &errs); got != want {
			t.Fatalf("%q: status %d: %s", args, got, errs.String())
		}
		return out.String() + errs.String()
	}
	if text := call(0, "--day", "2026-05-04"); !strings.Contains(text, "1,234       5  5 certificate-expired") {
		t.Errorf("%s", text)
	}
	var report tlsrpt.Report
	if err := json.Unmarshal([]byte(call(0, "--day", "2026-05-04", "--domain", "Example.org")), &report); err != nil || len(report.Policies) != 1 || len(report.Policies[0].Failures) != 2 {
		t.Errorf("%+v, %v", report, err)
	}
	if text := call(0, "--json", "--day", "2026-05-04"); !strings.Contains(text, `"reports": [`) {
		t.Errorf("%s", text)
	}
	if text := call(0, "--day", "2026-05-05"); !strings.Contains(text, "no session") {
		t.Errorf("%s", text)
	}
	if text := call(1, "--day", "2026-05-05", "--domain", "example.org"); !strings.Contains(text, "no session was held under a TLS policy of example.org") {
		t.Errorf("%s", text)
	}
	call(2, "--day", "yesterday")
}
