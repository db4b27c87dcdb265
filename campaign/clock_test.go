package campaign_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"broadside/campaign"
)

// clock is a clock that a test sets.
type clock struct{ at atomic.Int64 }

func newClock(at time.Time) *clock {
	c := &clock{}
	c.set(at)
	return c
}

func (c *clock) set(at time.Time) { c.at.Store(at.UnixNano()) }
func (c *clock) now() time.Time   { return time.Unix(0, c.at.Load()).UTC() }

// watch goes as time does, but for what a test moves it ahead.
type watch struct{ ahead atomic.Int64 }

func (c *watch) now() time.Time          { return time.Now().Add(time.Duration(c.ahead.Load())) }
func (c *watch) advance(d time.Duration) { c.ahead.Add(int64(d)) }

// plannerBy is a planner that goes by a test's time.
func (w *world) plannerBy(now func() time.Time) *campaign.Planner {
	p := w.planner()
	p.Now = now
	return p
}

// watchedBy is a planner that goes by a test's time, and what counts its rounds.
func (w *world) watchedBy(now func() time.Time) (*campaign.Planner, *watched) {
	p, q := w.plannerBy(now), &watched{JobQueue: w.queue}
	p.Queue = q
	return p, q
}

// watched is a queue that knows how often the planner has gone round while a run is
// under way.
type watched struct {
	campaign.JobQueue
	asked atomic.Int64
}

func (q *watched) Depth(ctx context.Context) (campaign.Depth, error) {
	q.asked.Add(1)
	return q.JobQueue.Depth(ctx)
}

// rounds waits until the planner has gone round so often.
func (q *watched) rounds(t testing.TB, n int64) {
	t.Helper()
	from := q.asked.Load()
	eventually(t, "the planner has gone round again", func() bool { return q.asked.Load() > from+n })
}
