package campaign_test

import (
	"context"
	"maps"
	"sync"
	"testing"
	"time"

	"broadside/campaign"
	"broadside/delivery/queue"
)

// taker is a sender without SMTP: it takes jobs, makes their outcomes durable and
// acknowledges them, as senders do.
type taker struct {
	queue *queue.Queue
	runs  *queue.Runs
	// outcome is what becomes of a job; false gives it back without one. nil: accepted.
	outcome func(campaign.Job) (campaign.Event, bool)
	now     func() time.Time // by which it keeps to windows

	mu      sync.Mutex
	taken   map[campaign.Recipient]int // jobs that had an outcome
	dropped map[campaign.Recipient]int // jobs that were given back
	order   []campaign.RunID           // of the jobs that had an outcome
}

func (w *world) taker() *taker {
	return &taker{now: time.Now, taken: map[campaign.Recipient]int{}, dropped: map[campaign.Recipient]int{}}
}

// take lets a taker work on the jobs of lanes until it is stopped.
func (w *world) take(s *taker, lanes ...campaign.Lane) (stop func()) {
	w.t.Helper()
	s.queue = w.queue
	s.runs = must(w.queue.WatchRuns(context.Background()))(w.t)
	return w.run(func(ctx context.Context) error {
		defer s.runs.Close()
		var wg sync.WaitGroup
		defer wg.Wait()
		for _, lane := range lanes {
			for _, class := range []queue.Class{queue.ExpressJobs, queue.RetryJobs, queue.BulkJobs} {
				source, err := w.queue.Source(ctx, lane, class)
				if err != nil {
					return err
				}
				wg.Go(func() { s.work(ctx, w.t, source) })
			}
		}
		return nil
	})
}

// sends lets a taker work on all lanes, and a recorder write down what becomes of its
// jobs; nil: all are accepted.
func (w *world) sends(outcome func(campaign.Job) (campaign.Event, bool)) *taker {
	w.t.Helper()
	s := w.taker()
	s.outcome = outcome
	w.record()
	w.take(s, usedLanes...)
	return s
}

// work takes jobs until ctx ends, and finishes what was taken before.
func (s *taker) work(ctx context.Context, t testing.TB, source *queue.Source) {
	arrived := make(chan queue.Delivery, queue.MaxInHand)
	var finishing sync.WaitGroup
	finishing.Go(func() {
		for d := range arrived {
			batch := []queue.Delivery{d}
			for range len(arrived) {
				batch = append(batch, <-arrived)
			}
			if err := s.finish(context.WithoutCancel(ctx), batch); err != nil {
				t.Errorf("taker: %v", err)
			}
		}
	})
	for ctx.Err() == nil {
		if err := source.Fetch(ctx, 100, time.Second, func(d queue.Delivery) { arrived <- d }); err != nil {
			t.Errorf("taker: %v", err)
			break
		}
	}
	close(arrived)
	finishing.Wait()
}

func (s *taker) finish(ctx context.Context, batch []queue.Delivery) error {
	var events []campaign.Event
	for _, d := range batch {
		status, err := s.runs.Status(ctx, d.Job.Run)
		if err != nil {
			return err
		}
		e, ok := accepted(d.Job), true
		switch {
		case status.Now(s.now()) != campaign.RunRunning:
			ok = false
		case s.outcome != nil:
			e, ok = s.outcome(d.Job)
		}
		s.note(d.Job, ok)
		if ok {
			events = append(events, e)
		}
	}
	if len(events) > 0 {
		if err := s.queue.PublishEvents(ctx, events); err != nil {
			return err
		}
	}
	for _, d := range batch {
		if err := d.Ack(); err != nil {
			return err
		}
	}
	return nil
}

// tell makes outcomes durable, as who holds the jobs does before acknowledging them.
func (w *world) tell(events ...campaign.Event) {
	w.t.Helper()
	if err := w.queue.PublishEvents(context.Background(), events); err != nil {
		w.t.Fatal(err)
	}
}

func (s *taker) note(j campaign.Job, outcome bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !outcome {
		s.dropped[j.Recipient]++
		return
	}
	s.taken[j.Recipient]++
	s.order = append(s.order, j.Run)
}

// jobs are how many outcomes and how many returns there were.
func (s *taker) jobs() (taken, dropped int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.taken), len(s.dropped)
}

// each checks that n recipients had so many outcomes each, none more or less.
func (s *taker) each(t testing.TB, n, times int) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.taken) != n {
		t.Errorf("%d recipients had jobs, want %d", len(s.taken), n)
	}
	wrong := map[int]int{}
	for _, n := range s.taken {
		if n != times {
			wrong[n]++
		}
	}
	if len(wrong) > 0 {
		t.Errorf("recipients by jobs, not %d each: %v", times, wrong)
	}
}

func (s *taker) takenBy() map[campaign.Recipient]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.taken)
}

func accepted(j campaign.Job) campaign.Event {
	return campaign.Event{Recipient: j.Recipient, Attempt: j.Attempt, State: campaign.Accepted, Code: 250, At: time.Now()}
}

// quarterGone is a taker's outcome: every fourth contact is unknown to the server.
func quarterGone(j campaign.Job) (campaign.Event, bool) {
	e := accepted(j)
	if j.Contact%4 == 0 {
		e.State, e.Reason, e.Code, e.Reply = campaign.Bounced, campaign.UserUnknown, 550, "5.1.1 no such user here"
	}
	return e, true
}
