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
	// LaneOf says which lane a domain's mail goes to. It must not block.
	LaneOf func(domain string) Lane
	// Tick is how often the runs' states are read and idle lanes looked at: a pause
	// takes effect within it. Default 200 ms.
	Tick time.Duration
	// Grace is how long a retry may be overdue before the planner asks whether the
	// queue still knows it. Default 2 min.
	Grace time.Duration
	Log   *slog.Logger

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
		p.Grace = 2 * time.Minute
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var wg sync.WaitGroup
	for _, part := range []func(context.Context) error{p.control, p.feed} {
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

// control starts runs whose time has come and tells senders every change of state.
// It is apart from feeding so that nothing which takes long delays a pause.
func (p *Planner) control(ctx context.Context) error {
	announced := map[RunID]RunStatus{}
	for {
		runs, err := p.Store.OpenRuns(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("planner: reading the open runs: %w", err)
		}
		for i := range runs {
			if err := p.startIfDue(ctx, &runs[i]); err != nil {
				return err
			}
			status := RunStatus{Run: runs[i].ID, State: runs[i].State, Epoch: runs[i].Epoch}
			if announced[status.Run] == status || status.State == RunScheduled {
				continue
			}
			if err := p.Queue.Announce(ctx, status); err != nil {
				return err
			}
			announced[status.Run] = status
		}
		p.setRuns(runs)
		if !sleep(ctx, p.Tick) {
			return nil
		}
	}
}

func (p *Planner) startIfDue(ctx context.Context, r *Run) error {
	if r.State != RunScheduled || r.StartAt.After(time.Now()) {
		return nil
	}
	started, err := p.Store.StartRun(ctx, r.ID, time.Now())
	if err != nil {
		return fmt.Errorf("planner: starting run %d: %w", r.ID, err)
	}
	if started {
		r.State = RunRunning
		p.Log.Info("planner: scheduled run started", "run", r.ID, "campaign", r.Spec.Name, "due", r.StartAt)
	}
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
