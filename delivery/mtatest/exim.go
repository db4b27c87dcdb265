//go:build unix

package mtatest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// exim is where .ci/install unpacks Debian's exim4-daemon-heavy, which can't be
// installed beside Postfix.
const exim = "/var/cache/broadside/exim4/usr/sbin/exim4"

// EximUser is whose processes deliver.
const EximUser = "Debian-exim"

// StartExim starts an Exim in dir and waits until addrs are served. Its configuration
// begins with what every such Exim needs; config goes on from there, with main settings
// first, and DIR for dir. What it takes is queued until RunQueue, so that nobody waits.
func StartExim(dir, config string, addrs ...string) (*Instance, error) {
	if _, err := os.Stat(exim); err != nil {
		return nil, fmt.Errorf("%w: run .ci/install test to have it", err)
	}
	// The configuration stays root's, or Exim would not trust it.
	if err := errors.Join(open(dir), Dir(dir, "spool", EximUser), chown(dir, EximUser), write(dir, "exim.conf", eximMain+config)); err != nil {
		return nil, err
	}
	logs := []string{"log.main", "log.reject", "log.panic"}
	return start(dir, logs, addrs, "kill $!", exim, "-C", filepath.Join(dir, "exim.conf"), "-bdf")
}

// RunQueue lets Exim try once to deliver each message that it has, and reports whether
// it has none left.
func (i *Instance) RunQueue() (empty bool, err error) {
	if out, err := exec.Command(exim, "-C", filepath.Join(i.dir, "exim.conf"), "-qff").CombinedOutput(); err != nil {
		return false, fmt.Errorf("run Exim's queue: %w: %s", err, out)
	}
	queued, err := filepath.Glob(filepath.Join(i.dir, "spool", "input", "*"))
	return len(queued) == 0, err
}

var eximMain = strings.ReplaceAll(`exim_path = EXIM
exim_user = Debian-exim
exim_group = Debian-exim
deliver_drop_privilege = true
keep_environment =
spool_directory = DIR/spool
log_file_path = DIR/log.%s
pid_file_path = DIR/pid
local_interfaces = 127.0.0.1
queue_only = true
host_lookup =
rfc1413_hosts =
`, "EXIM", exim)
