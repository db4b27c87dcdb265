package smtp

import (
	"cmp"
	"context"
	"crypto/tls"
	"net"
	"net/netip"
	"strings"
	"time"
)

// Host is a mail server by the name its MX record has, and one of its addresses.
type Host struct {
	Name string
	Addr netip.AddrPort
}

// DialFunc connects to an address that is a literal "IP:port".
type DialFunc func(ctx context.Context, network, address string) (net.Conn, error)

// TLSPolicy says what a session does about encryption.
type TLSPolicy uint8

// The policies.
const (
	NoTLS         TLSPolicy = iota // never, even when offered
	Opportunistic                  // when offered; clear text otherwise (RFC 7435)
	Require                        // STARTTLS or nothing
	Implicit                       // TLS from the first byte (RFC 8314 §3.3)
)

// Config is how sessions are held. Many sessions share one; nobody changes it once
// the first is open.
type Config struct {
	// Hello is the name given with EHLO: our FQDN or an address literal.
	Hello string
	// Dial connects; nil dials TCP from LocalAddr, which may be zero.
	Dial      DialFunc
	LocalAddr netip.Addr
	// AllowAddr is asked about every address right before it is dialled; nil allows
	// all. Addresses are literals by then, so no later look-up gets around it.
	AllowAddr func(netip.Addr) bool

	TLS TLSPolicy
	// TLSConfig is the base of what sessions use; nil is an empty one. ServerName,
	// MinVersion (at least 1.2), session tickets (off: golang/go#70232) and
	// verification are set by the session.
	TLSConfig *tls.Config
	// VerifyTLS demands a certificate valid for Host.Name. It is demanded anyway with
	// Implicit and with Auth; an MX without either is encrypted to, not trusted.
	VerifyTLS bool
	// Verifier, if not nil, must take the server's certificates, and what VerifyTLS
	// demands is not asked for then: names and authorities are the Verifier's business.
	Verifier Verifier
	// ServerName is the name to ask the server's certificate for (SNI), which with
	// DANE may be the target of an alias (RFC 7672 §2.2.2); empty: Host.Name.
	ServerName string
	// ClassicTLS leaves the post-quantum key shares out of the ClientHello: it then
	// fits into one packet, which some servers and middleboxes insist on.
	ClassicTLS bool

	// Auth is who we are to a smarthost; nil sends no AUTH.
	Auth *Credentials
	// AllowPlaintextAuth sends credentials without TLS too.
	AllowPlaintextAuth bool

	Timeouts Timeouts
	// MaxReplyLines (100 if 0) and MaxReplyBytes (16 KiB if 0) bound one reply.
	MaxReplyLines int
	MaxReplyBytes int
}

// Credentials authenticate us (RFC 4954). With a Token the mechanism is XOAUTH2;
// without, the first offered of SCRAM-SHA-256, PLAIN and LOGIN.
type Credentials struct {
	Username string
	Password string
	Token    string
}

// Timeouts is a timer per command (RFC 5321 §4.5.3.2). Each covers the whole reply,
// so a server that drips bytes gains nothing. A zero field is its default.
type Timeouts struct {
	Connect  time.Duration // 5 s
	Greeting time.Duration // 5 m
	Hello    time.Duration // 5 m; EHLO, HELO
	TLS      time.Duration // 30 s for the reply to STARTTLS, as much for the handshake
	Auth     time.Duration // 2 m; each step
	MailRcpt time.Duration // 5 m; MAIL, RCPT, RSET
	Data     time.Duration // 2 m; DATA until 354
	Block    time.Duration // 3 m; each 32 KiB of the message to be taken from us
	Final    time.Duration // 10 m; the reply to the whole message
	Quit     time.Duration // 5 s; the farewell
}

const (
	defaultReplyLines = 100
	defaultReplyBytes = 16 << 10
)

func (t Timeouts) withDefaults() Timeouts {
	return Timeouts{
		Connect:  cmp.Or(t.Connect, 5*time.Second),
		Greeting: cmp.Or(t.Greeting, 5*time.Minute),
		Hello:    cmp.Or(t.Hello, 5*time.Minute),
		TLS:      cmp.Or(t.TLS, 30*time.Second),
		Auth:     cmp.Or(t.Auth, 2*time.Minute),
		MailRcpt: cmp.Or(t.MailRcpt, 5*time.Minute),
		Data:     cmp.Or(t.Data, 2*time.Minute),
		Block:    cmp.Or(t.Block, 3*time.Minute),
		Final:    cmp.Or(t.Final, 10*time.Minute),
		Quit:     cmp.Or(t.Quit, 5*time.Second),
	}
}

// validHello reports whether a name may be put after EHLO.
func validHello(name string) bool {
	return name != "" && len(name) <= 255 && !strings.ContainsFunc(name, func(r rune) bool {
		return r <= ' ' || r > '~'
	})
}

// tlsConfig is the client configuration for a session with host.
func (c *Config) tlsConfig(host string) *tls.Config {
	t := &tls.Config{}
	if c.TLSConfig != nil {
		t = c.TLSConfig.Clone()
	}
	t.ServerName = strings.TrimSuffix(cmp.Or(c.ServerName, host), ".")
	t.MinVersion = max(t.MinVersion, tls.VersionTLS12)
	t.InsecureSkipVerify = !c.VerifyTLS && c.Auth == nil && c.TLS != Implicit
	if v := c.Verifier; v != nil {
		t.InsecureSkipVerify = true
		t.VerifyConnection = func(state tls.ConnectionState) error {
			if err := v.Verify(state.PeerCertificates); err != nil {
				return distrust{err}
			}
			return nil
		}
	}
	t.SessionTicketsDisabled = true
	t.ClientSessionCache = nil
	// Full records at once: a message is no interactive traffic.
	t.DynamicRecordSizingDisabled = true
	if c.ClassicTLS {
		t.CurvePreferences = []tls.CurveID{tls.X25519, tls.CurveP256, tls.CurveP384}
	}
	return t
}
