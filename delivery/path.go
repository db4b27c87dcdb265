package delivery

import (
	"container/list"
	"sync"
	"time"

	"broadside/delivery/meter"
	"broadside/delivery/queue"
	"broadside/delivery/shaping"
	"broadside/ratelimit"
)

// path is the way from one source to one site: the jobs that wait for it, and the
// connections that take them. All its fields below mu are guarded by it.
type path struct {
	*Sender
	site    *site
	source  *Source
	learned ratelimit.Learned
	gates   gates

	mu       sync.Mutex
	rules    shaping.Rules
	allowed  ratelimit.Allowance
	renewed  time.Time   // when rules and allowed were last looked up
	waiting  [3][]routed // by queue.Class
	turn     int         // of retries against bulk
	takers   []*taker
	inLine   map[*connection]bool // wait for their turn at the gates
	conns    int                  // those that start included
	starting int                  // of them: have taken no job yet
	stopping bool
	retired  bool
	again    *time.Timer // grows when the path may be used again
	trouble  trouble
	overflow overflow
	silence  silence
}

// taker is a connection that waits for a job.
type taker struct {
	path  *path
	job   chan routed // closed when the connection is to end
	place *list.Element
}

func newPath(st *site, source *Source) *path {
	p := &path{
		Sender: st.sender, site: st, source: source,
		learned: st.sender.Learned.Key(ratelimit.Source, source.Name, st.name),
		gates:   gates{st.gate},
		inLine:  map[*connection]bool{},
	}
	if p.sources.many {
		p.gates = append(p.gates, p.Limiter.Open(source.Name+" "+st.name, ratelimit.Limits{}, p.adjust))
	}
	return p
}

// renewEvery is how often the operator's rules and what was learned are looked up.
const renewEvery = 250 * time.Millisecond

// renew looks the limits up again, when that was not done just now, and returns the
// rules.
func (p *path) renew(now time.Time) shaping.Rules {
	p.mu.Lock()
	if now.Sub(p.renewed) < renewEvery {
		defer p.mu.Unlock()
		return p.rules
	}
	rules := p.Shaper.Rules(p.site.provider, p.site.name)
	limits := limitsOf(rules)
	whole := p.Learned.Key(ratelimit.WholeSite, "", p.site.name)
	allowed := p.learned.Allowed(now, limits).And(whole.Allowed(now, limits))
	p.renewed, p.rules, p.allowed = now, rules, allowed
	p.mu.Unlock()
	p.site.meter.Allow(meter.Limits{Rate: allowed.Rate, Connections: allowed.Connections})
	// Without the lock: a gate may wake the path from within.
	own := ratelimit.Limits{Rate: allowed.Rate, Connections: allowed.Connections}
	p.gates[len(p.gates)-1].SetLimits(own)
	if len(p.gates) > 1 {
		p.gates[0].SetLimits(limits)
	}
	return rules
}

// retryTurns of ten go to retries while both retries and first attempts wait.
const retryTurns = 2

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

// grow opens connections for what waits, as far as the limits allow, and reports
// whether it opened any.
func (p *path) grow() (grown bool) {
	for p.begin() {
		if !p.enter() {
			p.mu.Lock()
			p.conns--
			p.starting--
			p.mu.Unlock()
			p.working.Done()
			break
		}
		grown = true
		go func() {
			defer p.working.Done()
			newConnection(p).run(p.work)
		}()
	}
	return grown
}

// begin counts a connection that starts, if there is work for one more.
func (p *path) begin() bool {
	now := time.Now()
	p.renew(now)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stopping || p.retired || p.backlog() <= p.starting {
		return false
	}
	if wait := p.pausedUntil().Sub(now); wait > 0 {
		p.growAfter(wait)
		return false
	}
	if p.trouble.inARow >= probing && p.conns > 0 {
		return false
	}
	p.conns++
	p.starting++
	p.working.Add(1) // while the path is not stopping, so that its end is waited for
	return true
}

// enter asks the gates and the crowd for a connection.
func (p *path) enter() bool {
	if !p.admit() {
		return false
	}
	if !p.crowd.enter(p) {
		p.gates.release()
		return false
	}
	return true
}

// admit asks the gates for a connection: the path's own first, so that the site's goes to
// nobody who cannot use it.
func (p *path) admit() bool {
	if len(p.gates) == 1 {
		return p.gates[0].TryAcquire()
	}
	own := p.gates[1]
	if !own.TryAcquire() {
		p.site.withdraw(p)
		return false
	}
	if !p.site.enter(p) {
		own.Release()
		return false
	}
	return true
}

// growAfter grows when a pause is over, and looks meanwhile at who waits; the lock is
// held.
func (p *path) growAfter(wait time.Duration) {
	wait = min(wait, reviewEvery)
	if p.again == nil {
		p.again = time.AfterFunc(wait, func() { p.review(); p.grow() })
		return
	}
	p.again.Reset(wait)
}

// adjust opens connections after the limits have changed, or closes those too many that
// have nothing under way: they wait for a job, or for their turn, which may not come for
// long. The others close after the message in hand.
func (p *path) adjust() {
	p.shrink()
	p.grow()
}

func (p *path) shrink() {
	p.mu.Lock()
	var idle []*taker
	for len(p.takers) > 0 && p.gates.over() {
		idle = append(idle, p.takers[0])
		close(p.takers[0].job)
		p.takers = p.takers[1:]
	}
	for c := range p.inLine {
		if !p.gates.over() {
			break
		}
		delete(p.inLine, c)
		c.leaveLine()
	}
	p.mu.Unlock()
	for _, t := range idle {
		p.crowd.wake(t)
	}
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

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

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

// started takes note that a connection has taken its first job.
func (p *path) started() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.starting--
}

// left takes note that a connection is over.
func (p *path) left() {
	p.gates.release() // while the path is sure to be there: its last connection may close them
	p.crowd.leave()
	p.mu.Lock()
	p.conns--
	p.mu.Unlock()
	p.grow()
	p.forget(p)
}

// retire reports whether the path is without work and can be forgotten. The sender's
// lock is held.
func (p *path) retire() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.conns > 0 || p.backlog() > 0 || time.Now().Before(p.trouble.until) {
		return false
	}
	p.retired = true
	if p.again != nil {
		p.again.Stop()
	}
	if len(p.gates) > 1 {
		p.gates[1].Close()
	}
	return true
}

// stop gives back what waits and lets the connections finish what they have in hand.
func (p *path) stop() {
	p.mu.Lock()
	p.stopping = true
	takers, waiting := p.takers, p.waiting
	p.takers, p.waiting = nil, [3][]routed{}
	if p.again != nil {
		p.again.Stop()
	}
	p.mu.Unlock()
	for _, t := range takers {
		close(t.job)
	}
	for _, class := range waiting {
		for _, it := range class {
			p.giveBack(p.work, it.item, soon)
		}
	}
}
