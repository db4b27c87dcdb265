package bounce

import (
	"net/smtp"
	"strings"
	"testing"
	"time"

	"broadside/delivery/mtatest"
)

// The same by a whole Exim, whose bounces are worded in its own way.
func TestEximBounces(t *testing.T) { // B1, B3, M15
	s := serve(t, DefaultLimits)
	s.store.added = make(chan string, 1)
	relay, runQueue := startExim(t, s.addr)
	err := smtp.SendMail(relay, nil, returnPath(7, 1), []string{"ann.1@example.com"}, []byte("Subject: The spring letter\r\n\r\nSpring is here.\r\n"))
	if err != nil {
		t.Fatal(err)
	}
	runQueue() // the message is refused
	runQueue() // its bounce leaves, if it has not already
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

// startExim starts an Exim of its own on loopback that relays everything to one host,
// and returns its address and what runs its queue.
func startExim(t *testing.T, to string) (addr string, runQueue func()) {
	t.Helper()
	asRoot(t, "Exim")
	addr = freeAddr(t)
	relay := strings.NewReplacer("OWN", portOf(t, addr), "PORT", portOf(t, to)).Replace(eximRelay)
	server, err := mtatest.StartExim(t.TempDir(), relay, addr)
	stopped(t, server, err)
	return addr, func() {
		t.Helper()
		if _, err := server.RunQueue(); err != nil {
			t.Fatal(err)
		}
	}
}

const eximRelay = `primary_hostname = relay.example.net
daemon_smtp_ports = OWN
tls_advertise_hosts =
acl_smtp_rcpt = anyone

begin acl
anyone:
  accept

begin routers
everywhere:
  driver = manualroute
  route_list = * 127.0.0.1 byname
  self = send
  transport = out

begin transports
out:
  driver = smtp
  port = PORT
  allow_localhost

begin retry
* * F,1h,1m
`
