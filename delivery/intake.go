package delivery

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"broadside/campaign"
	"broadside/delivery/mx"
	"broadside/delivery/queue"
)

const (
	// pullWait is how long one request for jobs stays open, and so how long a sender
	// takes to stop.
	pullWait = time.Second
	// admitBatch jobs, or those that arrive within admitWait, are checked against the
	// store at once. No connection waits for them: it has the jobs before them.
	admitBatch = 128
	admitWait  = 5 * time.Millisecond
	// pullLeast jobs are asked for at a time, or more: jobs end one by one, and a
	// request for each alone would cost as much as the job.
	pullLeast = 32
	// soon and whilePaused are when retries that are given back are due again.
	soon        = 5 * time.Second
	whilePaused = 10 * time.Second
	// reopening is the time over which retries come back when their run's window opens.
	reopening = time.Minute
)

// lane takes one lane's jobs. It holds no more of a class than it has room for, so a
// lane whose site is slow or down is simply not pulled.
type lane struct {
	s       *Sender
	name    campaign.Lane
	room    [3]*room // by queue.Class
	arrived chan *item
}

func newLane(s *Sender, name campaign.Lane) *lane {
	l := &lane{s: s, name: name, arrived: make(chan *item, admitBatch)}
	least := 2 * pullLeast
	if name.Tail() {
		least = queue.MaxInHand // nobody else takes from it, and each of its sites is a connection
	}
	l.room = [3]*room{
		queue.ExpressJobs: newRoom(least, queue.MaxInHand),
		queue.RetryJobs:   newRoom(2*pullLeast, queue.MaxInHand/4),
		queue.BulkJobs:    newRoom(least, queue.MaxInHand),
	}
	return l
}

// run takes jobs until ctx is done; what it took is worked on under work.
func (l *lane) run(ctx, work context.Context) error {
	var sources [3]*queue.Source
	for class := range sources {
		var err error
		if sources[class], err = l.s.Queue.Source(ctx, l.name, queue.Class(class)); err != nil {
			return err
		}
	}
	g, ctx := errgroup.WithContext(ctx)
	for class, src := range sources {
		g.Go(func() error { return l.pull(ctx, src, queue.Class(class)) })
	}
	var admitting sync.WaitGroup
	admitting.Go(func() { l.admit(work) })
	if l.name.Tail() {
		g.Go(func() error { l.relieve(ctx); return nil })
	}
	err := g.Wait()
	close(l.arrived)
	admitting.Wait()
	return err
}

// mine reports whether this sender takes the lane's jobs. A large site's lane is shared
// by all senders; a tail lane has one, so that the few messages for a small site leave
// over one connection.
func (l *lane) mine() bool { return !l.name.Tail() || l.s.members.Mine(l.name.String()) }

func (l *lane) pull(ctx context.Context, src *queue.Source, class queue.Class) error {
	for ctx.Err() == nil {
		if !l.mine() {
			pause(ctx, pullWait/2)
			continue
		}
		n := l.room[class].acquire(ctx, pullLeast, admitBatch)
		if n == 0 {
			return nil
		}
		took := 0
		err := src.Fetch(ctx, n, pullWait, func(d queue.Delivery) {
			it := &item{Delivery: d, class: class, lane: l, taken: time.Now(), resent: d.Job.Resent}
			if l.s.hand.add(it) {
				took++
				l.room[class].take()
				l.arrived <- it
			}
		})
		l.room[class].release(n - took)
		if err != nil {
			return err
		}
	}
	return nil
}

// admit checks what arrived, in batches, and hands it to its site.
func (l *lane) admit(work context.Context) {
	var waiting sync.WaitGroup
	defer waiting.Wait()
	for it := range l.arrived {
		fresh, old := l.sort(work, l.gather(it))
		if len(old) > 0 {
			// Looking up waits for the recorder; new jobs don't wait with it.
			waiting.Go(func() { l.dispatch(work, l.lookUp(work, old), &waiting) })
		}
		l.dispatch(work, fresh, &waiting)
	}
}

