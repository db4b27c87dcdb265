package bounce

import (
	"net"
	"net/smtp"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// exim is where .ci/install unpacks Debian's exim4-daemon-heavy, which can't be
// installed beside Postfix.
const exim = "/var/cache/broadside/exim4/usr/sbin/exim4"

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
	if os.Geteuid() != 0 {
		t.Skip("NOT TESTED: bounces of a real Exim, which root alone can start")
	}
	if _, err := os.Stat(exim); err != nil {
		t.Fatalf("%v: run .ci/install test to have it", err)
	}
	dir := t.TempDir()
	if err := os.Chmod(filepath.Dir(dir), 0o755); err != nil { // its processes are not root's
		t.Fatal(err)
	}
	spool := filepath.Join(dir, "spool")
	if err := os.Mkdir(spool, 0o755); err != nil {
		t.Fatal(err)
	}
	addr = freeAddr(t)
	_, own, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	host, port, err := net.SplitHostPort(to)
	if err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(dir, "exim.conf")
	text := strings.NewReplacer("DIR", dir, "EXIM", exim, "OWN", own, "HOST", host, "PORT", port).Replace(eximRelay)
	if err := os.WriteFile(config, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("chown", "Debian-exim", dir, spool).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	// Its guard ends it with this process, however that ends: nobody holds the pipe then.
	guard := exec.Command("sh", "-c", `"$@" & read -r _; kill $!; wait $!`, "guard", exim, "-C", config, "-bdf")
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
		if log, err := os.ReadFile(filepath.Join(dir, "log.main")); t.Failed() {
			t.Logf("Exim's log (%v):\n%s", err, log)
		}
	})
	waitForListener(t, addr)
	return addr, func() {
		t.Helper()
		if out, err := exec.Command(exim, "-C", config, "-qff").CombinedOutput(); err != nil {
			t.Fatalf("run Exim's queue: %v: %s", err, out)
		}
	}
}

const eximRelay = `primary_hostname = relay.example.net
exim_path = EXIM
exim_user = Debian-exim
exim_group = Debian-exim
deliver_drop_privilege = true
keep_environment =
spool_directory = DIR/spool
log_file_path = DIR/log.%s
pid_file_path = DIR/pid
local_interfaces = 127.0.0.1
daemon_smtp_ports = OWN
queue_only = true
host_lookup =
rfc1413_hosts =
tls_advertise_hosts =
acl_smtp_rcpt = anyone

begin acl
anyone:
  accept

begin routers
everywhere:
  driver = manualroute
  route_list = * HOST byname
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
