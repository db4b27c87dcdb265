package smtp

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"broadside/delivery/mtatest"
)

// receiver is a mail server that others wrote: a private instance on loopback that
// takes mail for example.net, nobody@ and later@ excepted, refuses messages with an
// X-Refuse field, and keeps the rest in a maildir.
type receiver struct {
	name string
	dir  string
	// ways are its ports by the names of modes, each of which offers no more than its
	// mode; "lax" is one that ends a message at a dot between bare LFs, where there is
	// such a port.
	ways map[string]netip.AddrPort
	pool *x509.CertPool // trusts its certificate for mx.example.net
	// idle makes it deliver what it has queued, as far as it needs to be asked, and
	// reports whether that is done.
	idle func(*testing.T) bool
	lf   bool // it stores lines as the system does
}

var receivers = []struct {
	name  string
	start func(t *testing.T, settings ...string) *receiver
}{{"Postfix", startPostfix}, {"Exim", startExim}}

// newReceiver makes the directory, the certificate and the ports of a receiver.
func newReceiver(t *testing.T, name string) *receiver {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skipf("NOT TESTED: what a real %s takes of us; root alone can start one", name)
	}
	r := &receiver{name: name, dir: t.TempDir(), ways: map[string]netip.AddrPort{}}
	var cert tls.Certificate
	cert, r.pool = newCertificate(t, testHost.Name)
	key, err := x509.MarshalPKCS8PrivateKey(cert.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	chain := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Certificate[0]})
	both := append(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}), chain...)
	if err := os.WriteFile(filepath.Join(r.dir, "tls.pem"), both, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, mode := range modes {
		r.ways[mode.name] = freePort(t)
	}
	return r
}

// started takes over a server's instance, which stops with the test.
func (r *receiver) started(t *testing.T, server *mtatest.Instance, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		server.Stop()
		if t.Failed() {
			t.Logf("%s says: %s", r.name, server.Said())
		}
	})
}

// addrs are where all ways lead.
func (r *receiver) addrs() []string {
	var all []string
	for _, addr := range r.ways {
		all = append(all, addr.String())
	}
	return all
}

// open opens a session with the port of a way, encrypted as policy says.
func (r *receiver) open(t *testing.T, way string, policy TLSPolicy) (*Session, Result) {
	t.Helper()
	host := Host{Name: testHost.Name, Addr: r.ways[way]}
	return Open(t.Context(), host, &Config{
		Hello: "out.example.org", TLS: policy, VerifyTLS: true, TLSConfig: &tls.Config{RootCAs: r.pool},
		Timeouts: Timeouts{Greeting: time.Minute, Hello: time.Minute, MailRcpt: time.Minute, Data: time.Minute, Final: time.Minute},
	})
}

// session is open, which must succeed, until the test ends.
func (r *receiver) session(t *testing.T, way string, policy TLSPolicy) *Session {
	t.Helper()
	s, result := r.open(t, way, policy)
	if s == nil {
		t.Fatal(result)
	}
	t.Cleanup(s.Close)
	return s
}

// arrived waits until n messages are in the maildir and no others on their way, takes
// them out, and returns them with the line ends they were sent with.
func (r *receiver) arrived(t *testing.T, n int) []string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		idle := r.idle(t) // before we look, so that nothing is missed
		files, err := filepath.Glob(filepath.Join(r.dir, "mail", "new", "*"))
		if err != nil {
			t.Fatal(err)
		}
		if len(files) >= n && idle {
			return r.take(t, files, n)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("%d messages arrived, want %d", len(files), n)
		}
	}
}

func (r *receiver) take(t *testing.T, files []string, n int) []string {
	t.Helper()
	var all []string
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
		if r.lf {
			raw = bytes.ReplaceAll(raw, []byte("\n"), []byte("\r\n"))
		}
		all = append(all, string(raw))
	}
	if len(all) != n {
		t.Errorf("%d messages arrived, want %d; the last is\n%s", len(all), n, all[len(all)-1])
	}
	return all
}

// added are the lines that a receiver puts before a message.
var added = regexp.MustCompile(`^((Return-[Pp]ath|X-Original-To|Delivered-To|Received):.*\r\n([ \t].*\r\n)*)+$`)

// isCopy reports whether a message in the maildir is what was sent, byte for byte, with
// nothing before it but what the receiver adds.
func isCopy(got string, sent net.Buffers) bool {
	before, whole := strings.CutSuffix(got, string(bytes.Join(sent, nil)))
	return whole && added.MatchString(before)
}

func freePort(t *testing.T) netip.AddrPort {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).AddrPort()
}

// numbered is a message that can be told from others.
func numbered(n int, parts ...string) net.Buffers {
	return append(buffers(fmt.Sprintf("X-Number: %d\r\n", n)), buffers(parts...)...)
}
