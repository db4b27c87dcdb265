//go:build unix

package mtatest

import (
	"errors"
	"fmt"
	"os/exec"
)

// StartPostfix starts a Postfix (Debian package postfix) in dir and waits until addrs are
// served. main are lines of main.cf beside those that every such Postfix needs, with DIR
// for dir; listening are the lines of master.cf for the services that listen.
func StartPostfix(dir, main, listening string, addrs ...string) (*Instance, error) {
	if _, err := exec.LookPath("postfix"); err != nil {
		return nil, fmt.Errorf("%w: install the package postfix", err)
	}
	err := errors.Join(open(dir), Dir(dir, "queue", "root"), Dir(dir, "data", "postfix"),
		write(dir, "main.cf", postfixMain+main), write(dir, "master.cf", listening+postfixServices))
	if err != nil {
		return nil, err
	}
	return start(dir, []string{"log"}, addrs, "kill $(cat queue/pid/master.pid)", "postfix", "-c", dir, "start-fg")
}

const postfixMain = `compatibility_level = 3.6
mydestination =
alias_maps =
local_recipient_maps =
inet_interfaces = loopback-only
inet_protocols = ipv4
queue_directory = DIR/queue
data_directory = DIR/data
maillog_file = DIR/log
maillog_file_prefixes = DIR
`

// postfixServices are what delivering, relaying and bouncing need, none in a chroot.
const postfixServices = `cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
virtual unix - n n - - virtual
smtp unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
anvil unix - - n - 1 anvil
proxymap unix - - n - - proxymap
postlog unix-dgram n - n - 1 postlogd
`
