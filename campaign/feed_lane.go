package campaign

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// feedBatch jobs, at most, go out in one atomic batch. The server keeps each batch in a
// file of its own until it is committed, and syncs that: few large batches are faster.
const feedBatch = 990

// laneFeed is one lane's feeding. It is used by one goroutine at a time.
type laneFeed struct {
	f       *feeder
	lane    Lane
	windows map[Priority]*window
	runs    map[RunID]*laneRun
}

// laneRun is how far a run is fed into a lane.
type laneRun struct {
	marker  Marker
	loaded  bool   // marker has been read
	atEnd   bool   // everything the snapshot has so far in open waves is fed
	seen    extent // of the snapshot when atEnd was set
	deficit float64
	pace    spreader  // of a run whose mail is spread
	barrier barrier   // before the lane is read again; of no worth once something was fed
	rewound time.Time // when that was last done
}

func newLaneFeed(f *feeder, lane Lane) *laneFeed {
	return &laneFeed{
		f: f, lane: lane,
		windows: map[Priority]*window{Express: {}, Bulk: {}},
		runs:    map[RunID]*laneRun{},
	}
}

// class is the window that a run's jobs count in.
func class(r *Run) Priority {
	if r.Spec.Priority == Express {
		return Express
	}
	return Bulk
}

func (l *laneFeed) observe(d Depth, running []*Run, now time.Time) {
	backlog := map[Priority]int64{}
	for _, r := range running {
		backlog[class(r)] += d.Jobs[LaneRun{l.lane, r.ID}]
	}
	for c, w := range l.windows {
		w.observe(backlog[c], now)
	}
}

// feed gives each run with work in the lane its share of the lane's room, and returns
// how many jobs that were.
func (l *laneFeed) feed(ctx context.Context, work []*Run, d Depth, waiting map[LaneRun]int64) (int64, error) {
	var fed int64
	for _, c := range []Priority{Express, Bulk} {
		ready, err := l.ready(ctx, work, c, d)
		if err != nil {
			return fed, err
		}
		n, err := l.feedClass(ctx, l.windows[c], l.due(ready, d, waiting))
		fed += n
		if err != nil {
			return fed, err
		}
	}
	return fed, nil
}

// ready returns the runs of a class that can be fed into the lane now.
func (l *laneFeed) ready(ctx context.Context, work []*Run, c Priority, d Depth) ([]*Run, error) {
	var ready []*Run
	for _, r := range work {
		if class(r) != c {
			continue
		}
		if l.runs[r.ID] == nil {
			l.runs[r.ID] = &laneRun{}
		}
		ok, err := l.prepare(ctx, r, l.runs[r.ID], d)
		if err != nil {
			return nil, err
		}
		if ok {
			ready = append(ready, r)
		}
	}
	return ready, nil
}

// due returns those of the runs of which something may be fed now: of a run whose mail is
// spread no more than is due.
func (l *laneFeed) due(ready []*Run, d Depth, waiting map[LaneRun]int64) []*Run {
	now := l.f.p.Now()
	return slices.DeleteFunc(ready, func(r *Run) bool {
		s, part := l.f.snapshots[r.ID], LaneRun{l.lane, r.ID}
		if !l.spread(r) {
			return false
		}
		pace := &l.runs[r.ID].pace
		pace.allow(max(waiting[part]-d.Jobs[part], 0), s.hours.Left(now, s.until), now)
		return pace.room() == 0
	})
}

// quantum jobs are shared among a class's runs at a time, so that what is queued of
// several runs alternates, however large the window.
const quantum = feedBatch

// feedClass fills a class's window when it is low.
func (l *laneFeed) feedClass(ctx context.Context, w *window, ready []*Run) (int64, error) {
	var fed int64
	if !w.low() {
		return 0, nil
	}
	for len(ready) > 0 && w.free() > 0 {
		n := w.free()
		if len(ready) > 1 {
			n = min(n, quantum)
		}
		n, err := l.turn(ctx, n, ready)
		w.fed(n)
		fed += n
		if err != nil || n == 0 {
			return fed, err
		}
		ready = slices.DeleteFunc(ready, func(r *Run) bool {
			lr := l.runs[r.ID]
			return lr.atEnd || !lr.loaded || l.spread(r) && lr.pace.room() == 0
		})
	}
	return fed, nil
}

