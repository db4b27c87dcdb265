package smtp

import (
	"context"
	"crypto/tls"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"broadside/delivery/smtptest"
)

// counted is a connection that knows how much was read from it.
type counted struct {
	net.Conn
	read *atomic.Int64
}

func (c counted) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.read.Add(int64(n))
	return n, err
}

// S3, X4, T2: whatever a server does, there is an outcome that names it, in a time and
// with a memory that have a bound.
func TestHostileServers(t *testing.T) {
	wrong, _ := newCertificate(t, "mx.evil.example")
	at := func(stage smtptest.Stage, raw string) smtptest.Reply {
		return smtptest.Reply{Stage: stage, Raw: raw}
	}
	endless := func(stage smtptest.Stage, raw string) smtptest.Reply {
		return smtptest.Reply{Stage: stage, Raw: raw, Endless: true}
	}
	drip := func(stage smtptest.Stage) smtptest.Reply {
		return smtptest.Reply{Stage: stage, Raw: "250-slow but sure\r\n", Endless: true, Drip: 20 * time.Second}
	}
	const doubt = " (the message may have been accepted)"
	tests := []struct {
		name   string
		reply  smtptest.Reply
		server smtptest.Behaviour
		tls    TLSPolicy
		want   string
		takes  time.Duration
	}{
		{name: "endless greeting", reply: endless(smtptest.AtConnect, "220-welcome\r\n"),
			want: "greeting: protocol error: a reply of more than 100 lines"},
		{name: "endless line", reply: endless(smtptest.AtConnect, "220 welcome "),
			want: "greeting: protocol error: a reply line of more than 4096 bytes"},
		{name: "endless EHLO", reply: endless(smtptest.AtEHLO, "250-SIZE\r\n"),
			want: "EHLO: protocol error: a reply of more than 100 lines"},
		{name: "endless reply to MAIL", reply: endless(smtptest.AtMail, "250-fine\r\n"),
			want: "MAIL: protocol error: a reply of more than 100 lines" + doubt},
		{name: "endless reply to the message", reply: endless(smtptest.AtBody, "250-fine\r\n"),
			want: "body: protocol error: a reply of more than 100 lines" + doubt},
		{name: "endless replies to one command", reply: endless(smtptest.AtEHLO, "250 fine\r\n"),
			want: "protocol error: a reply "},
		{name: "a huge line", reply: at(smtptest.AtConnect, "220 "+strings.Repeat("x", 1<<20)+"\r\n"),
			want: "greeting: protocol error: a reply line of more than 4096 bytes"},
		{name: "a huge reply", reply: at(smtptest.AtEHLO, strings.Repeat("250-"+strings.Repeat("x", 1000)+"\r\n", 50)+"250 y\r\n"),
			want: "EHLO: protocol error: a reply of more than 16384 bytes"},
		{name: "slow greeting", reply: drip(smtptest.AtConnect), want: "greeting: timed out", takes: 5 * time.Minute},
		{name: "slow EHLO", reply: drip(smtptest.AtEHLO), want: "EHLO: timed out", takes: 5 * time.Minute},
		{name: "slow MAIL", reply: drip(smtptest.AtMail), want: "MAIL: timed out", takes: 5 * time.Minute},
		{name: "slow reply to the message", reply: drip(smtptest.AtBody), want: "body: timed out", takes: 10 * time.Minute},
		{name: "mismatched codes", reply: at(smtptest.AtEHLO, "250-hello\r\n550 no\r\n"),
			want: "EHLO: protocol error: codes 250 and 550 in one reply"},
		{name: "mismatched codes after the message", reply: at(smtptest.AtBody, "250-fine\r\n550 no\r\n"),
			want: "body: protocol error: codes 250 and 550 in one reply" + doubt},
		{name: "a reply of another kind", reply: at(smtptest.AtMail, "354 go\r\n"),
			want: "MAIL: protocol error: a reply that does not belong to the command: 354 go" + doubt},
		{name: "a web server", reply: at(smtptest.AtConnect, "HTTP/1.1 400 Bad Request\r\n"),
			want: `greeting: protocol error: not a reply: HTTP/1.1 400 Bad Request`},
		{name: "zeros", reply: at(smtptest.AtConnect, strings.Repeat("\x00", 64)+"\n"),
			want: `greeting: protocol error: not a reply: \x00\x00`},
		{name: "no more than a CRLF", reply: at(smtptest.AtConnect, "\r\n"),
			want: "greeting: protocol error: not a reply: "},
		{name: "plain text before TLS", reply: at(smtptest.AtStartTLS, "220 go\r\n250-evil\r\n250 AUTH PLAIN\r\n"),
			server: smtptest.Behaviour{StartTLS: true}, tls: Opportunistic,
			want: "STARTTLS: TLS failed: the server sent text between its reply and the handshake"},
		{name: "no TLS after all", reply: at(smtptest.AtStartTLS, "220 go\r\n"),
			server: smtptest.Behaviour{StartTLS: true}, tls: Opportunistic,
			want: "STARTTLS: TLS failed: tls: first record does not look like a TLS handshake"},
		{name: "a certificate for another name", tls: Require,
			server: smtptest.Behaviour{StartTLS: true, TLS: &tls.Config{Certificates: []tls.Certificate{wrong}}},
			want:   "STARTTLS: TLS failed: tls: failed to verify certificate"},
		{name: "TLS 1.1", tls: Opportunistic,
			server: smtptest.Behaviour{StartTLS: true, TLS: &tls.Config{Certificates: []tls.Certificate{wrong}, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}},
			want:   "STARTTLS: TLS failed: "},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := test.server
				if test.reply.Stage != "" {
					b.Replies = []smtptest.Reply{test.reply}
				}
				sim, err := smtptest.Start(smtptest.Config{Memory: true, Providers: []smtptest.Provider{{
					Name: "evil", Domains: []string{"evil.example"}, MX: []string{"mx.evil.example"}, Behaviour: b,
				}}})
				if err != nil {
					t.Fatal(err)
				}
				defer sim.Close()
				var read atomic.Int64
				cfg := &Config{
					Hello: "out.example.org", TLS: test.tls, VerifyTLS: test.tls == Require, TLSConfig: &tls.Config{RootCAs: sim.CertPool()},
					Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
						conn, err := sim.DialContext(ctx, network, address)
						return counted{conn, &read}, err
					},
				}
				began := time.Now()
				s, r := Open(t.Context(), Host{Name: "mx.evil.example", Addr: addrPort(sim, "mx.evil.example")}, cfg)
				if s != nil {
					r = s.Send(t.Context(), Envelope{From: "a@example.org", To: "b@evil.example"}, testMessages[""])
					if s.Usable() {
						t.Error("such a session goes on")
					}
					s.Close()
				}
				if !strings.Contains(r.String(), test.want) {
					t.Errorf("%v, want %s", r, test.want)
				}
				if took := time.Since(began); took != test.takes {
					t.Errorf("took %v, want %v", took, test.takes)
				}
				if n := read.Load(); n > 64<<10 {
					t.Errorf("%d bytes were read", n)
				}
			})
		})
	}
}

func addrPort(sim *smtptest.Internet, host string) netip.AddrPort {
	return netip.AddrPortFrom(sim.HostAddr(host), 25)
}
