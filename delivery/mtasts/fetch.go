package mtasts

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"time"
)

// maxSize is the largest policy file (RFC 8461 §3.2 has none near it; §10.4 wants a
// bound).
const maxSize = 64 << 10

// newClient makes the client that fetches policies: through the guarded dialer, one
// request to a host, nothing followed, nothing cached, no proxy.
func (s *Source) newClient() *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			DialContext:            s.dial,
			TLSClientConfig:        &tls.Config{RootCAs: s.cfg.RootCAs, MinVersion: tls.VersionTLS12, Time: s.cfg.Now},
			TLSHandshakeTimeout:    10 * time.Second,
			DisableKeepAlives:      true,
			DisableCompression:     true,
			MaxResponseHeaderBytes: 16 << 10,
		},
		// RFC 8461 §3.3: a redirect is a failure.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// fetch gets a domain's policy (RFC 8461 §3.3).
func (s *Source) fetch(ctx context.Context, domain string) (Policy, Fault, string) {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	text, err := s.get(ctx, "https://mta-sts."+domain+"/.well-known/mta-sts.txt")
	if err != nil {
		if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
			return Policy{}, BadCertificate, err.Error()
		}
		return Policy{}, FetchFailed, err.Error()
	}
	policy, err := Parse(text)
	if err != nil {
		return Policy{}, BadPolicy, err.Error()
	}
	return policy, NoFault, ""
}

func (s *Source) get(ctx context.Context, url string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("GET %s: status %d, want 200", url, resp.StatusCode)
	}
	if kind, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type")); err != nil || kind != "text/plain" {
		return nil, fmt.Errorf("GET %s: media type %q, want text/plain", url, resp.Header.Get("Content-Type"))
	}
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxSize+1))
	if err == nil {
		err = ctx.Err() // our hanging up can look like a clean end of the file
	}
	if err != nil {
		return nil, fmt.Errorf("GET %s: %w", url, err)
	}
	if len(text) > maxSize {
		return nil, fmt.Errorf("GET %s: more than %d bytes", url, maxSize)
	}
	return text, nil
}

// dial connects to one of a host's addresses. They are looked at after they were
// resolved, so no later look-up gets around the guard.
func (s *Source) dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	addrs, err := s.cfg.Resolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return nil, err
	}
	err = fmt.Errorf("%s has no address", host)
	for _, addr := range addrs {
		if s.cfg.AllowAddr != nil && !s.cfg.AllowAddr(addr) {
			err = fmt.Errorf("%s is at %s, which must not be connected to", host, addr)
			continue
		}
		var conn net.Conn
		if conn, err = s.cfg.Dial(ctx, network, netip.AddrPortFrom(addr, 443).String()); err == nil {
			return conn, nil
		}
	}
	return nil, err
}
