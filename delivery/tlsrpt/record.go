package tlsrpt

import (
	"context"
	"strings"
	"time"
)

// The bounds of how long it is believed whether a domain wants reports.
const minTTL, maxTTL = 5 * time.Minute, time.Hour

// Resolver asks DNS; mx.DNS is one.
type Resolver interface {
	LookupTXTTTL(ctx context.Context, name string) ([]string, time.Duration, error)
}

// Source finds out who wants reports. It is safe for concurrent use.
type Source struct{ resolver Resolver }

// NewSource returns a Source that asks a resolver.
func NewSource(r Resolver) *Source { return &Source{r} }

// Wanted reports whether a domain publishes where reports of it may be sent, and how
// long that may be believed (RFC 8460 §3). When DNS can't tell, it is not.
func (s *Source) Wanted(ctx context.Context, domain string) (bool, time.Duration) {
	texts, ttl, err := s.resolver.LookupTXTTTL(ctx, "_smtp._tls."+domain)
	return err == nil && len(destinations(texts)) > 0, min(max(ttl, minTTL), maxTTL)
}

// destinations are the URIs that reports may be sent to, of the TXT records of
// _smtp._tls.domain: there is exactly one that begins with the version, or none counts.
func destinations(texts []string) []string {
	var own []string
	for _, t := range texts {
		if version, _, _ := strings.Cut(t, ";"); strings.TrimRight(version, " \t") == "v=TLSRPTv1" {
			own = append(own, t)
		}
	}
	if len(own) != 1 {
		return nil
	}
	var uris []string
	for field := range strings.SplitSeq(own[0], ";") {
		key, value, ok := strings.Cut(strings.Trim(field, " \t"), "=")
		if !ok || strings.TrimRight(key, " \t") != "rua" {
			continue
		}
		for uri := range strings.SplitSeq(value, ",") {
			if uri = strings.Trim(uri, " \t"); strings.HasPrefix(uri, "mailto:") || strings.HasPrefix(uri, "https:") {
				uris = append(uris, uri)
			}
		}
	}
	return uris
}
