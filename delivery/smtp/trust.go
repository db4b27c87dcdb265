package smtp

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
)

// Verifier judges the certificates of a server in place of the authorities that the
// system trusts, as TLSA records do (RFC 7672 §3). It must be comparable, which a
// pointer is, and safe for concurrent use.
type Verifier interface {
	// Verify returns nil if the server may be trusted. The chain is as the server sent
	// it, its own certificate first, and not empty.
	Verify(chain []*x509.Certificate) error
}

// TLSFault is what was wrong with the encryption of a session, in the categories of
// RFC 8460 §4.3.
type TLSFault uint8

// The faults.
const (
	NoTLSFault     TLSFault = iota
	TLSNotOffered           // STARTTLS is not offered, or was refused
	TLSWrongName            // the certificate is for other names
	TLSExpired              // the certificate is not valid yet, or no longer
	TLSNotTrusted           // nobody who is trusted vouches for the certificate
	TLSNegotiation          // the handshake failed for another reason
)

var tlsFaultNames = [...]string{
	"", "STARTTLS not offered", "certificate for another name", "certificate expired",
	"certificate not trusted", "handshake failed",
}

func (f TLSFault) String() string {
	if int(f) < len(tlsFaultNames) {
		return tlsFaultNames[f]
	}
	return fmt.Sprintf("TLS fault(%d)", uint8(f))
}

// distrust is what a Verifier said against a certificate.
type distrust struct{ error }

func (d distrust) Unwrap() error { return d.error }

// faultOf tells what a failed handshake, or a failed verification, was about.
func faultOf(err error) TLSFault {
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return TLSWrongName
	}
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); ok && invalid.Reason == x509.Expired {
		return TLSExpired
	}
	_, unverified := errors.AsType[*tls.CertificateVerificationError](err)
	_, distrusted := errors.AsType[distrust](err)
	if unverified || distrusted {
		return TLSNotTrusted
	}
	return TLSNegotiation
}

// trust is what was found out about a server's certificates, each when it was first
// asked for: most sessions are opportunistic, and nobody asks.
type trust struct {
	judged   bool
	fault    TLSFault
	verifier Verifier // that was asked last, and what it said
	accepted bool
}

// Encrypted reports whether the session is under TLS.
func (s *Session) Encrypted() bool {
	_, ok := s.conn.(*tls.Conn)
	return ok
}

// CertificateFault is what keeps the server's certificate from being valid for
// Host.Name and issued by an authority that is trusted (RFC 5280, RFC 9525):
// NoTLSFault if nothing does, TLSNotOffered without TLS. Sessions are not refused for
// it unless their Config demands it. The first call verifies a chain, others cost
// nothing.
func (s *Session) CertificateFault() TLSFault {
	if !s.trust.judged {
		s.trust.judged, s.trust.fault = true, s.judge()
	}
	return s.trust.fault
}

func (s *Session) judge() TLSFault {
	state, ok := s.TLS()
	if !ok {
		return TLSNotOffered
	}
	chain := state.PeerCertificates
	if len(chain) == 0 {
		return TLSNotTrusted
	}
	opts := x509.VerifyOptions{DNSName: strings.TrimSuffix(s.host.Name, "."), Intermediates: x509.NewCertPool()}
	if s.cfg.TLSConfig != nil {
		opts.Roots = s.cfg.TLSConfig.RootCAs
	}
	for _, c := range chain[1:] {
		opts.Intermediates.AddCert(c)
	}
	if _, err := chain[0].Verify(opts); err != nil {
		return faultOf(distrust{err})
	}
	return NoTLSFault
}

// VerifiedBy reports whether a Verifier takes the certificates that the server showed.
// The last one's answer is remembered: asking the same again costs nothing.
func (s *Session) VerifiedBy(v Verifier) bool {
	if s.trust.verifier == v {
		return s.trust.accepted
	}
	state, ok := s.TLS()
	accepted := ok && len(state.PeerCertificates) > 0 && v.Verify(state.PeerCertificates) == nil
	s.trust.verifier, s.trust.accepted = v, accepted
	return accepted
}
