package smtp

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// startPostfix starts a Postfix of its own (Debian package postfix) with further lines
// of main.cf, and stops it when the test ends.
func startPostfix(t *testing.T, settings ...string) *receiver {
	t.Helper()
	r := newReceiver(t, "Postfix")
	r.lf = true
	if _, err := exec.LookPath("postfix"); err != nil {
		t.Fatalf("%v: install the package postfix to run this test", err)
	}
	r.ways["lax"] = freePort(t)
	for dir, owner := range map[string]string{"queue": "root", "data": "postfix", "mail": "nobody"} {
		dir = filepath.Join(r.dir, dir)
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command("chown", owner, dir).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	r.write(t, "main.cf", strings.ReplaceAll(postfixMain, "DIR", r.dir)+strings.Join(settings, "\n")+"\n")
	r.write(t, "master.cf", r.postfixPorts()+postfixServices)
	r.idle = func(*testing.T) bool {
		queued, err := filepath.Glob(filepath.Join(r.dir, "queue", "[aimd]*", "*"))
		return err == nil && !slices.ContainsFunc(queued, inQueue.MatchString)
	}
	r.run(t, []string{"log"}, "kill $(cat queue/pid/master.pid)", "postfix", "-c", r.dir, "start-fg")
	return r
}

// inQueue are the files of messages that are not delivered yet.
var inQueue = regexp.MustCompile(`/(maildrop|incoming|active|deferred)/[0-9A-F]+$`)

// postfixMain refuses what a receiver that is hardened refuses: bare LFs, and commands
// that are sent ahead without having been invited.
const postfixMain = `compatibility_level = 3.6
myhostname = mx.example.net
mydestination =
alias_maps =
local_recipient_maps =
inet_interfaces = loopback-only
inet_protocols = ipv4
mynetworks =
local_header_rewrite_clients =
queue_directory = DIR/queue
data_directory = DIR/data
maillog_file = DIR/log
maillog_file_prefixes = DIR
virtual_mailbox_domains = example.net
virtual_mailbox_base = DIR
virtual_mailbox_maps = static:mail/
virtual_uid_maps = static:65534
virtual_gid_maps = static:65534
virtual_mailbox_limit = 0
message_size_limit = 3000000
header_checks = regexp:{{/^X-Refuse:/ REJECT 5.7.1 not here}}
smtpd_relay_restrictions = reject_unauth_destination
smtpd_recipient_restrictions = check_recipient_access inline:{
  {nobody@example.net = 550 5.1.1 no such user}, {later@example.net = 450 4.2.1 try later}}
smtpd_error_sleep_time = 0
smtpd_forbid_bare_newline = reject
smtpd_forbid_bare_newline_exclusions =
smtpd_forbid_unauth_pipelining = yes
smtpd_tls_chain_files = DIR/tls.pem
smtpd_tls_security_level = may
`

// postfixPorts are the services that listen, one for each way of speaking.
func (r *receiver) postfixPorts() string {
	var b strings.Builder
	for way, option := range map[string]string{
		"one trip":       "",
		"two trips":      " -o smtpd_discard_ehlo_keywords=chunking,smtputf8",
		"lockstep":       " -o smtpd_discard_ehlo_keywords=chunking,pipelining,8bitmime",
		"lockstep, BDAT": " -o smtpd_discard_ehlo_keywords=pipelining",
		"lax":            " -o smtpd_forbid_bare_newline=no -o smtpd_forbid_unauth_pipelining=no",
	} {
		fmt.Fprintf(&b, "%s inet n - n - - smtpd%s\n", r.ways[way], option)
	}
	return b.String()
}

// postfixServices are what delivering here needs, none in a chroot.
const postfixServices = `cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
virtual unix - n n - - virtual
error unix - - n - - error
retry unix - - n - - error
anvil unix - - n - 1 anvil
proxymap unix - - n - - proxymap
postlog unix-dgram n - n - 1 postlogd
`
