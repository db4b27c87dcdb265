package smtp

import (
	"fmt"
	"strings"
	"testing"

	"broadside/delivery/mtatest"
)

// startExim starts an Exim of its own with further main settings, and stops it when the
// test ends.
func startExim(t *testing.T, settings ...string) *receiver {
	t.Helper()
	r := newReceiver(t, "Exim")
	if err := mtatest.Dir(r.dir, "mail", mtatest.EximUser); err != nil {
		t.Fatal(err)
	}
	server, err := mtatest.StartExim(r.dir, strings.Join(settings, "\n")+"\n"+r.eximConfig(), r.addrs()...)
	r.started(t, server, err)
	r.idle = func(t *testing.T) bool {
		t.Helper()
		empty, err := server.RunQueue()
		if err != nil {
			t.Fatal(err)
		}
		return empty
	}
	return r
}

// eximConfig listens on a port for each way of speaking.
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
		"PORTS", ports("one trip", "two trips", "lockstep", "lockstep, BDAT"),
		"PIPELINING", offeredOn("one trip", "two trips"),
		"CHUNKING", offeredOn("one trip", "lockstep, BDAT"),
		"SMTPUTF8", offeredOn("one trip", "lockstep", "lockstep, BDAT"),
	).Replace(eximMain)
}

const eximMain = `primary_hostname = mx.example.net
daemon_smtp_ports = PORTS
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