// gather takes what arrives soon after the first item, up to a batch. An express job waits
// for no others: while it is admitted, those that follow come together.
func (l *lane) gather(first *item) []*item {
	batch := append(make([]*item, 0, admitBatch), first)
	patience := admitWait
	if first.class == queue.ExpressJobs {
		patience = 0
	}
	wait := time.NewTimer(patience)
	defer wait.Stop()
	for len(batch) < admitBatch {
		select {
		case it, ok := <-l.arrived:
			if !ok {
				return batch
			}
			batch = append(batch, it)
		case <-wait.C:
			return batch
		}
	}
	return batch
}

// sort drops the jobs of runs that are not being sent, and tells new ones from those
// that must be looked up: what may have been in other hands, and every retry, since a
// server that dies may fire a schedule twice, and one that was given back may exist
// beside its old delivery.
func (l *lane) sort(work context.Context, batch []*item) (fresh, old []*item) {
	for _, it := range batch {
		switch {
		case l.s.refuse(work, it):
		case it.Again || it.class == queue.RetryJobs:
			old = append(old, it)
		default:
			fresh = append(fresh, it)
		}
	}
	return fresh, old
}

// dispatch leaves out the suppressed and hands the others to their sites.
//
// Each domain is routed by itself: one whose DNS is slow keeps nobody else waiting. The
// lane's room bounds how many there are.
func (l *lane) dispatch(work context.Context, items []*item, routing *sync.WaitGroup) {
	items = l.s.leaveOut(work, items)
	byDomain := map[string][]*item{}
	for _, it := range items {
		it.domain = campaign.DomainOf(it.Job.Email)
		byDomain[it.domain] = append(byDomain[it.domain], it)
	}
	for domain, group := range byDomain {
		routing.Go(func() { l.route(work, domain, group) })
	}
}

func (l *lane) route(work context.Context, domain string, group []*item) {
	route, problem := l.s.Router.Route(work, domain)
	for problem == mx.Down && !l.name.Tail() && l.waitForSite(work, route, group) {
		route, problem = l.s.Router.Route(work, domain)
	}
	if problem != mx.None {
		for _, it := range group {
			l.s.unroutable(work, it, route, problem)
		}
		return
	}
	if l.s.TLSPolicies != nil {
		// Found out here, where a policy's server that hangs holds up only its own domain.
		l.s.TLSPolicies.Requirement(work, domain, route.Hosts)
	}
	for _, it := range group {
		l.s.assign(work, it, route)
	}
}

// assign gives a job to one of its pool's sources.
func (s *Sender) assign(ctx context.Context, it *item, route mx.Route) {
	source, ok := s.sourceFor(ctx, it, route)
	if !ok {
		return
	}
	// A path that retires between the look-up and the hand-over is made anew.
	for !s.pathFor(route, source).add(routed{it, route}) {
	}
}

// waitForSite waits until a site that is down may be tried again, while its lane,
// which is its own, is not pulled; false when the jobs should not wait any longer.
func (l *lane) waitForSite(work context.Context, r mx.Route, group []*item) bool {
	wait := time.Until(r.Retry)
	if time.Since(group[0].taken)+wait > patience {
		return false
	}
	return pause(work, wait)
}

func (s *Sender) unroutable(ctx context.Context, it *item, r mx.Route, p mx.Problem) {
	if ctx.Err() != nil {
		s.giveBack(ctx, it, soon)
		return
	}
	now := time.Now()
	e := it.event(campaign.Deferred, campaign.DNSFailed, now)
	e.Reply, e.Enhanced = p.String(), p.Enhanced()
	switch {
	case p.Permanent():
		e.State, e.Reason = campaign.Bounced, campaign.DomainUnknown
		s.outcomes.add(it, e)
	case p == mx.Down:
		e.Reason = campaign.HostUnreachable
		s.deferUntil(it, e, r.Retry.Sub(now))
	default:
		s.deferUntil(it, e, 0)
	}
}
