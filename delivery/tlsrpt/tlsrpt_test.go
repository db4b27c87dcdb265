package tlsrpt

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// memory is a Store that may be away.
type memory struct {
	mu     sync.Mutex
	counts []Count
	forgot []int
	away   bool
}

func (m *memory) AddTLSResults(_ context.Context, counts []Count) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.away {
		return errors.New("away")
	}
	m.counts = append(m.counts, counts...)
	return nil
}

func (m *memory) ForgetTLSResults(_ context.Context, before int) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.forgot = append(m.forgot, before)
	return nil
}

func (m *memory) setAway(away bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.away = away
}

// lines are the counts in words, in order.
func (m *memory) lines() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var lines []string
	for _, c := range m.counts {
		lines = append(lines, strings.TrimSpace(fmt.Sprintf("%d %s %d %s", c.Day, c.Policy.Domain, c.Sessions, c.Session.Result)))
	}
	slices.Sort(lines)
	return lines
}

// T7: what is counted is in the store within seconds, by day, whole also when the
// store was away, and with the last seconds of a sender that stops.
func TestRecorder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // begins at midnight UTC, 2000-01-01, day 10957
		store := &memory{}
		r := NewRecorder(store, nil, slog.New(slog.DiscardHandler))
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { r.Run(ctx); close(done) }()
		sts := &Policy{Type: STS, Domain: "example.org"}
		expired := Session{Result: CertificateExpired, MX: "mx.example.org"}
		want := func(lines ...string) {
			t.Helper()
			if got := store.lines(); !slices.Equal(got, lines) {
				t.Errorf("%q, want %q", got, lines)
			}
		}

		for range 3 {
			r.Add(sts, Session{MX: "a.example.org", ReceiverIP: netip.MustParseAddr("192.0.2.1")})
			r.Add(sts, Session{MX: "b.example.org"}) // successes are alike
		}
		r.Add(sts, expired)
		time.Sleep(flushEvery + time.Second)
		want("10957 example.org 1 certificate-expired", "10957 example.org 6")
		if !slices.Equal(store.forgot, []int{10957 - KeepDays}) {
			t.Errorf("forgotten: %v", store.forgot)
		}

		store.setAway(true)
		r.Add(sts, expired)
		time.Sleep(24 * time.Hour)
		r.Add(sts, expired)
		store.setAway(false)
		time.Sleep(flushEvery)
		want("10957 example.org 1 certificate-expired", "10957 example.org 1 certificate-expired", "10957 example.org 6", "10958 example.org 1 certificate-expired")

		r.Add(sts, Session{})
		stop()
		<-done
		want("10957 example.org 1 certificate-expired", "10957 example.org 1 certificate-expired", "10957 example.org 6", "10958 example.org 1", "10958 example.org 1 certificate-expired")
	})
}

// What is held for a store that stays away is bounded; what is alike still counts.
func TestRecorderIsBounded(t *testing.T) {
	r := NewRecorder(&memory{away: true}, nil, slog.New(slog.DiscardHandler))
	for i := range maxHeld + 10 {
		r.Add(&Policy{Type: STS, Domain: "example.org"}, Session{Result: NotTrusted, Reason: fmt.Sprint(i)})
	}
	if len(r.counts) != maxHeld || r.lost != 10 {
		t.Errorf("%d held, %d lost", len(r.counts), r.lost)
	}
}

// A reason comes from a stranger's server: every database must take it.
func TestReason(t *testing.T) {
	for in, want := range map[string]string{
		"plain": "plain", "a\x00b": "ab", "bad \xff byte": "bad  byte", strings.Repeat("ü", 150): strings.Repeat("ü", 100),
		strings.Repeat("a", 199) + "ü": strings.Repeat("a", 199),
	} {
		if got := short(in); got != want {
			t.Errorf("%q became %q", in, got)
		}
	}
}

func sample() []Count {
	sts := Policy{Type: STS, Domain: "company-y.example", Strings: []string{"version: STSv1", "mode: testing", "mx: *.mail.company-y.example", "max_age: 86400"}, MX: []string{"*.mail.company-y.example"}}
	tlsa := Policy{Type: TLSA, Domain: "company-y.example", Strings: []string{"3 1 1 1f850a337e6db9c609c522d136a475638cc43e1ed424f8eec8513d747d1d085d"}}
	other := Policy{Type: STS, Domain: "another.example"}
	mx := Session{MX: "mx1.mail.company-y.example", SendingIP: netip.MustParseAddr("2001:db8:abcd:12::1"), ReceiverIP: netip.MustParseAddr("2001:db8:abcd:13::1")}
	expired, stripped := mx, mx
	expired.Result, expired.Reason = CertificateExpired, "x509: certificate has expired"
	stripped.Result = StartTLSNotSupported
	return []Count{
		{16526, tlsa, Session{}, 7},
		{16526, sts, Session{}, 5326},
		{16526, sts, stripped, 200},
		{16526, sts, expired, 100},
		{16526, other, Session{Result: PolicyFetchError, Reason: "status 404"}, 1},
	}
}

