package campaign_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"broadside/campaign"
)

// spy is a planner's store and queue with a word in between.
type spy struct {
	campaign.PlanStore
	campaign.JobQueue
	append func(next func() error) error
	feed   func(jobs int, next func() error) error
}

func (s *spy) AppendRecipients(ctx context.Context, id campaign.RunID, from, to campaign.ContactID, rows []campaign.NewRecipient, done bool) error {
	next := func() error { return s.PlanStore.AppendRecipients(ctx, id, from, to, rows, done) }
	if s.append == nil {
		return next()
	}
	return s.append(next)
}

func (s *spy) Feed(ctx context.Context, lane campaign.Lane, run campaign.RunID, prev, to campaign.Marker, jobs []campaign.Job) (m campaign.Marker, err error) {
	next := func() error {
		m, err = s.JobQueue.Feed(ctx, lane, run, prev, to, jobs)
		return err
	}
	if s.feed == nil {
		return m, next()
	}
	err = s.feed(len(jobs), next)
	return m, err
}

// spied returns a planner whose store and queue are a spy's.
func (w *world) spied(s *spy) *campaign.Planner {
	p := w.planner()
	s.PlanStore, s.JobQueue = w.db, w.queue
	p.Store, p.Queue = s, s
	return p
}

// Everyone of a large audience gets one job, and the first job is in the queue before
// the second page of the audience is in the ledger.
func TestEveryoneIsFedOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const n = 30_000 / scale
	var mu sync.Mutex
	var order []string
	log := func(what string) {
		mu.Lock()
		defer mu.Unlock()
		order = append(order, what)
	}
	p := w.spied(&spy{
		append: func(next func() error) error {
			err := next()
			log("page")
			return err
		},
		feed: func(_ int, next func() error) error {
			err := next()
			log("jobs")
			return err
		},
	})
	run := w.startTo(n, "t0.example", "t1.example", "gmail.com")
	s := w.sends(nil)
	w.run(p.Run)
	w.reached(run, n)
	s.each(t, n, 1)
	mu.Lock()
	defer mu.Unlock()
	if !slices.Equal(order[:2], []string{"page", "jobs"}) {
		t.Errorf("the planner began with %v", order[:2])
	}
	if left := slices.Index(order, "jobs"); slices.Index(order[left:], "page") < 0 {
		t.Error("the first jobs came after the whole audience")
	}
}

// A planner that is stopped at any moment, also in the middle of a batch that it will
// never know to be committed, is followed by one that loses and repeats nothing.
func TestPlannerRestarts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const n = 30_000 / scale
	run := w.startTo(n, "t0.example", "t1.example", "gmail.com")
	s := w.sends(nil)
	rnd := rand.New(rand.NewPCG(20, 1))
	for range 20 / scale {
		w.planUntilKilled(rnd.IntN(3), rnd.IntN(3))
	}
	w.run(w.planner().Run)
	w.reached(run, n)
	s.each(t, n, 1)
}

// planUntilKilled stops a planner at its nth write: before, during or after it.
func (w *world) planUntilKilled(nth, moment int) {
	ctx, kill := context.WithCancel(context.Background())
	defer kill()
	var mu sync.Mutex
	writes := 0
	write := func(next func() error) error {
		mu.Lock()
		writes++
		mine := writes == nth+1
		mu.Unlock()
		if !mine {
			return next()
		}
		switch moment {
		case 0:
			kill()
		case 1:
			go kill()
		default:
			defer kill()
		}
		return next()
	}
	p := w.spied(&spy{append: write, feed: func(_ int, next func() error) error { return write(next) }})
	if err := p.Run(ctx); err != nil {
		w.t.Errorf("a planner that was stopped says %v", err)
	}
}

// Two planners at once waste work, and do no harm: of two that take the same page of
// the audience, or feed a lane from the same marker, one is refused.
func TestTwoPlanners(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const n = 15_000 / scale
	run := w.startTo(n, "t0.example", "t1.example")
	s := w.sends(nil)
	var both sync.WaitGroup // have read the first page
	both.Add(2)
	var refused atomic.Int64
	for range 2 {
		first := sync.OnceFunc(func() {
			both.Done()
			both.Wait()
		})
		w.run(w.spied(&spy{append: func(next func() error) error {
			first()
			err := next()
			if errors.Is(err, campaign.ErrConflict) {
				refused.Add(1)
			}
			return err
		}}).Run)
	}
	w.reached(run, n)
	s.each(t, n, 1)
	if refused.Load() == 0 {
		t.Error("both planners took the first page")
	}
}

// A planner whose marker another one has moved reads it again, and feeds what is left.
func TestStaleMarker(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const n = 1200 / scale
	run := w.startTo(n, "t0.example")
	s := w.sends(nil)
	other := w.planner()
	var refused, feeds atomic.Int64
	w.run(w.spied(&spy{feed: func(_ int, next func() error) error {
		if feeds.Add(1) == 1 {
			// Between this planner's reading of the rows and its feeding them, another one
			// feeds the same.
			stop := w.run(other.Run)
			eventually(t, "the other planner has fed the lane", func() bool {
				return must(w.queue.Marker(context.Background(), campaign.TailLane, run.ID))(t).Seq > 0
			})
			stop()
		}
		err := next()
		if errors.Is(err, campaign.ErrStale) {
			refused.Add(1)
		}
		return err
	}}).Run)
	w.reached(run, n)
	s.each(t, n, 1)
	if refused.Load() == 0 {
		t.Error("both planners fed the same recipients")
	}
}
