package smtp

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// newCertificate makes a self-signed certificate for a name and a pool that trusts it.
func newCertificate(t testing.TB, name string) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	// The clock of a bubble starts in the year 2000.
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2099, 1, 1, 0, 0, 0, 0, time.UTC),
		IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

// talk opens a session with v and sends a message if that works.
func talk(t *testing.T, v *server, cfg Config, check func(*Session)) Result {
	t.Helper()
	client, peer := net.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		conn := peer
		if cfg.TLS == Implicit {
			conn = tls.Server(peer, v.tls)
		}
		v.serve(conn)
	}()
	defer func() { <-done }()
	cfg.Hello, cfg.Dial = "out.example.org", dialTo(client)
	s, r := Open(t.Context(), testHost, &cfg)
	if s == nil {
		return r
	}
	defer s.Close()
	if check != nil {
		check(s)
	}
	return s.Send(t.Context(), Envelope{To: "b@example.net"}, testMessages[""])
}

func TestTLS(t *testing.T) {
	good, pool := newCertificate(t, "mx.example.net")
	bad, _ := newCertificate(t, "mx.example.com")
	login := &Credentials{Username: "u", Password: "p"}
	offers := []string{"STARTTLS", "PIPELINING", "CHUNKING"}
	tests := []struct {
		name    string
		cert    tls.Certificate
		offers  []string
		cfg     Config
		maximum uint16
		want    string // of the Result
		secure  bool
	}{
		{"opportunistic, whatever the certificate", bad, offers, Config{TLS: Opportunistic}, 0, "body: 250 queued", true},
		{"opportunistic, not offered (T3)", good, offers[1:], Config{TLS: Opportunistic}, 0, "body: 250 queued", false},
		{"none, though offered", good, offers, Config{}, 0, "body: 250 queued", false},
		{"required, whatever the certificate", bad, offers, Config{TLS: Require}, 0, "body: 250 queued", true},
		{"required, not offered (T3)", good, offers[1:], Config{TLS: Require}, 0, "STARTTLS: TLS unavailable", false},
		{"verified", good, offers, Config{TLS: Require, VerifyTLS: true}, 0, "body: 250 queued", true},
		{"verified, another name", bad, offers, Config{TLS: Require, VerifyTLS: true}, 0, "STARTTLS: TLS failed: tls: failed to verify", false},
		{"implicit", good, offers, Config{TLS: Implicit}, 0, "body: 250 queued", true},
		{"implicit is verified (T4)", bad, offers, Config{TLS: Implicit}, 0, "STARTTLS: TLS failed: tls: failed to verify", false},
		{"AUTH verifies (T4)", bad, offers, Config{TLS: Opportunistic, Auth: login}, 0, "STARTTLS: TLS failed: tls: failed to verify", false},
		{"AUTH", good, offers, Config{TLS: Opportunistic, Auth: login}, 0, "body: 250 queued", true},
		{"AUTH, TLS stripped (S24)", good, offers[1:], Config{TLS: Opportunistic, Auth: login}, 0, "AUTH: authentication unavailable", false},
		{"TLS 1.2", good, offers, Config{TLS: Require, VerifyTLS: true}, tls.VersionTLS12, "body: 250 queued", true},
		{"TLS 1.1 (T9)", good, offers, Config{TLS: Opportunistic}, tls.VersionTLS11, "STARTTLS: TLS failed", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v := &server{offers: test.offers, secret: []string{"AUTH PLAIN"}, tls: &tls.Config{
					Certificates: []tls.Certificate{test.cert}, MinVersion: tls.VersionTLS10, MaxVersion: test.maximum,
				}}
				cfg := test.cfg
				cfg.TLSConfig = &tls.Config{RootCAs: pool}
				r := talk(t, v, cfg, func(s *Session) {
					if _, secure := s.TLS(); secure != test.secure {
						t.Errorf("encrypted %v", secure)
					}
				})
				if !strings.HasPrefix(r.String(), test.want) {
					t.Errorf("%v, want %s", r, test.want)
				}
				if r.Failure == TLSFailed && slices.ContainsFunc(v.commands, func(c string) bool { return strings.HasPrefix(c, "AUTH") }) {
					t.Errorf("credentials were sent: %q", v.commands)
				}
			})
		})
	}
}

// T1: what was offered in clear text is forgotten, the offer of TLS above all.
func TestCapabilitiesAfterTLS(t *testing.T) {
	cert, _ := newCertificate(t, "mx.example.net")
	synctest.Test(t, func(t *testing.T) {
		client, peer := net.Pipe()
		done := make(chan struct{})
		go func() {
			defer close(done)
			script(peer, "220 x", "<", "250-x\r\n250-SIZE 10\r\n250-AUTH PLAIN\r\n250-PIPELINING\r\n250 STARTTLS", "<", "220 go")
			c := tls.Server(peer, &tls.Config{Certificates: []tls.Certificate{cert}})
			script(c, "<", "250-x\r\n250 8BITMIME", "<", "221 bye")
			c.Close()
		}()
		s, r := Open(t.Context(), testHost, &Config{Hello: "out.example.org", Dial: dialTo(client), TLS: Opportunistic})
		if !r.OK() {
			t.Fatal(r)
		}
		c := s.Capabilities()
		if c.Size || c.MaxSize != 0 || c.Auth != nil || c.Pipelining || c.StartTLS || !c.EightBitMIME {
			t.Errorf("%+v", c)
		}
		s.Close()
		<-done
	})
}

// T3: the reduced ClientHello has no post-quantum share and fits into a packet.
func TestClassicTLS(t *testing.T) {
	cert, _ := newCertificate(t, "mx.example.net")
	for _, classic := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			hybrid := false
			v := &server{offers: []string{"STARTTLS"}, tls: &tls.Config{GetConfigForClient: func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
				hybrid = slices.Contains(hello.SupportedCurves, tls.X25519MLKEM768)
				return &tls.Config{Certificates: []tls.Certificate{cert}}, nil
			}}}
			if r := talk(t, v, Config{TLS: Require, ClassicTLS: classic}, nil); !r.OK() {
				t.Fatal(r)
			}
			if hybrid == classic {
				t.Errorf("classic %v: post-quantum share offered: %v", classic, hybrid)
			}
		})
	}
}

// T9: a server that never answers the ClientHello.
func TestHandshakeTimer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, peer := net.Pipe()
		defer peer.Close()
		go script(peer, "220 x", "<", "250-x\r\n250 STARTTLS", "<", "220 go", "<")
		start := time.Now()
		_, r := Open(t.Context(), testHost, &Config{Hello: "out.example.org", Dial: dialTo(client), TLS: Opportunistic})
		if took := time.Since(start); took != 30*time.Second || r.Stage != StartTLS || r.Failure != TLSFailed {
			t.Errorf("%v after %v", r, took)
		}
	})
}

func TestTLSConfig(t *testing.T) {
	base := &tls.Config{MinVersion: tls.VersionTLS13, ServerName: "other", InsecureSkipVerify: true}
	c := (&Config{TLS: Implicit, TLSConfig: base}).tlsConfig("mx.example.net.")
	if c.MinVersion != tls.VersionTLS13 || c.ServerName != "mx.example.net" || c.InsecureSkipVerify || !c.SessionTicketsDisabled {
		t.Errorf("%+v", c)
	}
	if base.ServerName != "other" {
		t.Error("the shared configuration was changed")
	}
}
