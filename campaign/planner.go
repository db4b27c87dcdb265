package campaign

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// Planner takes audiences into the ledger and feeds the lanes from it. One planner
// works at a time (the caller holds the lease); if two ever do, compare-and-swap on
// the snapshot's cursor and on the lanes' markers keeps them from doing anything
// twice. All that it remembers is read again after a restart.
type Planner struct {
	Store PlanStore
	Queue JobQueue
	// LanesOf says which lanes the mail of domains goes to. It is asked once for each
	// page of an audience, and may take a fraction of a second.
	LanesOf func(domains []string) []Lane
	// Tick is how often the runs' states are read and idle lanes looked at: a pause
	// takes effect within it. Default 200 ms.
	Tick time.Duration
	// Grace is how long a retry may be overdue before the planner asks whether the
	// queue still knows it. Default 10 s.
	Grace time.Duration
	// Now is the time by which runs start and retries are due. Default time.Now.
	Now func() time.Time
	Log *slog.Logger

	mu   sync.Mutex
	runs []Run // as last read by control, for the feeder
}

// Run plans until ctx is done. It returns an error only when the store or the queue
// cannot be used at all; the caller starts it again.
func (p *Planner) Run(ctx context.Context) error {
	if p.Tick == 0 {
		p.Tick = 200 * time.Millisecond
	}
	if p.Grace == 0 {
		p.Grace = 10 * time.Second
	}
	if p.Now == nil {
		p.Now = time.Now
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var wg sync.WaitGroup
	for _, part := range []func(context.Context) error{p.control, p.feed, p.brake, p.abTests} {
		wg.Go(func() {
			if err := part(ctx); err != nil {
				stop(err)
			}
		})
	}
	wg.Wait()
	return endCause(ctx)
}

// endCause is why ctx ended, nil when it was simply cancelled.
func endCause(ctx context.Context) error {
	if err := context.Cause(ctx); err != nil && err != context.Canceled {
		return err
	}
	return nil
}

// control starts runs whose time has come, tells senders every change of state, and
// clears away what the queue keeps of runs that are over. It is apart from feeding so
// that nothing which takes long delays a pause.
func (p *Planner) control(ctx context.Context) error {
	announced, err := p.announced(ctx)
	hours := timetable{}
	for err == nil && ctx.Err() == nil {
		var runs []Run
		if runs, err = p.Store.OpenRuns(ctx); err != nil {
			err = fmt.Errorf("planner: reading the open runs: %w", err)
			break
		}
		if err = p.recur(ctx, runs); err != nil {
			break
		}
		if err = p.tell(ctx, runs, hours, announced); err != nil {
			break
		}
		p.setRuns(runs)
		sleep(ctx, p.Tick)
	}
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// announced is what an earlier planner announced: whatever it was, it is told again.
func (p *Planner) announced(ctx context.Context) (map[RunID]RunStatus, error) {
	ids, err := p.Queue.Announced(ctx)
	announced := make(map[RunID]RunStatus, len(ids))
	for _, id := range ids {
		announced[id] = RunStatus{}
	}
	return announced, err
}

// tell brings what is announced up to date with the open runs. A run that was
// announced and is open no longer is over: nothing will be fed of it again.
func (p *Planner) tell(ctx context.Context, runs []Run, hours timetable, announced map[RunID]RunStatus) error {
	open := make(map[RunID]bool, len(runs))
	for i := range runs {
		r := &runs[i]
		open[r.ID] = true
		if err := p.startIfDue(ctx, r); err != nil {
			return err
		}
		if err := p.closeIfOver(ctx, r); err != nil {
			return err
		}
		status := hours.status(r, p.Now())
		if announced[r.ID] == status || r.State == RunScheduled {
			continue
		}
		if err := p.Queue.Announce(ctx, status); err != nil {
			return err
		}
		announced[r.ID] = status
	}
	for id := range announced {
		if open[id] {
			continue
		}
		if err := p.Queue.DropRun(ctx, id); err != nil {
			return err
		}
		delete(announced, id)
	}
	return nil
}

func (p *Planner) startIfDue(ctx context.Context, r *Run) error {
	now := p.Now()
	if r.State != RunScheduled || r.StartAt.After(now) {
		return nil
	}
	started, err := p.Store.StartRun(ctx, r.ID, now)
	if err != nil {
		return fmt.Errorf("planner: starting run %d: %w", r.ID, err)
	}
	if started {
		r.State, r.Started = RunRunning, now.Truncate(time.Millisecond) // as it is stored
		p.Log.Info("planner: scheduled run started", "run", r.ID, "campaign", r.Spec.Name, "due", r.StartAt)
	}
	return nil
}

// closeIfOver has a run that stands open for messages end with its month: reports are of
// a month, and what is kept of ended runs is kept for a time. The next message begins
// another.
func (p *Planner) closeIfOver(ctx context.Context, r *Run) error {
	const month = "2006-01"
	if r.Standing != StandsOpen || r.Started.UTC().Format(month) >= p.Now().UTC().Format(month) {
		return nil
	}
	if err := p.Store.CloseStandingRun(ctx, r.ID); err != nil {
		return fmt.Errorf("planner: %w", err)
	}
	p.Log.Info("planner: a template's month is over; the next message begins a run", "run", r.ID, "campaign", r.Spec.Name)
	return nil
}

func (p *Planner) setRuns(runs []Run) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.runs = runs
}

func (p *Planner) openRuns() []Run {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.runs
}

// sleep waits for d; false when ctx ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
