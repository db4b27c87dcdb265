package queue

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"
)

// candidate is a process that would lead.
type candidate struct {
	q       *Queue
	leading atomic.Bool
	began   atomic.Int32
	stop    context.CancelFunc
	ended   chan error
}

// contest counts who leads at the same time.
type contest struct {
	leading, most atomic.Int32
}

// enter lets a candidate compete. A leader takes a moment to stop, as real work does.
func (c *contest) enter(t *testing.T, q *Queue) *candidate {
	ctx, stop := context.WithCancel(t.Context())
	one := &candidate{q: q, stop: stop, ended: make(chan error, 1)}
	work := func(ctx context.Context) error {
		n := c.leading.Add(1)
		for most := c.most.Load(); n > most && !c.most.CompareAndSwap(most, n); most = c.most.Load() {
		}
		one.began.Add(1)
		one.leading.Store(true)
		<-ctx.Done()
		<-time.After(q.opt.LeaseTTL / 6)
		one.leading.Store(false)
		c.leading.Add(-1)
		return nil
	}
	go func() { one.ended <- q.Lead(ctx, "planner", work) }()
	t.Cleanup(func() { stop(); <-one.ended })
	return one
}

func leaderOf(all []*candidate) *candidate {
	for _, one := range all {
		if one.leading.Load() {
			return one
		}
	}
	return nil
}

func TestOneOfThreeLeads(t *testing.T) {
	t.Parallel()
	server := startServer(t, t.TempDir())
	var c contest
	var all []*candidate
	for _, name := range []string{"a", "b", "c"} {
		all = append(all, c.enter(t, connect(t, Options{Embedded: server, Name: name, LeaseTTL: 2 * time.Second})))
	}
	eventually(t, "somebody leads", func() bool { return leaderOf(all) != nil })

	// The leader loses its connection: it stops by itself, and only then another leads.
	first := leaderOf(all)
	first.q.nc.Close()
	eventually(t, "another leads", func() bool { l := leaderOf(all); return l != nil && l != first })

	// The leader ends in order: the next one need not wait for the lease to expire.
	second := leaderOf(all)
	second.stop()
	if err := <-second.ended; err != nil {
		t.Errorf("Lead ended with %v", err)
	}
	second.ended <- nil // for the cleanup
	eventually(t, "the third leads", func() bool { l := leaderOf(all); return l != nil && l != first && l != second })
	if most := c.most.Load(); most != 1 {
		t.Errorf("%d led at the same time", most)
	}
}

func TestALeaderOutlivesManyLeases(t *testing.T) {
	t.Parallel()
	server := startServer(t, t.TempDir())
	var c contest
	a := c.enter(t, connect(t, Options{Embedded: server, Name: "a", LeaseTTL: time.Second}))
	eventually(t, "a leads", a.leading.Load)
	b := c.enter(t, connect(t, Options{Embedded: server, Name: "b", LeaseTTL: time.Second}))
	<-time.After(4 * time.Second) // four leases long
	if a.began.Load() != 1 || b.began.Load() != 0 {
		t.Errorf("a began %d times and b %d times, want once and never", a.began.Load(), b.began.Load())
	}
}

// The lease of a process that died is its own again when it comes back: a restart
// waits for nothing.
func TestARestartedProcessHasItsLeaseBack(t *testing.T) {
	t.Parallel()
	server := startServer(t, t.TempDir())
	var c contest
	long := Options{Embedded: server, Name: "a", LeaseTTL: time.Hour}
	dead := connect(t, long)
	if _, ok := dead.takeLease(t.Context(), "planner"); !ok {
		t.Fatal("no lease")
	}
	dead.nc.Close()
	other := long
	other.Name = "b"
	b := c.enter(t, connect(t, other))
	long.LeaseTTL = 6 * time.Second
	a := c.enter(t, connect(t, long))
	eventually(t, "a leads again", a.leading.Load)
	if b.began.Load() != 0 {
		t.Error("b led while the lease was a's")
	}
	b.stop()
}

func TestWorkThatEndsIsStartedAgain(t *testing.T) {
	t.Parallel()
	q := connect(t, Options{Embedded: startServer(t, t.TempDir()), Name: "a", LeaseTTL: time.Second})
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	ends := []error{nil, errors.New("broken"), nil}
	began := 0
	err := q.Lead(ctx, "planner", func(context.Context) error {
		began++
		if began > len(ends) {
			stop()
			return nil
		}
		return ends[began-1]
	})
	if err != nil || began != len(ends)+1 {
		t.Errorf("work began %d times, Lead ended with %v", began, err)
	}
}
