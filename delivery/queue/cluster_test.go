package queue

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"broadside/campaign"
)

// cluster is three NATS servers in this process that replicate everything.
type cluster struct {
	t    *testing.T
	opts [3]*server.Options

	mu    sync.Mutex
	nodes [3]*server.Server
}

func startCluster(t *testing.T) *cluster {
	c := &cluster{t: t}
	var ports [3]int
	var routes []*url.URL
	for i := range ports {
		ports[i] = freePort(t)
		routes = append(routes, &url.URL{Scheme: "nats", Host: fmt.Sprintf("127.0.0.1:%d", ports[i])})
	}
	for i := range c.opts {
		c.opts[i] = &server.Options{
			ServerName: fmt.Sprintf("n%d", i), Host: "127.0.0.1", Port: freePort(t), NoSigs: true, NoLog: true,
			JetStream: true, StoreDir: t.TempDir(), JetStreamMaxStore: 32 << 30, JetStreamMaxMemory: 64 << 20,
			Cluster: server.ClusterOpts{Name: "test", Host: "127.0.0.1", Port: ports[i]}, Routes: routes,
		}
		c.start(i)
	}
	t.Cleanup(func() {
		for i := range c.nodes {
			c.stop(i)
		}
	})
	eventually(t, "the cluster has a leader and all its members", func() bool {
		for _, n := range c.nodes {
			if n.JetStreamIsLeader() {
				return len(n.JetStreamClusterPeers()) == len(c.nodes)
			}
		}
		return false
	})
	return c
}

func freePort(t *testing.T) int {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

func (c *cluster) start(i int) {
	c.t.Helper()
	node, err := server.NewServer(c.opts[i].Clone())
	if err != nil {
		c.t.Fatal(err)
	}
	node.Start()
	c.mu.Lock()
	c.nodes[i] = node
	c.mu.Unlock()
	if !node.ReadyForConnections(patience) {
		c.t.Fatalf("node %d is not ready", i)
	}
}

func (c *cluster) stop(i int) {
	c.mu.Lock()
	node := c.nodes[i]
	c.mu.Unlock()
	node.Shutdown()
	node.WaitForShutdown()
}

func (c *cluster) urls() string {
	var all []string
	for _, o := range c.opts {
		all = append(all, fmt.Sprintf("nats://127.0.0.1:%d", o.Port))
	}
	return strings.Join(all, ",")
}

// leaderOf is the node that leads a stream.
func (c *cluster) leaderOf(q *Queue, stream string) (node int, ok bool) {
	s, err := q.js.Stream(c.t.Context(), stream)
	if err != nil {
		return 0, false
	}
	info := s.CachedInfo().Cluster
	if info == nil || info.Leader == "" {
		return 0, false
	}
	_, err = fmt.Sscanf(info.Leader, "n%d", &node)
	return node, err == nil
}

// Every contact is in the stream exactly once although the stream's leader is shut
// down, twice, while batches are on their way: after an error the marker tells whether
// the batch was committed.
func TestFeedingSurvivesTheStreamsLeader(t *testing.T) {
	t.Parallel()
	c := startCluster(t)
	q := connect(t, Options{URL: c.urls(), Name: "planner", Replicas: 3, MaxBytes: 1 << 30})
	const last = 20_000
	fed := make(chan campaign.ContactID, last)
	var planner sync.WaitGroup
	planner.Go(func() {
		defer close(fed)
		if err := feedAll(t.Context(), q, last, fed); err != nil {
			t.Error(err)
		}
	})
	errorsAt := []campaign.ContactID{last / 5, last * 3 / 5}
	for at := range fed {
		if len(errorsAt) == 0 || at < errorsAt[0] {
			continue
		}
		errorsAt = errorsAt[1:]
		node, ok := c.leaderOf(q, jobsStream)
		for !ok {
			node, ok = c.leaderOf(q, jobsStream)
		}
		c.stop(node)
		c.start(node)
	}
	planner.Wait()
	if len(errorsAt) > 0 {
		t.Errorf("the leader was to be stopped at %v, too", errorsAt)
	}
	// The node led other streams, too.
	eventually(t, "the streams have leaders", func() bool { _, err := q.Depth(t.Context()); return err == nil })
	eachOnce(t, q, lane, 1, last)
}

// feedAll feeds contacts up to last as the planner does, and reports its progress.
func feedAll(ctx context.Context, q *Queue, last campaign.ContactID, fed chan<- campaign.ContactID) error {
	var m campaign.Marker
	known := true
	for deadline := time.Now().Add(2 * patience); m.Cursor < last; {
		if time.Now().After(deadline) {
			return fmt.Errorf("fed up to %d only", m.Cursor)
		}
		// A batch that got no answer is found out about quickly.
		attempt, cancel := context.WithTimeout(ctx, 3*time.Second)
		var err error
		if !known {
			var read campaign.Marker
			if read, err = q.Marker(attempt, lane, 1); err == nil {
				m, known = read, true
			}
		} else {
			to := min(m.Cursor+200, last)
			var next campaign.Marker
			next, err = q.Feed(attempt, lane, 1, m, campaign.Marker{Cursor: to}, jobsFor(lane, 1, m.Cursor+1, to))
			if err == nil {
				m = next
				fed <- to
			}
			known = err == nil
		}
		cancel()
		if err != nil && ctx.Err() != nil {
			return err
		}
	}
	return nil
}

// Leases, retries and events work on a replicated queue, and go on without one node.
func TestAClusterWithoutOneNode(t *testing.T) {
	t.Parallel()
	c := startCluster(t)
	q := connect(t, Options{URL: c.urls(), Name: "a", Replicas: 3, MaxBytes: 1 << 30, LeaseTTL: 2 * time.Second})
	var all contest
	leader := all.enter(t, q)
	eventually(t, "a leads", leader.leading.Load)
	publish(t, q, outcomes(1, 10))
	node, ok := c.leaderOf(q, eventsStream)
	if !ok {
		t.Fatal("the event stream has no leader")
	}
	c.stop(node)
	eventually(t, "events are published without it", func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		return q.PublishEvents(ctx, outcomes(11, 20)) == nil
	})
	job := jobsFor(lane, 1, 1, 1)[0]
	eventually(t, "a retry is scheduled without it", func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		return q.Retry(ctx, job, time.Now().Add(time.Second)) == nil
	})
	var src *Source
	eventually(t, "a source opens without it", func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		var err error
		src, err = q.Source(ctx, lane, RetryJobs)
		return err == nil
	})
	if d := take(t, src, 1)[0]; !same(d.Job, job) {
		t.Errorf("the retry is %+v", d.Job)
	}
	eventually(t, "a leads, as before or again", leader.leading.Load)
	if most := all.most.Load(); most != 1 {
		t.Errorf("%d led at the same time", most)
	}
	var r *EventReader
	eventually(t, "the events can be read without it", func() bool {
		var err error
		r, err = q.ReadEvents(t.Context(), 0)
		return err == nil
	})
	defer r.Close()
	got, _ := read(t, r, 2000, 20)
	inOrder(t, slices.Compact(slices.Sorted(slices.Values(got))), 1, 20) // a retried group may be there twice
}