var reporter = Reporter{Organization: "Company-X", Contact: "postmaster@company-x.example", Host: "out.company-x.example"}

// T7: the report as the domain reads it, against a golden file.
func TestReportGolden(t *testing.T) {
	reports := reporter.Reports(16526, sample())
	if len(reports) != 2 {
		t.Fatalf("%d reports", len(reports))
	}
	got, err := json.MarshalIndent(reports[1], "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	const file = "testdata/report.json"
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(file, append(got, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(bytes.TrimSpace(want), got) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// T7: every report has the structure of RFC 8460 §4.4, whatever the order in which its
// counts come.
func TestReportStructure(t *testing.T) {
	counts := sample()
	first, err := json.Marshal(reporter.Reports(16526, counts))
	if err != nil {
		t.Fatal(err)
	}
	slices.Reverse(counts)
	second, err := json.Marshal(reporter.Reports(16526, counts))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first, second) {
		t.Error("the order of counts shows")
	}
	var reports []map[string]any
	if err := json.Unmarshal(first, &reports); err != nil {
		t.Fatal(err)
	}
	for _, r := range reports {
		for _, flaw := range flaws(r) {
			t.Error(flaw)
		}
	}
}

// member says of a member of an object what it is and whether it must be there.
type member struct {
	must  bool
	check func(v any) bool
}

func text(v any) bool   { s, ok := v.(string); return ok && s != "" }
func number(v any) bool { n, ok := v.(float64); return ok && n >= 0 && n == float64(int64(n)) }
func moment(v any) bool {
	s, _ := v.(string)
	_, err := time.Parse(time.RFC3339, s)
	return err == nil && strings.HasSuffix(s, "Z")
}

func address(v any) bool {
	s, _ := v.(string)
	_, err := netip.ParseAddr(s)
	return err == nil
}

func texts(v any) bool {
	list, ok := v.([]any)
	return ok && !slices.ContainsFunc(list, func(v any) bool { return !text(v) })
}

func oneOf(words ...string) func(any) bool {
	return func(v any) bool { s, ok := v.(string); return ok && slices.Contains(words, s) }
}

func object(members map[string]member) func(any) bool {
	return func(v any) bool {
		o, ok := v.(map[string]any)
		if !ok {
			return false
		}
		for name, value := range o {
			if m, known := members[name]; !known || !m.check(value) {
				return false
			}
		}
		for name, m := range members {
			if _, there := o[name]; m.must && !there {
				return false
			}
		}
		return true
	}
}

func listOf(check func(any) bool) func(any) bool {
	return func(v any) bool {
		list, ok := v.([]any)
		return ok && len(list) > 0 && !slices.ContainsFunc(list, func(v any) bool { return !check(v) })
	}
}

// structure is RFC 8460 §4.4 and the registry of §6.6.
var structure = map[string]member{
	"organization-name": {true, text},
	"date-range":        {true, object(map[string]member{"start-datetime": {true, moment}, "end-datetime": {true, moment}})},
	"contact-info":      {true, text},
	"report-id":         {true, text},
	"policies": {true, listOf(object(map[string]member{
		"policy": {true, object(map[string]member{
			"policy-type": {true, oneOf("tlsa", "sts", "no-policy-found")}, "policy-string": {false, texts},
			"policy-domain": {true, text}, "mx-host": {false, texts},
		})},
		"summary": {true, object(map[string]member{"total-successful-session-count": {true, number}, "total-failure-session-count": {true, number}})},
		"failure-details": {false, listOf(object(map[string]member{
			"result-type": {true, oneOf("starttls-not-supported", "certificate-host-mismatch", "certificate-expired", "certificate-not-trusted",
				"validation-failure", "tlsa-invalid", "dnssec-invalid", "dane-required", "sts-policy-fetch-error", "sts-policy-invalid", "sts-webpki-invalid")},
			"sending-mta-ip": {false, address}, "receiving-mx-hostname": {false, text}, "receiving-mx-helo": {false, text},
			"receiving-ip": {false, address}, "failed-session-count": {true, number},
			"additional-information": {false, text}, "failure-reason-code": {false, text},
		}))},
	}))},
}

func flaws(report map[string]any) (found []string) {
	for name, m := range structure {
		if v, there := report[name]; !there && m.must || there && !m.check(v) {
			found = append(found, fmt.Sprintf("%s is %v", name, v))
		}
	}
	for name := range report {
		if _, known := structure[name]; !known {
			found = append(found, name+" is unknown")
		}
	}
	return found
}
