package delivery

import (
	"time"
)

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
