package bounce

import (
	"context"
	"fmt"
	"net"
	"net/smtp"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
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
	if os.Geteuid() != 0 {
		t.Skip("NOT TESTED: bounces of a real Postfix, which root alone can start")
	}
	if _, err := exec.LookPath("postfix"); err != nil {
		t.Fatalf("%v: install the package postfix to run this test", err)
	}
	dir := t.TempDir()
	// Its processes are not root's, and pass through here.
	if err := os.Chmod(filepath.Dir(dir), 0o755); err != nil {
		t.Fatal(err)
	}
	host, port, err := net.SplitHostPort(to)
	if err != nil {
		t.Fatal(err)
	}
	addr := freeAddr(t)
	files := map[string]string{
		"main.cf": fmt.Sprintf(`compatibility_level = 3.6
myhostname = relay.example.net
mydestination =
alias_maps =
local_recipient_maps =
inet_interfaces = loopback-only
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
smtpd_relay_restrictions = permit_mynetworks, reject
smtp_dns_support_level = disabled
default_transport = smtp:[%s]:%s
queue_directory = %[3]s/queue
data_directory = %[3]s/data
maillog_file = %[3]s/log
maillog_file_prefixes = %[3]s
`, host, port, dir),
		"master.cf": addr + " inet n - n - - smtpd\n" + postfixServices,
	}
	for _, d := range []string{"queue", "data"} {
		if err := os.Mkdir(filepath.Join(dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := exec.Command("chown", "postfix", filepath.Join(dir, "data")).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	postfix := exec.Command("postfix", "-c", dir, "start-fg")
	if err := postfix.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if out, err := exec.Command("postfix", "-c", dir, "abort").CombinedOutput(); err != nil {
			t.Errorf("stop Postfix: %v: %s", err, out)
			_ = postfix.Process.Kill()
		}
		_ = postfix.Wait()
		if log, err := os.ReadFile(filepath.Join(dir, "log")); t.Failed() {
			t.Logf("Postfix's log (%v):\n%s", err, log)
		}
	})
	waitForListener(t, addr)
	return addr
}

// postfixServices are what relaying and bouncing need, none in a chroot.
const postfixServices = `cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
smtp unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
anvil unix - - n - 1 anvil
proxymap unix - - n - - proxymap
postlog unix-dgram n - n - 1 postlogd
`

func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func waitForListener(t *testing.T, addr string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
		if err == nil {
			conn.Close()
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("nobody listens on %s: %v", addr, err)
		}
	}
}
