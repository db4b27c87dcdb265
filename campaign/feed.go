package campaign

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
)

// feedParallel lanes are fed at once: one reads while another publishes.
const feedParallel = 4

// feeder is the memory of the planner's feeding half. It is built anew whenever
// planning starts; everything in it is read from the store and the queue. It grows
// with lanes and open runs, never with recipients.
type feeder struct {
	p         *Planner
	snapshots map[RunID]*snapshot
	overdue   map[RunID]*overdue
	lanes     map[Lane]*laneFeed
}

func newFeeder(p *Planner) *feeder {
	f := &feeder{p: p, snapshots: map[RunID]*snapshot{}, overdue: map[RunID]*overdue{}, lanes: map[Lane]*laneFeed{}}
	for _, l := range p.Queue.Lanes() {
		f.lanes[l] = newLaneFeed(f, l)
	}
	return f
}

// feed does rounds of snapshot, feeding and finishing: at once again while there is
// work, otherwise at every tick.
func (p *Planner) feed(ctx context.Context) error {
	f := newFeeder(p)
	for {
		busy, err := f.round(ctx, p.openRuns())
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		if !busy && !sleep(ctx, p.Tick/2) {
			return nil
		}
	}
}

// round reports whether it did something that may at once be followed by more.
func (f *feeder) round(ctx context.Context, runs []Run) (busy bool, err error) {
	f.forget(runs)
	var running []*Run
	for i := range runs {
		switch r := &runs[i]; r.State {
		case RunCancelled:
			more, err := f.sweep(ctx, r)
			if err != nil {
				return false, err
			}
			busy = busy || more
		case RunRunning:
			usable, err := f.usable(ctx, r)
			if err != nil {
				return false, err
			}
			if usable {
				running = append(running, r)
			}
		}
	}
	if len(running) == 0 {
		return busy, nil
	}
	// Feeding comes first: what is in the ledger already waits for nothing.
	fed, err := f.feedLanes(ctx, running)
	if err != nil {
		return false, err
	}
	for _, r := range running {
		more, err := f.snapshotPage(ctx, r)
		if err != nil {
			return false, err
		}
		busy = busy || more
		if err := f.checkRetries(ctx, r); err != nil {
			return false, err
		}
	}
	return busy || fed > 0, nil
}

// forget drops the memory of runs that are over.
func (f *feeder) forget(runs []Run) {
	over := func(id RunID) bool {
		return !slices.ContainsFunc(runs, func(r Run) bool { return r.ID == id })
	}
	maps.DeleteFunc(f.snapshots, func(id RunID, _ *snapshot) bool { return over(id) })
	maps.DeleteFunc(f.overdue, func(id RunID, _ *overdue) bool { return over(id) })
	for _, l := range f.lanes {
		maps.DeleteFunc(l.runs, func(id RunID, _ *laneRun) bool { return over(id) })
	}
}

// snapshotPage takes one page of a run's audience, and reports whether there are more.
func (f *feeder) snapshotPage(ctx context.Context, r *Run) (bool, error) {
	s, err := f.snapshotOf(ctx, r)
	if err != nil || s.done {
		return false, err
	}
	err = f.p.advance(ctx, s)
	if errors.Is(err, ErrConflict) {
		// The run was cancelled just now, or another planner is at work: what the store
		// says next time is right.
		delete(f.snapshots, r.ID)
		return false, nil
	}
	return err == nil, err
}

// usable reports whether a run's audience and window can be told. A run whose list is gone is
// paused with a note: it must not keep the others from being fed.
func (f *feeder) usable(ctx context.Context, r *Run) (bool, error) {
	_, err := f.snapshotOf(ctx, r)
	if err == nil || !errors.Is(err, errUnusable) {
		return err == nil, err
	}
	f.p.Log.Error("planner: run paused", "run", r.ID, "campaign", r.Spec.Name, "error", err)
	_, err = f.p.Store.SetRunState(ctx, r.ID, []RunState{RunRunning}, RunPaused, err.Error(), f.p.Now())
	if err != nil && !errors.Is(err, ErrConflict) {
		return false, fmt.Errorf("planner: pausing run %d: %w", r.ID, err)
	}
	return false, nil
}

