package campaign

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	// feedBatch jobs go out in one atomic batch; larger ones are not faster.
	feedBatch = 500
	// feedParallel lanes are fed at once: one reads while another publishes.
	feedParallel = 4
)

// feeder is the memory of the planner's feeding half. It is built anew whenever
// planning starts; everything in it is read from the store and the queue.
type feeder struct {
	p         *Planner
	snapshots map[RunID]*snapshot
	lanes     map[Lane]*laneFeed
	nextCheck time.Time // of overdue retries
}

// laneFeed is one lane's feeding. It is used by one goroutine at a time.
type laneFeed struct {
	lane    Lane
	bulk    window
	express window
	runs    map[RunID]*laneRun
}

// laneRun is how far a run is fed into a lane.
type laneRun struct {
	marker  Marker
	loaded  bool      // marker has been read
	atEnd   bool      // everything the snapshot has so far is fed
	seen    ContactID // the snapshot's cursor when atEnd was set
	deficit float64
	barrier uint64 // event sequence the ledger must reach before going on; 0: none
}

// feed does rounds of snapshot, feeding and finishing: at once again while there is
// work, otherwise at every tick.
func (p *Planner) feed(ctx context.Context) error {
	f := &feeder{p: p, snapshots: map[RunID]*snapshot{}, lanes: map[Lane]*laneFeed{}}
	for _, l := range p.Queue.Lanes() {
		f.lanes[l] = &laneFeed{lane: l, runs: map[RunID]*laneRun{}}
	}
	for {
		busy, err := f.round(ctx)
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
func (f *feeder) round(ctx context.Context) (busy bool, err error) {
	runs := f.p.openRuns()
	f.forget(runs)
	var running []*Run
	for i := range runs {
		switch r := &runs[i]; r.State {
		case RunCancelled:
			if err := f.sweep(ctx, r); err != nil {
				return false, err
			}
		case RunRunning:
			running = append(running, r)
		}
	}
	if len(running) == 0 {
		return false, nil
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
	}
	return busy || fed > 0, f.reconcileRetries(ctx, running)
}

// forget drops the memory of runs that are over.
func (f *feeder) forget(runs []Run) {
	open := make(map[RunID]bool, len(runs))
	for i := range runs {
		open[runs[i].ID] = true
	}
	for id := range f.snapshots {
		if open[id] {
			continue
		}
		delete(f.snapshots, id)
		for _, l := range f.lanes {
			delete(l.runs, id)
		}
	}
}

// snapshotPage takes one page of a run's audience, and reports whether there are more.
func (f *feeder) snapshotPage(ctx context.Context, r *Run) (bool, error) {
	s, err := f.snapshotOf(ctx, r)
	if err != nil || s.done {
		return false, err
	}
	if err := f.p.advance(ctx, s); err != nil {
		return false, err
	}
	return true, nil
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

// feedLanes tops up every lane and finishes runs of which nothing is open.
func (f *feeder) feedLanes(ctx context.Context, running []*Run) (int64, error) {
	depth, err := f.p.Queue.Depth(ctx)
	if err != nil {
		return 0, err
	}
	open := map[LaneRun]int64{} // waiting recipients
	for _, r := range running {
		if _, err := f.snapshotOf(ctx, r); err != nil {
			return 0, err
		}
		waiting, err := f.waiting(ctx, r, open)
		if err != nil {
			return 0, err
		}
		if !waiting && f.snapshots[r.ID].done {
			if err := f.finish(ctx, r); err != nil {
				return 0, err
			}
		}
	}
	var (
		g     errgroup.Group
		mu    sync.Mutex
		total int64
	)
	g.SetLimit(feedParallel)
	for _, l := range f.lanes {
		work := laneWork(l.lane, running, open)
		l.observe(depth, running)
		if len(work) == 0 {
			continue
		}
		g.Go(func() error {
			n, err := f.feedLane(ctx, l, work, depth, open)
			mu.Lock()
			total += n
			mu.Unlock()
			return err
		})
	}
	return total, g.Wait()
}

// waiting adds a run's waiting recipients by lane to open, and reports whether any
// recipient of the run is open.
func (f *feeder) waiting(ctx context.Context, r *Run, open map[LaneRun]int64) (bool, error) {
	counts, err := f.p.Store.RunLanes(ctx, r.ID)
	if err != nil {
		return false, fmt.Errorf("planner: counts of run %d: %w", r.ID, err)
	}
	any := false
	for _, c := range counts {
		any = any || (!c.State.Final() && c.N > 0)
		if c.State == Waiting {
			open[LaneRun{c.Lane, r.ID}] += c.N
		}
	}
	return any, nil
}

func laneWork(lane Lane, running []*Run, open map[LaneRun]int64) []*Run {
	var work []*Run
	for _, r := range running {
		if open[LaneRun{lane, r.ID}] > 0 {
			work = append(work, r)
		}
	}
	return work
}

func (l *laneFeed) observe(d Depth, running []*Run) {
	var jobs int64
	for _, r := range running {
		jobs += d.Jobs[LaneRun{l.lane, r.ID}]
	}
	now := time.Now()
	l.express.observe(d.Express[l.lane], now)
	l.bulk.observe(max(jobs-d.Express[l.lane], 0), now)
}

// feedLane gives each run with work in the lane its share of the lane's room.
func (f *feeder) feedLane(ctx context.Context, l *laneFeed, work []*Run, d Depth, open map[LaneRun]int64) (int64, error) {
	var fed int64
	for _, class := range []Priority{Express, Bulk} {
		w := &l.bulk
		if class == Express {
			w = &l.express
		}
		ready, err := f.ready(ctx, l, work, class, d, open)
		if err != nil {
			return fed, err
		}
		if len(ready) == 0 || w.free() == 0 {
			continue
		}
		weights, deficits := make([]int, len(ready)), make([]float64, len(ready))
		for i, r := range ready {
			weights[i], deficits[i] = max(r.Spec.Weight, 1), l.runs[r.ID].deficit
		}
		give := shares(w.free(), weights, deficits)
		for i, r := range ready {
			lr := l.runs[r.ID]
			lr.deficit = deficits[i]
			n, err := f.feedRun(ctx, l.lane, r, lr, give[i])
			w.fed(n)
			fed += n
			if err != nil {
				return fed, err
			}
			if lr.atEnd {
				lr.deficit = 0
			}
		}
	}
	return fed, nil
}

// ready returns the runs of a class that can be fed into the lane now.
func (f *feeder) ready(ctx context.Context, l *laneFeed, work []*Run, class Priority, d Depth, open map[LaneRun]int64) ([]*Run, error) {
	var ready []*Run
	for _, r := range work {
		if (r.Spec.Priority == Express) != (class == Express) {
			continue
		}
		lr := l.runs[r.ID]
		if lr == nil {
			lr = &laneRun{}
			l.runs[r.ID] = lr
		}
		ok, err := f.prepare(ctx, l.lane, r, lr, d)
		if err != nil {
			return nil, err
		}
		if ok {
			ready = append(ready, r)
		}
	}
	return ready, nil
}

// feedRun feeds up to n recipients of a run into a lane.
func (f *feeder) feedRun(ctx context.Context, lane Lane, r *Run, lr *laneRun, n int64) (int64, error) {
	var fed int64
	for fed < n && !lr.atEnd {
		limit := int(min(n-fed, feedBatch))
		cursor := f.snapshots[r.ID].cursor // read before the rows: they are complete up to it
		rows, err := f.p.Store.WaitingAfter(ctx, r.ID, lane, lr.marker.Cursor, limit)
		if err != nil {
			return fed, fmt.Errorf("planner: reading lane %s of run %d: %w", lane, r.ID, err)
		}
		if len(rows) < limit {
			lr.atEnd, lr.seen = true, cursor
		}
		if len(rows) == 0 {
			return fed, nil
		}
		next := Marker{Cursor: rows[len(rows)-1].Contact, Epoch: lr.marker.Epoch}
		marker, err := f.p.Queue.Feed(ctx, lane, r.ID, lr.marker, next, jobsOf(rows, r))
		if errors.Is(err, ErrStale) {
			*lr = laneRun{deficit: lr.deficit} // read the marker again
			return fed, nil
		}
		if err != nil {
			return fed, err
		}
		lr.marker = marker
		fed += int64(len(rows))
	}
	return fed, nil
}

func jobsOf(rows []FeedRow, r *Run) []Job {
	jobs := make([]Job, len(rows))
	for i := range rows {
		jobs[i] = jobOf(&rows[i], r)
	}
	return jobs
}

func jobOf(row *FeedRow, r *Run) Job {
	return Job{
		Recipient:  row.Recipient,
		Attempt:    row.Attempts + 1,
		Express:    r.Spec.Priority == Express,
		Email:      row.Email,
		Attributes: row.Attributes,
		FirstTried: row.FirstTried,
		Resent:     row.Resent,
	}
}
