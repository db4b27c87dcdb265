package smtp

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// pinned takes one certificate, and counts how often it was asked.
type pinned struct {
	cert  []byte
	asked int
}

func (p *pinned) Verify(chain []*x509.Certificate) error {
	p.asked++
	if string(chain[0].Raw) != string(p.cert) {
		return errors.New("not the one")
	}
	return nil
}

// T3, T5: an opportunistic session is never refused for its certificate, and knows
// what it is worth.
func TestCertificateFault(t *testing.T) {
	good, pool := newCertificate(t, "mx.example.net")
	wrong, _ := newCertificate(t, "mx.example.com")
	pool.AddCert(mustLeaf(t, wrong))
	stranger, _ := newCertificate(t, "mx.example.net")
	for _, test := range []struct {
		name   string
		cert   tls.Certificate
		offers []string
		policy TLSPolicy
		at     time.Duration // the age of the world
		want   TLSFault
	}{
		{"trusted", good, []string{"STARTTLS"}, Opportunistic, 0, NoTLSFault},
		{"another name", wrong, []string{"STARTTLS"}, Opportunistic, 0, TLSWrongName},
		{"unknown authority", stranger, []string{"STARTTLS"}, Opportunistic, 0, TLSNotTrusted},
		{"expired", good, []string{"STARTTLS"}, Opportunistic, 100 * 365 * 24 * time.Hour, TLSExpired},
		{"clear text", good, nil, Opportunistic, 0, TLSNotOffered},
		{"required", stranger, []string{"STARTTLS"}, Require, 0, TLSNotTrusted},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(test.at)
				v := &server{offers: test.offers, tls: &tls.Config{Certificates: []tls.Certificate{test.cert}}}
				r := talk(t, v, Config{TLS: test.policy, TLSConfig: &tls.Config{RootCAs: pool}}, func(s *Session) {
					if got := s.CertificateFault(); got != test.want || s.CertificateFault() != got {
						t.Errorf("%v", got)
					}
					if s.Encrypted() != (test.want != TLSNotOffered) {
						t.Errorf("encrypted: %v", s.Encrypted())
					}
				})
				if !r.OK() {
					t.Error(r)
				}
			})
		})
	}
}

func mustLeaf(t *testing.T, c tls.Certificate) *x509.Certificate {
	t.Helper()
	leaf, err := x509.ParseCertificate(c.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	return leaf
}

// T6: a Verifier decides alone, while the session opens and later.
func TestVerifier(t *testing.T) {
	cert, _ := newCertificate(t, "mx.example.com") // neither known nor the host's
	other, _ := newCertificate(t, "mx.example.net")
	right, wrong := &pinned{cert: cert.Certificate[0]}, &pinned{cert: other.Certificate[0]}
	synctest.Test(t, func(t *testing.T) {
		var asked string
		newServer := func() *server {
			return &server{offers: []string{"STARTTLS"}, tls: &tls.Config{GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
				asked = hello.ServerName
				return &cert, nil
			}}}
		}
		r := talk(t, newServer(), Config{TLS: Require, Verifier: right, ServerName: "base.example.net."}, func(s *Session) {
			asked := right.asked
			for range 3 {
				if !s.VerifiedBy(right) {
					t.Error("not verified by what it was opened with")
				}
			}
			if right.asked != asked+1 {
				t.Errorf("asked %d times more", right.asked-asked)
			}
			for range 2 {
				if s.VerifiedBy(wrong) {
					t.Error("verified by another")
				}
			}
			if wrong.asked != 1 {
				t.Errorf("the other was asked %d times", wrong.asked)
			}
		})
		if !r.OK() || asked != "base.example.net" {
			t.Errorf("%v, asked for %q", r, asked)
		}
		r = talk(t, newServer(), Config{TLS: Require, Verifier: wrong}, nil)
		if r.Failure != TLSFailed || r.TLS != TLSNotTrusted || !strings.Contains(r.Detail, "not the one") || asked != "mx.example.net" {
			t.Errorf("%v (%v), asked for %q", r, r.TLS, asked)
		}
		r = talk(t, &server{}, Config{TLS: Opportunistic}, func(s *Session) {
			if s.VerifiedBy(right) {
				t.Error("clear text is verified")
			}
		})
		if !r.OK() {
			t.Error(r)
		}
	})
}

// T7: what a failure was about.
func TestTLSFaults(t *testing.T) {
	good, pool := newCertificate(t, "mx.example.net")
	wrong, _ := newCertificate(t, "mx.example.com")
	pool.AddCert(mustLeaf(t, wrong))
	stranger, _ := newCertificate(t, "mx.example.net")
	offers := []string{"STARTTLS"}
	for _, test := range []struct {
		name   string
		server server
		cert   tls.Certificate
		at     time.Duration
		want   TLSFault
	}{
		{"not offered", server{}, good, 0, TLSNotOffered},
		{"refused", server{offers: offers, replies: map[string]string{"STARTTLS": "454 4.7.0 not now"}}, good, 0, TLSNotOffered},
		{"another name", server{offers: offers}, wrong, 0, TLSWrongName},
		{"not trusted", server{offers: offers}, stranger, 0, TLSNotTrusted},
		{"expired", server{offers: offers}, good, 100 * 365 * 24 * time.Hour, TLSExpired},
		{"text before the handshake (T2)", server{offers: offers, replies: map[string]string{"STARTTLS": "220 ok\r\n250 x"}}, good, 0, TLSNegotiation},
		{"TLS 1.1 (T9)", server{offers: offers, tls: &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}}, good, 0, TLSNegotiation},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(test.at)
				v := test.server
				if v.tls == nil {
					v.tls = &tls.Config{}
				}
				v.tls.Certificates = []tls.Certificate{test.cert}
				r := talk(t, &v, Config{TLS: Require, VerifyTLS: true, TLSConfig: &tls.Config{RootCAs: pool}}, nil)
				if r.TLS != test.want || r.OK() {
					t.Errorf("%v: %v, want %v", r, r.TLS, test.want)
				}
			})
		})
	}
}
