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
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
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

// newReceiver makes the directories and the certificate of a receiver whose processes
// run as a user of the system.
func newReceiver(t *testing.T, name string) *receiver {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skipf("NOT TESTED: what a real %s takes of us; root alone can start one", name)
	}
	r := &receiver{name: name, dir: t.TempDir(), ways: map[string]netip.AddrPort{}}
	// Its processes are not root's, and pass through here.
	if err := os.Chmod(filepath.Dir(r.dir), 0o755); err != nil {
		t.Fatal(err)
	}
	var cert tls.Certificate
	cert, r.pool = newCertificate(t, testHost.Name)
	key, err := x509.MarshalPKCS8PrivateKey(cert.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	chain := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Certificate[0]})
	r.write(t, "tls.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}))+string(chain))
	for _, mode := range modes {
		r.ways[mode.name] = freePort(t)
	}
	return r
}

// run starts a server in the foreground and stops it, by a line of shell, when the test
// ends. When the test's process ends without that, the shell that waits for its input
// stops it.
func (r *receiver) run(t *testing.T, logs []string, stop string, command ...string) {
	t.Helper()
	guard := exec.Command("sh", append([]string{"-c", `"$@" & read -r _; ` + stop + `; wait $!`, "guard"}, command...)...)
	guard.Dir = r.dir
	var said bytes.Buffer
	guard.Stderr = &said
	alive, err := guard.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := guard.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		alive.Close()
		_ = guard.Wait() // with the status of a process that was killed
		if !t.Failed() {
			return
		}
		t.Logf("%s says: %s", r.name, &said)
		for _, name := range logs {
			if text, err := os.ReadFile(filepath.Join(r.dir, name)); err == nil {
				t.Logf("%s of %s ends in\n%s", name, r.name, text[max(0, len(text)-4<<10):])
			}
		}
	})
	r.await(t)
}

func (r *receiver) write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(r.dir, name), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
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

// await waits until every way of a receiver is served.
func (r *receiver) await(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for way, addr := range r.ways {
		for {
			conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr.String())
			if err == nil {
				conn.Close()
				break
			}
			select {
			case <-tick.C:
			case <-ctx.Done():
				t.Fatalf("%s does not listen for %s: %v", r.name, way, err)
			}
		}
	}
}

// numbered is a message that can be told from others.
func numbered(n int, parts ...string) net.Buffers {
	return append(buffers(fmt.Sprintf("X-Number: %d\r\n", n)), buffers(parts...)...)
}
