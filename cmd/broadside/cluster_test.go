package main

import (
	"testing"
	"time"
)

// Planner, recorder and two senders are processes of their own on one NATS server and
// PostgreSQL; one sender is killed on the way.
func TestClusterOfProcesses(t *testing.T) {
	const recipients = 5000
	db := startPostgres(t)
	c := newCluster(t, recipients, "BROADSIDE_DB="+db, "BROADSIDE_NATS="+startNATS(t), "BROADSIDE_QUEUE_TAIL_LANES=4")
	c.prepare(recipients)
	c.open(db)

	c.serve("--roles", "plan")
	c.serve("--roles", "record")
	first := c.serve("--roles", "send")
	c.serve("--roles", "send")
	c.run("campaign", "start", "news")
	eventually(t, "no progress", 3*time.Minute, func() bool { return received(c.sim) > recipients/4 })
	first.kill()
	c.finished(1)

	v := c.compare()
	t.Logf("%+v, %d copies too many", v.counts, v.twice)
	if v.lost > 0 || v.unexpected > 0 || len(v.uncounted) > 0 || int64(v.twice) > c.connections() {
		t.Errorf("%+v", v)
	}
}
