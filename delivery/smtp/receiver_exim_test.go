package smtp

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// exim is where .ci/install unpacks Debian's exim4-daemon-heavy, which can't be
// installed beside Postfix.
const exim = "/var/cache/broadside/exim4/usr/sbin/exim4"

// startExim starts an Exim of its own with further main settings, and stops it when the
// test ends.
func startExim(t *testing.T, settings ...string) *receiver {
	t.Helper()
	r := newReceiver(t, "Exim")
	if _, err := os.Stat(exim); err != nil {
		t.Fatalf("%v: run .ci/install test to have it", err)
	}
	for _, dir := range []string{"spool", "mail"} {
		if err := os.Mkdir(filepath.Join(r.dir, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	r.write(t, "exim.conf", strings.Join(settings, "\n")+"\n"+r.eximConfig())
	// Its configuration stays root's, or it would not trust it.
	if out, err := exec.Command("chown", "Debian-exim", r.dir, filepath.Join(r.dir, "spool"), filepath.Join(r.dir, "mail")).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	r.idle = func(t *testing.T) bool {
		t.Helper()
		if out, err := exec.Command(exim, "-C", filepath.Join(r.dir, "exim.conf"), "-qff").CombinedOutput(); err != nil {
			t.Fatalf("run Exim's queue: %v: %s", err, out)
		}
		queued, err := filepath.Glob(filepath.Join(r.dir, "spool", "input", "*"))
		return err == nil && len(queued) == 0
	}
	r.run(t, []string{"log.main", "log.reject", "log.panic"}, "kill $!", exim, "-C", filepath.Join(r.dir, "exim.conf"), "-bdf")
	return r
}

// eximConfig queues what it takes until its queue is run, so that a test need not wait
// for it.
func (r *receiver) eximConfig() string {
	ports := func(ways ...string) string {
		var list []string
		for _, way := range ways {
			list = append(list, fmt.Sprint(r.ways[way].Port()))
		}
		return strings.Join(list, " : ")
	}
	offeredOn := func(ways ...string) string {
		return fmt.Sprintf("${if inlist{$received_port}{%s}{*}}", ports(ways...))
	}
	return strings.NewReplacer(
		"DIR", r.dir, "EXIM", exim,
		"PORTS", ports("one trip", "two trips", "lockstep", "lockstep, BDAT"),
		"PIPELINING", offeredOn("one trip", "two trips"),
		"CHUNKING", offeredOn("one trip", "lockstep, BDAT"),
		"SMTPUTF8", offeredOn("one trip", "lockstep", "lockstep, BDAT"),
	).Replace(eximMain)
}

const eximMain = `primary_hostname = mx.example.net
exim_path = EXIM
exim_user = Debian-exim
exim_group = Debian-exim
deliver_drop_privilege = true
keep_environment =
spool_directory = DIR/spool
log_file_path = DIR/log.%s
pid_file_path = DIR/pid
local_interfaces = 127.0.0.1
daemon_smtp_ports = PORTS
queue_only = true
host_lookup =
rfc1413_hosts =
message_size_limit = 3000000
pipelining_advertise_hosts = PIPELINING
pipelining_connect_advertise_hosts =
chunking_advertise_hosts = CHUNKING
smtputf8_advertise_hosts = SMTPUTF8
dsn_advertise_hosts = *
tls_advertise_hosts = *
tls_certificate = DIR/tls.pem
tls_privatekey = DIR/tls.pem
smtp_accept_max = 100
acl_smtp_rcpt = recipient
acl_smtp_data = whole

begin acl
recipient:
  deny message = 5.1.1 no such user
       local_parts = nobody
  defer message = 4.2.1 try later
       local_parts = later
  accept domains = example.net
whole:
  deny message = 5.7.1 not here
       condition = ${if def:h_X-Refuse:}
  accept

begin routers
everyone:
  driver = accept
  transport = maildir

begin transports
maildir:
  driver = appendfile
  user = Debian-exim
  directory = DIR/mail
  maildir_format
  use_crlf
  message_prefix =
  message_suffix =
  check_string =
  escape_string =
`