// turn shares n jobs among runs, and returns how many there were to feed.
func (l *laneFeed) turn(ctx context.Context, n int64, ready []*Run) (int64, error) {
	weights, deficits := make([]int, len(ready)), make([]float64, len(ready))
	for i, r := range ready {
		weights[i], deficits[i] = max(r.Spec.Weight, 1), l.runs[r.ID].deficit
	}
	var fed int64
	for i, share := range shares(n, weights, deficits) {
		lr := l.runs[ready[i].ID]
		lr.deficit = deficits[i]
		if l.spread(ready[i]) {
			share = min(share, lr.pace.room())
		}
		done, err := l.feedRun(ctx, ready[i], lr, share)
		lr.pace.fed(done)
		fed += done
		if err != nil {
			return fed, err
		}
		if lr.atEnd {
			lr.deficit = 0
		}
	}
	return fed, nil
}

// spread reports whether a run's mail is spread over time: of one with waves the last is.
func (l *laneFeed) spread(r *Run) bool {
	s := l.f.snapshots[r.ID]
	return !s.until.IsZero() && s.upTo == s.waves.Last()
}

// feedRun feeds up to n recipients of a run, and returns how many.
func (l *laneFeed) feedRun(ctx context.Context, r *Run, lr *laneRun, n int64) (int64, error) {
	var fed int64
	for fed < n && !lr.atEnd {
		limit := int(min(n-fed, feedBatch))
		extent := l.f.snapshots[r.ID].extent() // read before the rows: they are complete up to it
		rows, err := l.waiting(ctx, r, Place{lr.marker.Wave, lr.marker.Cursor}, limit)
		if err != nil {
			return fed, err
		}
		if len(rows) < limit {
			lr.atEnd, lr.seen = true, extent
		}
		if len(rows) == 0 {
			return fed, nil
		}
		last := &rows[len(rows)-1]
		next := Marker{Wave: last.Wave, Cursor: last.Contact, Epoch: lr.marker.Epoch}
		if err := l.publish(ctx, r, lr, next, jobsOf(rows, r)); err != nil {
			return fed, err
		}
		if !lr.loaded {
			return fed, nil
		}
		fed += int64(len(rows))
	}
	return fed, nil
}

// waiting reads a run's waiting recipients of the lane behind a place, in the order in
// which they are fed.
func (l *laneFeed) waiting(ctx context.Context, r *Run, after Place, limit int) (rows []FeedRow, err error) {
	if s := l.f.snapshots[r.ID]; s.waves.Any() {
		rows, err = l.f.p.Store.WaitingInWaves(ctx, r.ID, l.lane, after, s.upTo, limit)
	} else {
		rows, err = l.f.p.Store.WaitingAfter(ctx, r.ID, l.lane, after.Contact, limit)
	}
	if err != nil {
		return nil, fmt.Errorf("planner: reading lane %s of run %d: %w", l.lane, r.ID, err)
	}
	return rows, nil
}

// publish moves the lane's marker with jobs. When another planner has moved it, what
// is known of the lane is forgotten and read again.
func (l *laneFeed) publish(ctx context.Context, r *Run, lr *laneRun, next Marker, jobs []Job) error {
	next.Turn = lr.marker.Turn + 1
	marker, err := l.f.p.Queue.Feed(ctx, l.lane, r.ID, lr.marker, next, jobs)
	if errors.Is(err, ErrStale) {
		*lr = laneRun{deficit: lr.deficit, pace: lr.pace}
		return nil
	}
	if err != nil {
		return err
	}
	lr.marker, lr.barrier = marker, barrier{}
	return nil
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
		Variant:    row.Variant,
	}
}
