package peers

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// StartPostfix runs a private Postfix whose mail passes through a private OpenDKIM, a
// milter. Only concurrency differs from the defaults: its TUNING_README advises to raise
// that, the initial one too, where the receiver allows. It must be started as root.
func StartPostfix(ctx context.Context, j Job) (*Relay, error) {
	if os.Geteuid() != 0 {
		return nil, errors.New("start as root: Postfix changes users")
	}
	for _, program := range []string{"/usr/sbin/postfix", "/usr/sbin/opendkim"} {
		if _, err := os.Stat(program); err != nil {
			return nil, fmt.Errorf("%w: install the Debian packages postfix and opendkim", err)
		}
	}
	milter, err := freePort()
	if err != nil {
		return nil, err
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(j.Dir, 0o755); err != nil { // its daemons have users of their own
		return nil, err
	}
	if err := j.writePostfix(port, milter); err != nil {
		return nil, err
	}
	r := &Relay{Addr: "127.0.0.1:" + port}
	signer, err := start(j.Dir, "/usr/sbin/opendkim", "-f", "-x", filepath.Join(j.Dir, "opendkim.conf"))
	if err != nil {
		return nil, err
	}
	r.parts = append(r.parts, signer)
	if err := signer.listens(ctx, "127.0.0.1:"+milter); err != nil {
		return nil, errors.Join(err, r.Stop())
	}
	server, err := start(j.Dir, "/usr/sbin/postfix", "-c", filepath.Join(j.Dir, "etc"), "start-fg")
	if err != nil {
		return nil, errors.Join(err, r.Stop())
	}
	r.parts = append(r.parts, server)
	if err := server.listens(ctx, r.Addr); err != nil {
		log, _ := os.ReadFile(filepath.Join(j.Dir, "postfix.log"))
		return nil, errors.Join(err, errors.New(lastLines(string(log))), r.Stop())
	}
	return r, nil
}

// PostfixVersion is the installed one's; "" when there is none.
func PostfixVersion(ctx context.Context) string {
	out, err := exec.CommandContext(ctx, "/usr/sbin/postconf", "-d", "-h", "mail_version").Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
}

func (j *Job) writePostfix(port, milter string) error {
	host, sinkPort, err := net.SplitHostPort(j.Sink)
	if err != nil {
		return err
	}
	err = write(j.Dir, map[string]string{
		"etc/main.cf":     fmt.Sprintf(mainCF, j.Dir, j.Domain, host, sinkPort, j.Connections, milter),
		"etc/master.cf":   fmt.Sprintf(masterCF, port),
		"opendkim.conf":   fmt.Sprintf(opendkimConf, milter, j.Domain, j.Selector, filepath.Join(j.Dir, "dkim.key")),
		"dkim.key":        string(j.Key),
		"queue/pid/.keep": "", "data/.keep": "",
	})
	if err != nil {
		return err
	}
	chown := exec.Command("chown", "-R", "postfix:", filepath.Join(j.Dir, "data"))
	if out, err := chown.CombinedOutput(); err != nil {
		return fmt.Errorf("chown: %w: %s", err, out)
	}
	return os.Chmod(filepath.Join(j.Dir, "dkim.key"), 0o600)
}

const mainCF = `compatibility_level = 3.6
queue_directory = %[1]s/queue
data_directory = %[1]s/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
maillog_file = %[1]s/postfix.log
maillog_file_prefixes = %[1]s
myhostname = mta.%[2]s
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
smtpd_relay_restrictions = permit_mynetworks, reject
alias_maps =
alias_database =
relayhost = [%[3]s]:%[4]s
smtp_tls_security_level = none
default_destination_concurrency_limit = %[5]d
initial_destination_concurrency = %[5]d
smtpd_milters = inet:127.0.0.1:%[6]s
milter_default_action = tempfail
`

const masterCF = `127.0.0.1:%[1]s inet n - n - - smtpd
cleanup   unix n - n - 0 cleanup
qmgr      unix n - n 300 1 qmgr
rewrite   unix - - n - - trivial-rewrite
bounce    unix - - n - 0 bounce
defer     unix - - n - 0 bounce
trace     unix - - n - 0 bounce
flush     unix n - n 1000? 0 flush
proxymap  unix - - n - - proxymap
smtp      unix - - n - - smtp
showq     unix n - n - - showq
error     unix - - n - - error
retry     unix - - n - - error
anvil     unix - - n - 1 anvil
scache    unix - - n - 1 scache
postlog   unix-dgram n - n - 1 postlogd
`

const opendkimConf = `Mode s
Socket inet:%[1]s@127.0.0.1
Domain %[2]s
Selector %[3]s
KeyFile %[4]s
Canonicalization relaxed/relaxed
OversignHeaders From
SignatureAlgorithm rsa-sha256
RequireSafeKeys no
Syslog no
`
