package main

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"broadside/store/pgtest"
)

// Planner, recorder and two senders are processes of their own on one NATS server and
// PostgreSQL; one sender is killed on the way.
func TestClusterOfProcesses(t *testing.T) {
	const recipients = 5000
	pg, err := pgtest.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = pg.Stop() })
	db, err := pg.Database(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	nats := startNATS(t)
	c := newCluster(t, recipients, "BROADSIDE_DB="+db, "BROADSIDE_NATS="+nats, "BROADSIDE_QUEUE_TAIL_LANES=4")
	c.prepare(recipients)
	c.open(db)

	planner := c.serve("--roles", "plan")
	recorder := c.serve("--roles", "record")
	first := c.serve("--roles", "send")
	second := c.serve("--roles", "send")
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("planner:\n%s\nrecorder:\n%s\nsender:\n%s", planner.log, recorder.log, second.log)
		}
	})
	c.run("campaign", "start", "news")
	eventually(t, "no progress", 3*time.Minute, func() bool { return received(c.sim) > recipients/4 })
	first.kill()
	c.finished(2 * time.Minute)

	v := c.compare()
	t.Logf("%+v, %d copies too many", v.counts, v.twice)
	if v.lost > 0 || v.unexpected > 0 || len(v.uncounted) > 0 || int64(v.twice) > c.connections() {
		t.Errorf("%+v", v)
	}
}

// startNATS starts a server of its own process and returns its URL.
func startNATS(t *testing.T) string {
	n := &natsProcess{t: t, port: freePort(t), dir: filepath.Join(t.TempDir(), "nats")}
	t.Cleanup(n.kill)
	n.start()
	return n.url()
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
