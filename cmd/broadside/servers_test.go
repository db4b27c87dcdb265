package main

import (
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"broadside/store/pgtest"
)

func freePort(t *testing.T) int {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// freeAddr is an address for a role to listen at.
func freeAddr(t *testing.T) string { return fmt.Sprintf("127.0.0.1:%d", freePort(t)) }

// startPostgres starts a server of its own and returns the URL of an empty database.
func startPostgres(t *testing.T) string {
	t.Helper()
	pg, err := pgtest.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = pg.Stop() })
	url, err := pg.Database(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return url
}

// startNATS starts a server of its own process and returns its URL.
func startNATS(t *testing.T) string { return startNATSProcess(t).url() }

func startNATSProcess(t *testing.T) *natsProcess {
	t.Helper()
	n := &natsProcess{t: t, port: freePort(t), dir: filepath.Join(t.TempDir(), "nats")}
	t.Cleanup(func() { n.kill() })
	n.start()
	return n
}

// natsProcess is a server that can be killed and started again with what it had on disk.
type natsProcess struct {
	t    *testing.T
	port int
	dir  string
	cmd  *exec.Cmd
}

func (n *natsProcess) url() string { return fmt.Sprintf("nats://127.0.0.1:%d", n.port) }

func (n *natsProcess) start() {
	n.t.Helper()
	n.cmd = exec.Command("nats-server", "-js", "-a", "127.0.0.1", "-p", fmt.Sprint(n.port), "-sd", n.dir)
	if err := n.cmd.Start(); err != nil {
		n.t.Fatal(err)
	}
	eventually(n.t, "no NATS server", 20*time.Second, func() bool { return natsReady(n.url()) })
}

func (n *natsProcess) kill() {
	_ = n.cmd.Process.Kill()
	_ = n.cmd.Wait()
}
