package delivery

import (
	"container/list"
	"time"

	"broadside/delivery/queue"
)

// taker is a connection that waits for a job.
type taker struct {
	path  *path
	job   chan routed // closed when the connection is to end
	place *list.Element
}

// add queues a job, or hands it to a connection that waits for one; false if the path
// is retired, and the job goes to a new one.
func (p *path) add(it routed) bool {
	p.mu.Lock()
	if p.retired {
		p.mu.Unlock()
		return false
	}
	if n := len(p.takers); n > 0 {
		t := p.takers[n-1] // the one that waits the shortest: the others may close
		p.takers = p.takers[:n-1]
		t.job <- it
		p.mu.Unlock()
		p.crowd.wake(t)
		return true
	}
	now := time.Now()
	if p.backlog() == 0 {
		p.overflow.busy = now
	}
	p.waiting[it.class] = append(p.waiting[it.class], it)
	shed := p.shed(now, it.lane, it.lane.room[it.class].free())
	p.mu.Unlock()
	p.deferAll(shed)
	p.grow()
	return true
}

// putBack returns a job that a connection had taken and may not send now.
func (p *path) putBack(it routed) {
	p.mu.Lock()
	stopping := p.stopping
	if !stopping {
		p.waiting[it.class] = append([]routed{it}, p.waiting[it.class]...)
	}
	p.mu.Unlock()
	if stopping {
		p.giveBack(p.work, it.item, soon)
	}
}

// next returns the job to be sent next, waiting for one up to idle; false when there
// is none, or the connection is to end.
func (p *path) next(idle time.Duration, quit <-chan struct{}) (routed, bool) {
	p.mu.Lock()
	if p.stopping || closed(quit) {
		p.mu.Unlock()
		return routed{}, false
	}
	if it, ok := p.pop(); ok {
		p.mu.Unlock()
		return it, true
	}
	t := &taker{path: p, job: make(chan routed, 1)}
	p.takers = append(p.takers, t)
	p.mu.Unlock()
	p.crowd.rest(t)
	p.gates.rest()
	defer p.gates.resume()
	defer p.crowd.wake(t)

	timer := time.NewTimer(idle)
	defer timer.Stop()
	select {
	case it, ok := <-t.job:
		return it, ok
	case <-timer.C:
	case <-quit:
	}
	p.mu.Lock()
	gone := p.drop(t)
	p.mu.Unlock()
	if gone {
		return routed{}, false
	}
	it, ok := <-t.job // handed over at the last moment
	return it, ok
}

// retryTurns of ten go to retries while both retries and first attempts wait.
const retryTurns = 2

// pop takes the job whose turn it is: express first, then retries and bulk.
func (p *path) pop() (routed, bool) {
	order := [3]queue.Class{queue.ExpressJobs, queue.BulkJobs, queue.RetryJobs}
	if p.turn = (p.turn + 1) % 10; p.turn < retryTurns {
		order[1], order[2] = order[2], order[1]
	}
	for _, class := range order {
		q := p.waiting[class]
		if len(q) == 0 {
			continue
		}
		it := q[0]
		q[0] = routed{}
		p.waiting[class] = q[1:]
		return it, true
	}
	return routed{}, false
}

func (p *path) backlog() int {
	return len(p.waiting[queue.ExpressJobs]) + len(p.waiting[queue.RetryJobs]) + len(p.waiting[queue.BulkJobs])
}

// dismiss ends a connection that is idle, unless it has got a job meanwhile.
func (p *path) dismiss(t *taker) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.drop(t) {
		close(t.job)
	}
}

// drop removes a taker, if it still waits; the lock is held.
func (p *path) drop(t *taker) bool {
	for i, other := range p.takers {
		if other == t {
			p.takers = append(p.takers[:i], p.takers[i+1:]...)
			return true
		}
	}
	return false
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
