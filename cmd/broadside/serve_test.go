package main

import (
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// What keeps an engine from starting is said in one line, before anything is sent.
func TestServeRefusesToStart(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	c := newCluster(t, 10)

	first := c.serve()
	c.openOwn()
	lock := filepath.Join(c.dir, "data", "lock")
	eventually(t, "the first engine does not start", time.Minute, func() bool {
		f, err := lockData(filepath.Dir(lock))
		if err == nil {
			_ = f.Close()
		}
		return err != nil
	})
	for _, test := range []struct {
		name, words string
		args        []string
	}{
		{"data directory in use", "is in use by another broadside", nil},
		{"port in use", "choose another address with --listen", []string{"--data", t.TempDir(), "--listen", taken.Addr().String()}},
		{"bounce port in use", "choose another address with --bounce-listen", []string{"--data", t.TempDir(), "--bounce-listen", taken.Addr().String()}},
		{"no NATS server", "no NATS server at", []string{"--data", t.TempDir(), "--nats", "nats://127.0.0.1:1"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			cmd := exec.Command("broadside", append([]string{"serve"}, test.args...)...)
			cmd.Env, cmd.Dir = c.env, c.dir
			out, err := cmd.CombinedOutput()
			if cmd.ProcessState.ExitCode() != 1 || strings.Count(string(out), "\n") != 1 || !strings.Contains(string(out), test.words) {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
	first.kill()
}
