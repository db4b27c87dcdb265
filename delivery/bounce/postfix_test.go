package bounce

import (
	"net"
	"net/smtp"
	"os"
	"strings"
	"testing"
	"time"

	"broadside/delivery/mtatest"
)

// A whole Postfix (Debian package postfix) relays a message, is refused its recipient,
// and tells the return path: all by the one receiver, which is nobody's mailbox but
// hears about everybody's.
func TestPostfixBounces(t *testing.T) { // B1, B3, M15
	s := serve(t, DefaultLimits)
	s.store.added = make(chan string, 1)
	relay := startPostfix(t, s.addr)
	err := smtp.SendMail(relay, nil, returnPath(7, 1), []string{"ann.1@example.com"}, []byte("Subject: The spring letter\r\n\r\nSpring is here.\r\n"))
	if err != nil {
		t.Fatal(err)
	}
	select {
	case got := <-s.store.added:
		if got != "ann.1@example.com" {
			t.Errorf("suppressed: %q", got)
		}
	case <-time.After(20 * time.Second):
		t.Fatalf("nothing was suppressed; the receiver says:\n%s", s.log)
	}
	if d := s.store.suppressed[0].Detail; !strings.Contains(d, "550 5.1.1 No such user here") || !strings.Contains(d, "relay.example.net") {
		t.Errorf("detail %q", d)
	}
}

// startPostfix starts a Postfix of its own on loopback that relays everything to one
// host, and returns its address.
func startPostfix(t *testing.T, to string) string {
	t.Helper()
	asRoot(t, "Postfix")
	addr := freeAddr(t)
	relay := strings.ReplaceAll(postfixRelay, "PORT", portOf(t, to))
	server, err := mtatest.StartPostfix(t.TempDir(), relay, addr+" inet n - n - - smtpd\n", addr)
	stopped(t, server, err)
	return addr
}

const postfixRelay = `myhostname = relay.example.net
mynetworks = 127.0.0.0/8
smtpd_relay_restrictions = permit_mynetworks, reject
smtp_dns_support_level = disabled
default_transport = smtp:[127.0.0.1]:PORT
`

// asRoot ends a test that only root can make.
func asRoot(t *testing.T, server string) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skipf("NOT TESTED: bounces of a real %s, which root alone can start", server)
	}
}

// stopped stops a server with the test.
func stopped(t *testing.T, server *mtatest.Instance, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		server.Stop()
		if t.Failed() {
			t.Log(server.Said())
		}
	})
}

func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func portOf(t *testing.T, addr string) string {
	t.Helper()
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	return port
}
