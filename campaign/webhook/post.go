package webhook

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unicode"
)

const (
	// answerKept bytes of an answer are shown to people, answerRead are read, so that the
	// connection can be used again.
	answerKept = 500
	answerRead = 64 << 10
)

// newClient makes the client that endpoints are told with: addresses are looked at when
// they are connected to, so that no name leads into our own network (X6), whatever it
// led to before; nothing is followed, and no proxy is asked.
func newClient(allow func(netip.Addr) bool, limit time.Duration) *http.Client {
	dialer := &net.Dialer{
		Timeout: 5 * time.Second,
		ControlContext: func(_ context.Context, _, address string, _ syscall.RawConn) error {
			to, err := netip.ParseAddrPort(address)
			if err != nil {
				return err
			}
			if !allow(to.Addr()) {
				return fmt.Errorf("%s is not a public address, and must not be connected to", to.Addr())
			}
			return nil
		},
	}
	return &http.Client{
		Timeout: limit,
		Transport: &http.Transport{
			DialContext:            dialer.DialContext,
			TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
			TLSHandshakeTimeout:    5 * time.Second,
			MaxResponseHeaderBytes: 16 << 10,
			MaxIdleConnsPerHost:    lines,
			IdleConnTimeout:        time.Minute,
			DisableCompression:     true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// answer is what came of a request.
type answer struct {
	status     int
	text       string // its beginning, as one line
	failure    string // "" when it is a good answer
	retryAfter time.Duration
}

func (a answer) ok() bool   { return a.failure == "" }
func (a answer) gone() bool { return a.status == http.StatusGone }

// post sends an event. Whatever is not a 2xx answer in time is a failure.
func (d *Dispatcher) post(ctx context.Context, e *Endpoint, id string, body []byte) answer {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, e.URL, bytes.NewReader(body))
	if err != nil {
		return answer{failure: plain(err.Error())}
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "Broadside-Webhook/1")
	e.sign(req.Header, id, body, time.Now())
	resp, err := d.client.Do(req)
	if err != nil {
		return answer{failure: plain(strings.TrimPrefix(err.Error(), fmt.Sprintf("Post %q: ", e.URL)))}
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, answerRead))
	a := answer{status: resp.StatusCode, text: plain(string(text))}
	switch {
	case resp.StatusCode >= 200 && resp.StatusCode < 300:
		if err != nil && ctx.Err() == nil && len(text) == 0 && resp.ContentLength > 0 {
			a.failure = "the answer broke off: " + plain(err.Error())
		}
	case resp.StatusCode >= 300 && resp.StatusCode < 400:
		a.failure = fmt.Sprintf("answered %s, and redirects are not followed: change the address", resp.Status)
	default:
		a.failure = "answered " + plain(resp.Status)
		a.retryAfter = retryAfter(resp.Header)
	}
	return a
}

// retryAfter is the delay that an endpoint asks for, in seconds (RFC 9110 §10.2.3).
func retryAfter(h http.Header) time.Duration {
	seconds, err := strconv.ParseUint(h.Get("Retry-After"), 10, 31)
	if err != nil {
		return 0
	}
	return time.Duration(seconds) * time.Second
}

// plain is foreign text as one line for logs and pages (X3).
func plain(text string) string {
	text = strings.ToValidUTF8(text[:min(len(text), answerKept)], "")
	text = strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return ' '
		}
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, text)
	return strings.TrimSpace(text)
}
