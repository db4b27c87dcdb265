package delivery

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"broadside/campaign"
	"broadside/delivery/queue"
)

const (
	// outcomeGroup outcomes, at most, become durable together. While one group is
	// being written the next one gathers: under load groups grow by themselves, and
	// an outcome that comes alone waits for nobody.
	outcomeGroup = 512
	// scheduleParallel retries are scheduled at once.
	scheduleParallel = 16
)

// finished is an item with its outcome.
type finished struct {
	item  *item
	event campaign.Event
}

// outcomes makes outcomes durable and then acknowledges their jobs: event, then
// retry schedule, then acknowledgement, in that order. A crash between any two is
// repaired when the job comes again (see lane.lookUp).
type outcomes struct {
	queue *queue.Queue
	log   *slog.Logger
	in    chan finished
	retry time.Duration // pause after a failed write
}

func newOutcomes(q *queue.Queue, log *slog.Logger) *outcomes {
	return &outcomes{queue: q, log: log, in: make(chan finished, outcomeGroup), retry: 500 * time.Millisecond}
}

// add hands an item over with what became of it.
func (o *outcomes) add(it *item, e campaign.Event) { o.in <- finished{it, e} }

// close ends run when all that was added is durable.
func (o *outcomes) close() { close(o.in) }

// run works until close was called. While the queue cannot be written to it tries
// again: senders stop by themselves, since their hands are full. Scheduling and
// acknowledging go on beside the publishing of the next group: until its event is
// durable, an outcome is all that is known of a message that has left.
func (o *outcomes) run(ctx context.Context) {
	published := make(chan []finished, 1)
	var settling sync.WaitGroup
	settling.Go(func() {
		for group := range published {
			if o.insist(ctx, len(group), func() error { return o.schedule(ctx, group) }) {
				o.acknowledge(group)
			}
		}
	})
	for f := range o.in {
		group := o.gather(f)
		events := make([]campaign.Event, len(group))
		for i := range group {
			events[i] = group[i].event
		}
		if o.insist(ctx, len(group), func() error { return o.queue.PublishEvents(ctx, events) }) {
			published <- group
		}
	}
	close(published)
	settling.Wait()
}

// gather takes what else has come in, up to a group.
func (o *outcomes) gather(first finished) []finished {
	group := append(make([]finished, 0, 16), first)
	for len(group) < outcomeGroup {
		select {
		case f, ok := <-o.in:
			if !ok {
				return group
			}
			group = append(group, f)
		default:
			return group
		}
	}
	return group
}

// insist repeats a write until it succeeds; false if ctx ended first.
func (o *outcomes) insist(ctx context.Context, n int, write func() error) bool {
	for {
		err := write()
		if err == nil {
			return true
		}
		if ctx.Err() != nil {
			return false
		}
		o.log.Error("sender: outcomes are not durable yet, trying again; is the disk of the queue full?", "outcomes", n, "error", err)
		if !pause(ctx, o.retry) {
			return false
		}
	}
}

func (o *outcomes) schedule(ctx context.Context, group []finished) error {
	var g errgroup.Group
	g.SetLimit(scheduleParallel)
	for _, f := range group {
		if f.event.State == campaign.Deferred {
			job := nextJob(f.item, f.event.Resent)
			g.Go(func() error { return o.queue.Retry(ctx, job, f.event.Due) })
		}
	}
	return g.Wait()
}

func (o *outcomes) acknowledge(group []finished) {
	for _, f := range group {
		if err := f.item.Ack(); err != nil {
			o.log.Warn("sender: an acknowledgement failed; the job comes again and is looked up", "run", f.event.Run, "contact", f.event.Contact, "error", err)
		}
		f.item.lane.s.hand.done(f.item)
	}
}

// nextJob is the job of the attempt after an item's.
func nextJob(it *item, resent bool) campaign.Job {
	j := it.Job
	j.FirstTried = it.firstTried()
	j.Attempt++
	j.Resent = it.resent || resent
	return j
}
