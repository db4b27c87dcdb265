package benchmarks

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"broadside/campaign"
	"broadside/delivery/meter"
)

// measurePlanner measures the way of jobs from the ledger to the queue, and before it
// that of contacts into the ledger. The planner publishes for real; it is told that
// every lane is empty, so that it needn't wait for senders.
func measurePlanner(ctx context.Context, b *bench) (r Result, err error) {
	r.Setting = fmt.Sprintf("%d jobs from SQLite to the embedded queue, each round in a fresh directory", b.Jobs)
	var snapshots, fed, cpu []float64
	for range b.Rounds {
		err := b.inDir(func(dir string) error {
			if _, err := ask[struct{}](ctx, rolePrepare, prepareJob{Dir: dir, Contacts: b.Jobs, Unsigned: true}); err != nil {
				return err
			}
			e, err := openEngine(ctx, dir, "", "embedded")
			if err != nil {
				return err
			}
			p, err := e.planAll(ctx, b.Jobs, b.Profiles)
			snapshots = append(snapshots, perSecond(b.Jobs, p.snapshot))
			fed = append(fed, perSecond(b.Jobs, p.feed))
			cpu = append(cpu, perMicro(p.feedCPU, b.Jobs))
			return errors.Join(err, e.Close())
		})
		if err != nil {
			return r, err
		}
	}
	r.add("snapshot", "recipients/s", snapshots...)
	r.add("feeding", "jobs/s", fed...).atLeast(30_000)
	r.add("feeding: processor time", "µs/job", cpu...)
	return r, nil
}

type planned struct{ snapshot, snapshotCPU, feed, feedCPU time.Duration }

// planAll takes the list into the ledger, and then lets a planner feed all of it.
func (e *engine) planAll(ctx context.Context, jobs int, profileDir string) (p planned, err error) {
	run, err := e.createRun(ctx, usualLetter)
	if err != nil {
		return p, err
	}
	start, cpu := time.Now(), meter.CPUTime()
	if err := e.snapshot(ctx, run); err != nil {
		return p, err
	}
	p.snapshot, p.snapshotCPU = time.Since(start), meter.CPUTime()-cpu

	profile, err := startProfiles(profileDir)
	if err != nil {
		return p, err
	}
	planning, stop := context.WithTimeoutCause(ctx, time.Minute+time.Duration(jobs)*time.Millisecond, errors.New("the planner took too long"))
	defer stop()
	q := &emptyLanes{JobQueue: e.queue, want: jobs, done: stop, cursors: map[campaign.Lane]campaign.ContactID{}}
	start, cpu = time.Now(), meter.CPUTime()
	err = e.planner(q).Run(planning)
	p.feed, p.feedCPU = q.ended.Sub(start), meter.CPUTime()-cpu
	return p, errors.Join(err, profile.stop())
}

// createRun makes a run that is under way, for whoever plans it.
func (e *engine) createRun(ctx context.Context, l letter) (campaign.Run, error) {
	now := time.Now()
	c, err := e.store.CreateCampaign(ctx, l.spec().WithDefaults(), now)
	if err != nil {
		return campaign.Run{}, err
	}
	return e.store.CreateRun(ctx, c, campaign.RunRunning, now, now)
}

// snapshot does what the planner does with an audience without a segment.
func (e *engine) snapshot(ctx context.Context, run campaign.Run) error {
	audience, err := campaign.ResolveAudience(ctx, e.store, run.Spec)
	if err != nil {
		return err
	}
	const page = 5000
	lanes := newLanes()
	for from, done := campaign.ContactID(0), false; !done; {
		members, err := e.store.AudiencePage(ctx, audience, from, page)
		if err != nil {
			return err
		}
		to, rows, domains := from, make([]campaign.NewRecipient, len(members)), make([]string, len(members))
		for i, m := range members {
			to, rows[i], domains[i] = m.ID, campaign.NewRecipient{Contact: m.ID}, campaign.DomainOf(m.Email)
		}
		for i, lane := range lanes.Of(domains) {
			rows[i].Lane = lane
		}
		done = len(members) < page
		if err := e.store.AppendRecipients(ctx, run.ID, from, to, rows, done); err != nil {
			return err
		}
		from = to
	}
	return nil
}

// emptyLanes is a queue whose jobs seem to be taken at once. It counts each job once,
// also when a lane that seems to have lost its jobs is fed again, and calls done
// when there are as many as wanted.
type emptyLanes struct {
	campaign.JobQueue
	want int
	done func()

	mu      sync.Mutex
	fed     int
	cursors map[campaign.Lane]campaign.ContactID
	ended   time.Time
}

func (q *emptyLanes) Depth(context.Context) (campaign.Depth, error) { return campaign.Depth{}, nil }

func (q *emptyLanes) Feed(ctx context.Context, lane campaign.Lane, run campaign.RunID, prev, next campaign.Marker, jobs []campaign.Job) (campaign.Marker, error) {
	m, err := q.JobQueue.Feed(ctx, lane, run, prev, next, jobs)
	if err != nil {
		return m, err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if next.Cursor <= q.cursors[lane] {
		return m, nil
	}
	q.cursors[lane] = next.Cursor
	if q.fed += len(jobs); q.fed == q.want {
		q.ended = time.Now()
		q.done()
	}
	return m, nil
}
