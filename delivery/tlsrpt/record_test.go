package tlsrpt

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

// T7: who wants reports (RFC 8460 §3).
func TestDestinations(t *testing.T) {
	for _, test := range []struct {
		texts []string
		want  []string
	}{
		{[]string{"v=TLSRPTv1;rua=mailto:reports@example.com"}, []string{"mailto:reports@example.com"}},
		{[]string{"v=TLSRPTv1; rua=https://example.com/v1/tlsrpt , mailto:a@example.com;"}, []string{"https://example.com/v1/tlsrpt", "mailto:a@example.com"}},
		{[]string{"v=spf1 -all", "v=TLSRPTv1; rua=mailto:a@example.com"}, []string{"mailto:a@example.com"}},
		{[]string{"v=TLSRPTv1; rua=mailto:a@example.com", "v=TLSRPTv1; rua=mailto:b@example.com"}, nil},
		{[]string{"v=TLSRPTv1; rua=ftp://example.com"}, nil},
		{[]string{"v=TLSRPTv1"}, nil},
		{[]string{"rua=mailto:a@example.com; v=TLSRPTv1"}, nil},
		{nil, nil},
	} {
		if got := destinations(test.texts); !slices.Equal(got, test.want) {
			t.Errorf("%q: %q, want %q", test.texts, got, test.want)
		}
	}
}

// oneRecord is a DNS with one answer.
type oneRecord struct {
	text string
	ttl  time.Duration
	err  error
}

func (o oneRecord) LookupTXTTTL(_ context.Context, name string) ([]string, time.Duration, error) {
	if name != "_smtp._tls.example.org" {
		return nil, 0, errors.New("asked for " + name)
	}
	return []string{o.text}, o.ttl, o.err
}

func TestWanted(t *testing.T) {
	record := "v=TLSRPTv1; rua=mailto:a@example.org"
	for _, test := range []struct {
		dns   oneRecord
		want  bool
		holds time.Duration
	}{
		{oneRecord{record, 10 * time.Minute, nil}, true, 10 * time.Minute},
		{oneRecord{record, time.Second, nil}, true, minTTL},
		{oneRecord{"v=spf1 -all", 24 * time.Hour, nil}, false, maxTTL},
		{oneRecord{record, 0, errors.New("timeout")}, false, minTTL},
	} {
		if got, holds := NewSource(test.dns).Wanted(t.Context(), "example.org"); got != test.want || holds != test.holds {
			t.Errorf("%+v: %v for %v", test.dns, got, holds)
		}
	}
}

func FuzzDestinations(f *testing.F) {
	f.Add("v=TLSRPTv1; rua=mailto:reports@example.com,https://example.com/x")
	f.Add("v=TLSRPTv1;rua=,;=;rua")
	f.Fuzz(func(t *testing.T, text string) {
		for _, uri := range destinations([]string{text}) {
			if strings.ContainsAny(uri, ",;") || !strings.Contains(text, uri) {
				t.Fatalf("%q of %q", uri, text)
			}
		}
	})
}
