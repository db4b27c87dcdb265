package tlspolicy

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"

	"broadside/delivery/dane"
	"broadside/delivery/mtasts"
	"broadside/delivery/smtp"
	"broadside/delivery/smtptest/dnsserver"
	"broadside/delivery/tlsrpt"
)

// mailServer is a server on loopback that takes every message.
type mailServer struct {
	addr netip.AddrPort
	tls  *tls.Config // nil: STARTTLS is stripped
}

func startMailServer(t *testing.T, config *tls.Config) *mailServer {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	v := &mailServer{addr: netip.MustParseAddrPort(l.Addr().String()), tls: config}
	var sessions sync.WaitGroup
	sessions.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			sessions.Go(func() { v.talk(conn) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		sessions.Wait()
	})
	return v
}

// talk answers until the client is gone, or for ten seconds.
func (v *mailServer) talk(conn net.Conn) {
	defer func() { conn.Close() }()
	conn.SetDeadline(time.Now().Add(10 * time.Second))
	in := bufio.NewReader(conn)
	fmt.Fprint(conn, "220 mx ESMTP\r\n")
	secure := false
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		switch verb, _, _ := strings.Cut(strings.TrimSpace(line), " "); verb {
		case "EHLO":
			if v.tls != nil && !secure {
				fmt.Fprint(conn, "250-mx\r\n250 STARTTLS\r\n")
			} else {
				fmt.Fprint(conn, "250 mx\r\n")
			}
		case "STARTTLS":
			fmt.Fprint(conn, "220 go\r\n")
			c := tls.Server(conn, v.tls)
			if c.Handshake() != nil {
				return
			}
			conn, in, secure = c, bufio.NewReader(c), true
		case "DATA":
			fmt.Fprint(conn, "354 go\r\n")
			for line != ".\r\n" {
				if line, err = in.ReadString('\n'); err != nil {
					return
				}
			}
			fmt.Fprint(conn, "250 queued\r\n")
		case "QUIT":
			fmt.Fprint(conn, "221 bye\r\n")
			return
		default:
			fmt.Fprint(conn, "250 ok\r\n")
		}
	}
}

// certified is a certificate for a name, good until a time, and a pool of the
// authority that vouches for it.
func certified(t *testing.T, name string, until time.Time) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: until,
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
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, pool
}

// tlsaOf is the TLSA record of a certificate, 3 1 1, in zone file form.
func tlsaOf(host string, c tls.Certificate) string {
	sum := sha256.Sum256(c.Leaf.RawSubjectPublicKeyInfo)
	return fmt.Sprintf("_25._tcp.%s. 600 IN TLSA 3 1 1 %s", host, hex.EncodeToString(sum[:]))
}

// signedZone answers on loopback as a validating resolver would of a signed zone. A
// record "NAME TYPE SERVFAIL" is bogus.
func signedZone(t *testing.T, lines ...string) *dane.Source {
	t.Helper()
	handle := dns.HandlerFunc(func(w dns.ResponseWriter, query *dns.Msg) {
		reply := new(dns.Msg).SetReply(query)
		reply.AuthenticatedData = true
		q := query.Question[0]
		for _, line := range lines {
			if fields := strings.Fields(line); fields[len(fields)-1] == "SERVFAIL" {
				if fields[0] == q.Name && fields[1] == dns.TypeToString[q.Qtype] {
					reply.Rcode, reply.AuthenticatedData = dns.RcodeServerFailure, false
				}
				continue
			}
			rr, err := dns.NewRR(line)
			if err != nil {
				t.Error(err)
			} else if rr.Header().Name == q.Name && rr.Header().Rrtype == q.Qtype {
				reply.Answer = append(reply.Answer, rr)
			}
		}
		w.WriteMsg(reply)
	})
	server, err := dnsserver.Start("127.0.0.1:0", handle)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	source, err := dane.New(server.Addr(), time.Second)
	if err != nil {
		t.Fatal(err)
	}
	return source
}

// fixedSTS knows the policies of some domains.
type fixedSTS map[string]mtasts.Answer

func (f fixedSTS) Look(_ context.Context, domain string) (mtasts.Answer, time.Duration) {
	return f[domain], time.Hour
}

// wantedBy is the domain that wants reports.
type wantedBy string

func (w wantedBy) Wanted(_ context.Context, domain string) (bool, time.Duration) {
	return domain == string(w), time.Hour
}

// tally is what was counted.
type tally struct {
	mu    sync.Mutex
	lines []string
}

func (c *tally) Add(p *tlsrpt.Policy, s tlsrpt.Session) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lines = append(c.lines, strings.TrimSpace(fmt.Sprintf("%s %s %s", p.Type, p.Domain, s.Result)))
}

func (c *tally) take() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	text := strings.Join(c.lines, ", ")
	c.lines = nil
	return text
}

func newPolicies(cfg Config) (*Policies, *tally) {
	counts := &tally{}
	cfg.Reports, cfg.Log = counts, slog.New(slog.NewTextHandler(io.Discard, nil))
	return New(cfg), counts
}

// deliver sends a message to a domain whose one host is mx.example.net, as the core of
// delivery does, and tells how it fared: "clear", "encrypted", or why not.
func deliver(t *testing.T, p *Policies, domain string, v *mailServer, cfg smtp.Config) string {
	t.Helper()
	req, problem := p.Requirement(t.Context(), domain, hosts)
	if problem != None {
		return problem.Enhanced()
	}
	cfg, ok := req.Configure(cfg, "mx.example.net")
	if !ok {
		return "forbidden"
	}
	host := smtp.Host{Name: "mx.example.net", Addr: v.addr}
	session, r := smtp.Open(t.Context(), host, &cfg)
	p.Opened(req, cfg.LocalAddr, host, session, r)
	if session == nil {
		return r.Failure.String()
	}
	defer session.Close()
	if !req.Satisfied(session) {
		t.Error("the session that was opened for a requirement does not satisfy it")
	}
	if r = session.Send(t.Context(), smtp.Envelope{From: "a@example.com", To: "b@" + domain}, [][]byte{[]byte("Subject: x\r\n\r\nx\r\n")}); !r.OK() {
		return r.String()
	}
	if session.Encrypted() {
		return "encrypted"
	}
	return "clear"
}
