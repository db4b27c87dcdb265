package delivery

import (
	"context"
	"sync"
	"time"

	"broadside/campaign"
	"broadside/delivery/queue"
)

// site is this sender's side of one mailbox site: the jobs that wait for it, and the
// connections that take them. All its fields below mu are guarded by it.
type site struct {
	sender *Sender
	work   context.Context // ends the waiting of a stopping sender
	name   string
	// tail: the site shares its lane with others, and must not fill it while it is in
	// trouble.
	tail   bool
	limits Limits
	pacer  Pacer

	mu       sync.Mutex
	waiting  [3][]routed // by queue.Class
	turn     int         // of retries against bulk
	takers   []chan routed
	conns    int
	stopping bool
	retired  bool
	trouble  int       // connections that failed in a row
	until    time.Time // no new attempt before
	why      campaign.Reason
	tls      tlsMemory
}

// retryTurns of ten go to retries while both retries and first attempts wait.
const retryTurns = 2

// add queues a job, or hands it to a connection that waits for one; false if the site
// is retired.
func (st *site) add(it routed) bool {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.retired {
		return false
	}
	if n := len(st.takers); n > 0 {
		taker := st.takers[n-1] // the one that waits the shortest: the others may close
		st.takers = st.takers[:n-1]
		taker <- it
		return true
	}
	st.waiting[it.class] = append(st.waiting[it.class], it)
	if st.conns < st.limits.Connections {
		st.conns++
		st.sender.conns.Go(func() { newConnection(st).run(st.work) })
	}
	return true
}

// next returns the job to be sent next, waiting for one up to idle; false when there
// is none, or the sender is stopping.
func (st *site) next(idle time.Duration) (routed, bool) {
	st.mu.Lock()
	if st.stopping {
		st.mu.Unlock()
		return routed{}, false
	}
	if it, ok := st.pop(); ok {
		st.mu.Unlock()
		return it, true
	}
	taker := make(chan routed, 1)
	st.takers = append(st.takers, taker)
	st.mu.Unlock()

	timer := time.NewTimer(idle)
	defer timer.Stop()
	select {
	case it, ok := <-taker:
		return it, ok
	case <-timer.C:
	}
	st.mu.Lock()
	defer st.mu.Unlock()
	for i, t := range st.takers {
		if t == taker {
			st.takers = append(st.takers[:i], st.takers[i+1:]...)
			return routed{}, false
		}
	}
	it, ok := <-taker // handed over at the last moment
	return it, ok
}

// pop takes the job whose turn it is: express first, then retries and bulk.
func (st *site) pop() (routed, bool) {
	order := [3]queue.Class{queue.ExpressJobs, queue.BulkJobs, queue.RetryJobs}
	if st.turn = (st.turn + 1) % 10; st.turn < retryTurns {
		order[1], order[2] = order[2], order[1]
	}
	for _, class := range order {
		q := st.waiting[class]
		if len(q) == 0 {
			continue
		}
		it := q[0]
		q[0] = routed{}
		st.waiting[class] = q[1:]
		return it, true
	}
	return routed{}, false
}

func (st *site) backlog() int {
	return len(st.waiting[queue.ExpressJobs]) + len(st.waiting[queue.RetryJobs]) + len(st.waiting[queue.BulkJobs])
}

// left takes note that a connection's work is over; if jobs have come in meanwhile,
// the connection goes on (true).
func (st *site) left() (goOn bool) {
	st.mu.Lock()
	if !st.stopping && st.backlog() > 0 {
		st.mu.Unlock()
		return true
	}
	st.conns--
	st.mu.Unlock()
	st.sender.forget(st)
	return false
}

// retire reports whether the site is without work and can be forgotten. The sender's
// lock is held.
func (st *site) retire() bool {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.conns > 0 || time.Now().Before(st.until) || st.backlog() > 0 {
		return false
	}
	st.retired = true
	return true
}

// stop gives back what waits and lets the connections finish what they have in hand.
func (st *site) stop() {
	st.mu.Lock()
	st.stopping = true
	takers, waiting := st.takers, st.waiting
	st.takers, st.waiting = nil, [3][]routed{}
	st.mu.Unlock()
	for _, t := range takers {
		close(t)
	}
	for _, class := range waiting {
		for _, it := range class {
			st.sender.giveBack(st.work, it.item, soon)
		}
	}
}
