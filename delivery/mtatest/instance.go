//go:build unix

// Package mtatest runs mail servers that others wrote, Postfix and Exim, as tests want
// them: private instances on loopback, each in a directory that is its caller's to make
// and to remove. It keeps nothing. Root alone can start them: their processes change
// users.
package mtatest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Instance is a running server. It stops by itself when the process that started it ends.
type Instance struct {
	dir   string
	logs  []string
	guard *exec.Cmd
	alive io.WriteCloser // the guard stops the server when this closes
	said  bytes.Buffer
}

// start runs a server in the foreground until its guard stops it by a line of shell, and
// returns when each address is served.
func start(dir string, logs []string, addrs []string, stop string, command ...string) (*Instance, error) {
	i := &Instance{dir: dir, logs: logs}
	i.guard = exec.Command("sh", append([]string{"-c", `"$@" & read -r _; ` + stop + `; wait $!`, "guard"}, command...)...)
	i.guard.Dir, i.guard.Stderr = dir, &i.said
	var err error
	if i.alive, err = i.guard.StdinPipe(); err != nil {
		return nil, err
	}
	if err := i.guard.Start(); err != nil {
		return nil, err
	}
	if err := await(addrs); err != nil {
		i.Stop()
		return nil, fmt.Errorf("%s: %w\n%s", command[0], err, i.Said())
	}
	return i, nil
}

// Stop stops the server and waits for its end.
func (i *Instance) Stop() {
	_ = i.alive.Close()
	_ = i.guard.Wait() // with the status of a process that was killed
}

// Said is what a server that has stopped said, and how its logs end.
func (i *Instance) Said() string {
	parts := []string{i.said.String()}
	for _, name := range i.logs {
		if log, err := os.ReadFile(filepath.Join(i.dir, name)); err == nil {
			parts = append(parts, fmt.Sprintf("%s ends in\n%s", name, log[max(0, len(log)-4<<10):]))
		}
	}
	return strings.Join(parts, "\n")
}

// await waits until every address is served.
func await(addrs []string) error {
	late := time.After(time.Minute)
	for _, addr := range addrs {
		for {
			conn, err := net.Dial("tcp", addr)
			if err == nil {
				conn.Close()
				break
			}
			select {
			case <-time.After(20 * time.Millisecond):
			case <-late:
				return err
			}
		}
	}
	return nil
}

// Dir makes a directory in a server's own that belongs to a user of the system.
func Dir(dir, name, owner string) error {
	dir = filepath.Join(dir, name)
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	return chown(dir, owner)
}

func chown(dir, owner string) error {
	u, err := user.Lookup(owner)
	if err != nil {
		return err
	}
	uid, err1 := strconv.Atoi(u.Uid)
	gid, err2 := strconv.Atoi(u.Gid)
	return errors.Join(err1, err2, os.Chown(dir, uid, gid))
}

// open lets the server's processes pass through to its directory: they are not root's. A
// parent that everybody can pass keeps its mode, and that of all temporary files is not a
// test's to change.
func open(dir string) error {
	parent := filepath.Dir(dir)
	info, err := os.Stat(parent)
	if err != nil {
		return err
	}
	const pass = 0o005
	if info.Mode()&pass == pass {
		return nil
	}
	if parent == filepath.Clean(os.TempDir()) {
		return fmt.Errorf("%s: a server's processes cannot pass through %s: give it a directory within one of its own", dir, parent)
	}
	return os.Chmod(parent, 0o755)
}

// write writes a server's file, in which DIR stands for its directory.
func write(dir, name, text string) error {
	return os.WriteFile(filepath.Join(dir, name), []byte(strings.ReplaceAll(text, "DIR", dir)), 0o644)
}