func (f *feeder) snapshotOf(ctx context.Context, r *Run) (*snapshot, error) {
	if s := f.snapshots[r.ID]; s != nil {
		return s, nil
	}
	s, err := f.p.newSnapshot(ctx, r)
	if err != nil {
		return nil, err
	}
	f.snapshots[r.ID] = s
	return s, nil
}

// feedLanes tops up every lane and finishes runs of which nothing is open. It returns
// how many jobs it fed.
func (f *feeder) feedLanes(ctx context.Context, running []*Run) (int64, error) {
	// The depth is read before the counts and the ledger: a job that has left the queue
	// by then has its outcome published.
	depth, err := f.p.Queue.Depth(ctx)
	if err != nil {
		return 0, err
	}
	waiting := map[LaneRun]int64{}
	for _, r := range running {
		if err := f.survey(ctx, r, waiting); err != nil {
			return 0, err
		}
	}
	var (
		g     errgroup.Group
		total atomic.Int64
	)
	g.SetLimit(feedParallel)
	for _, l := range f.lanes {
		l.observe(depth, running, f.p.Now())
		work := slices.DeleteFunc(slices.Clone(running), func(r *Run) bool { return waiting[LaneRun{l.lane, r.ID}] == 0 })
		if len(work) == 0 {
			continue
		}
		g.Go(func() error {
			n, err := l.feed(ctx, work, depth, waiting)
			total.Add(n)
			return err
		})
	}
	err = g.Wait()
	return total.Load(), err
}

// survey counts a run's waiting recipients by lane, those in waves that are not open left
// out, as long as its window is open, and finishes the run when none of its recipients is
// open.
func (f *feeder) survey(ctx context.Context, r *Run, waiting map[LaneRun]int64) error {
	s, err := f.snapshotOf(ctx, r)
	if err != nil {
		return err
	}
	if err := f.p.openWaves(ctx, r, s); err != nil {
		return err
	}
	counts, err := f.p.Store.RunLanes(ctx, r.ID)
	if err != nil {
		return fmt.Errorf("planner: counts of run %d: %w", r.ID, err)
	}
	open, feeding := false, s.hours.Open(f.p.Now())
	for _, c := range counts {
		if c.N == 0 || c.State.Final() {
			continue
		}
		open = true
		if f.lanes[c.Lane] == nil {
			f.warnOfLane(s, c.Lane)
		} else if c.State == Waiting && feeding {
			waiting[LaneRun{c.Lane, r.ID}] += c.N
		}
	}
	for lane := range s.parts {
		if part := (LaneRun{lane, r.ID}); waiting[part] > 0 {
			waiting[part] = max(waiting[part]-s.parts.held(lane, s.upTo), 0)
		}
	}
	if open || !s.done {
		return nil
	}
	return f.finish(ctx, r)
}

// warnOfLane says once that recipients of a run wait where nobody looks.
func (f *feeder) warnOfLane(s *snapshot, lane Lane) {
	if s.warned {
		return
	}
	s.warned = true
	f.p.Log.Error("planner: recipients wait in a lane that there is no longer; set as many tail lanes as when the run was started", "run", s.run, "lane", lane.String())
}

// finish ends a run of which nothing is open.
func (f *feeder) finish(ctx context.Context, r *Run) error {
	finished, err := f.p.Store.FinishRun(ctx, r.ID, f.p.Now())
	if err != nil {
		return fmt.Errorf("planner: finishing run %d: %w", r.ID, err)
	}
	if finished {
		f.p.Log.Info("planner: run finished", "run", r.ID, "campaign", r.Spec.Name)
	}
	return nil
}

// sweepChunk recipients are cancelled in one transaction.
const sweepChunk = 20000

// sweep makes a chunk of a cancelled run's open recipients Cancelled, and reports
// whether there are more. Senders drop its jobs already; a message that was in flight
// still gets its true outcome.
func (f *feeder) sweep(ctx context.Context, r *Run) (bool, error) {
	n, err := f.p.Store.CancelOpen(ctx, r.ID, sweepChunk, f.p.Now())
	if err != nil {
		return false, fmt.Errorf("planner: cancelling run %d: %w", r.ID, err)
	}
	if n > 0 && n < sweepChunk {
		f.p.Log.Info("planner: run cancelled", "run", r.ID, "campaign", r.Spec.Name)
	}
	return n == sweepChunk, nil
}
