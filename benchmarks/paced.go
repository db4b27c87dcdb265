package benchmarks

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"broadside/campaign"
	"broadside/delivery/meter"
)

// warmUp is the first part of the messages, which is cut off from the latencies:
// connections are opened in it, caches filled.
const warmUp = 0.2

// runPaced measures latency at a steady rate. Messages become due by the clock, whatever
// becomes of those before them, and each one's time counts from when it was due: an engine
// that stalls has more of them waiting, it is not asked for less (no coordinated
// omission). The planner, whose trade is to hold back what senders have no room for, has
// no part in it.
func (e *engine) runPaced(ctx context.Context, j engineJob) (r engineReport, err error) {
	run, err := e.createRun(ctx, j.letter())
	if err != nil {
		return r, err
	}
	if err := e.snapshot(ctx, run); err != nil {
		return r, err
	}
	jobs, err := e.jobsByLane(ctx, run)
	if err != nil {
		return r, err
	}
	watch := newStopwatch(jobs.total)
	sender, err := e.sender(ctx, j, watch)
	if err != nil {
		return r, err
	}
	for _, all := range jobs.byLane {
		for i := range all {
			reader, ok := readerOf(all[i].Email)
			if !ok {
				return r, fmt.Errorf("%s is none of ours", all[i].Email)
			}
			watch.readers[all[i].Contact] = reader
		}
	}
	if err := e.queue.Announce(ctx, campaign.RunStatus{Run: run.ID, State: campaign.RunRunning, Epoch: run.Epoch}); err != nil {
		return r, err
	}
	ended := e.start(ctx, e.recording(timedLedger{e.store, watch}), sender.Run)
	r.Started = time.Now()
	watch.start = r.Started
	cpu := meter.CPUTime()
	err = e.feedPaced(ctx, run, jobs, j.Offered, watch)
	if err == nil {
		r.Counts, err = e.untilSent(ctx, run, j.Limit)
	}
	r.Took, r.CPU = time.Since(r.Started), meter.CPUTime()-cpu
	if err = errors.Join(err, ended()); err != nil {
		return r, err
	}
	warm := time.Duration(warmUp * float64(jobs.total) / j.Offered * float64(time.Second))
	r.Latencies = watch.latencies(stages, func(s *stamps) bool { return s.due.Load() >= int64(warm) && s.recorded.Load() > 0 })
	r.Memory, err = meter.PeakMemory()
	return r, err
}

// laneJobs are a run's jobs, in each lane by contact as markers go.
type laneJobs struct {
	byLane map[campaign.Lane][]campaign.Job
	total  int
}

func (e *engine) jobsByLane(ctx context.Context, run campaign.Run) (laneJobs, error) {
	all := laneJobs{byLane: map[campaign.Lane][]campaign.Job{}}
	const page = 5000
	for _, lane := range e.queue.Lanes() {
		for after := campaign.ContactID(0); ; {
			rows, err := e.store.WaitingAfter(ctx, run.ID, lane, after, page)
			if err != nil {
				return all, err
			}
			for _, row := range rows {
				after = row.Contact
				all.byLane[lane] = append(all.byLane[lane], campaign.Job{Recipient: row.Recipient, Attempt: 1, Email: row.Email, Attributes: row.Attributes})
			}
			all.total += len(rows)
			if len(rows) < page {
				break
			}
		}
	}
	return all, nil
}

// feedPaced lets the jobs become due by contact, so many a second, and feeds each lane
// what is due in it.
func (e *engine) feedPaced(ctx context.Context, run campaign.Run, jobs laneJobs, rate float64, watch *stopwatch) error {
	var order []campaign.Job
	for _, of := range jobs.byLane {
		order = append(order, of...)
	}
	slices.SortFunc(order, func(a, b campaign.Job) int { return cmp.Compare(a.Contact, b.Contact) })
	due := make(map[campaign.ContactID]time.Duration, len(order))
	for i := range order {
		at := time.Duration(float64(i) / rate * float64(time.Second))
		due[order[i].Contact] = at
		watch.of(order[i].Email).due.Store(int64(at))
	}
	g, ctx := errgroup.WithContext(ctx)
	for lane, mine := range jobs.byLane {
		g.Go(func() error { return e.feedLane(ctx, run, lane, mine, due, watch) })
	}
	return g.Wait()
}

func (e *engine) feedLane(ctx context.Context, run campaign.Run, lane campaign.Lane, jobs []campaign.Job, due map[campaign.ContactID]time.Duration, watch *stopwatch) error {
	var marker campaign.Marker
	for len(jobs) > 0 {
		if err := sleep(ctx, due[jobs[0].Contact]-time.Since(watch.start)); err != nil {
			return err
		}
		now, n := time.Since(watch.start), 0
		for n < min(len(jobs), 990) && due[jobs[n].Contact] <= now {
			n++
		}
		var err error
		marker, err = e.queue.Feed(ctx, lane, run.ID, marker, campaign.Marker{Cursor: jobs[n-1].Contact}, jobs[:n])
		if err != nil {
			return err
		}
		fed := watch.at(time.Now())
		for i := range jobs[:n] {
			watch.of(jobs[i].Email).fed.Store(fed)
		}
		jobs = jobs[n:]
	}
	return nil
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}

// untilSent waits until nobody waits in the ledger any more.
func (e *engine) untilSent(ctx context.Context, run campaign.Run, limit time.Duration) (campaign.Counts, error) {
	ctx, stop := context.WithTimeoutCause(ctx, limit, errors.New("the paced run took too long"))
	defer stop()
	for {
		counts, err := e.store.Counts(ctx, run.ID)
		if err != nil || counts.Accepted+counts.Bounced == counts.Planned {
			return counts, err
		}
		if err := sleep(ctx, 20*time.Millisecond); err != nil {
			return counts, fmt.Errorf("%w: %+v", err, counts)
		}
	}
}
