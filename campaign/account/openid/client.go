package openid

import (
	"errors"
	"net/http"
	"strings"
	"time"
)

const (
	// patience with one request; a sign-in makes three or four.
	patience = 5 * time.Second
	// maxAnswer bounds what is read of an answer: people with thousands of groups fit in.
	maxAnswer = 512 << 10
	maxHeader = 64 << 10
)

// newClient makes a client that follows nowhere, waits for a bounded time and reads a
// bounded answer. The issuer is the operator's choice, so it may be on a private network.
func newClient(transport http.RoundTripper) *http.Client {
	if transport == nil {
		t := http.DefaultTransport.(*http.Transport).Clone()
		t.MaxResponseHeaderBytes = maxHeader
		transport = t
	}
	return &http.Client{
		Transport: bounded{transport}, Timeout: patience,
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return errors.New("the provider redirects, and the client's secret follows nowhere")
		},
	}
}

// bounded fails the reading of an answer that is too large.
type bounded struct{ next http.RoundTripper }

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := b.next.RoundTrip(r)
	if err == nil {
		resp.Body = http.MaxBytesReader(nil, resp.Body, maxAnswer)
	}
	return resp, err
}

// short is an error in a line: some quote the whole answer.
func short(err error) string {
	const most = 300
	text := strings.Join(strings.Fields(strings.ToValidUTF8(err.Error(), "?")), " ")
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "…"
	}
	return text
}
