package smtp

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"broadside/delivery/mtatest"
)

// startPostfix starts a Postfix of its own (Debian package postfix) with further lines
// of main.cf, and stops it when the test ends.
func startPostfix(t *testing.T, settings ...string) *receiver {
	t.Helper()
	r := newReceiver(t, "Postfix")
	r.lf = true
	r.ways["lax"] = freePort(t)
	if err := mtatest.Dir(r.dir, "mail", "nobody"); err != nil {
		t.Fatal(err)
	}
	server, err := mtatest.StartPostfix(r.dir, postfixMain+strings.Join(settings, "\n")+"\n", r.postfixPorts(), r.addrs()...)
	r.started(t, server, err)
	r.idle = func(*testing.T) bool {
		queued, err := filepath.Glob(filepath.Join(r.dir, "queue", "[aimd]*", "*"))
		return err == nil && !slices.ContainsFunc(queued, inQueue.MatchString)
	}
	return r
}

// inQueue are the files of messages that are not delivered yet.
var inQueue = regexp.MustCompile(`/(maildrop|incoming|active|deferred)/[0-9A-F]+$`)

// postfixMain refuses what a receiver that is hardened refuses: bare LFs, and commands
// that are sent ahead without having been invited.
const postfixMain = `myhostname = mx.example.net
mynetworks =
local_header_rewrite_clients =
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
