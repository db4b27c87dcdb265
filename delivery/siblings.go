package delivery

import (
	"sync"
	"time"
)

// siblings are the paths to one site from several sources. They share the connections
// that the site allows: the next one that is free goes to the path that has the fewest of
// those that need one, and who has two more than such a path gives one up after the
// message in hand. Where there are fewer connections than paths they take turns. All its
// fields below mu are guarded by it; it is locked before a path's mu.
type siblings struct {
	mu       sync.Mutex
	paths    []*path
	starving map[*path]bool // were refused a connection by the site's gate
	leaving  map[*path]int  // connections that were told to make room
	coming   map[*path]int  // those that room is made for, until they have it
}

// enter asks the site's gate for a connection of a path.
func (st *site) enter(p *path) bool {
	st.mu.Lock()
	if st.fewest(p) && st.gate.TryAcquire() {
		delete(st.starving, p)
		st.coming[p] = max(st.coming[p]-1, 0)
		st.mu.Unlock()
		return true
	}
	st.starving[p] = true
	others := st.others(p)
	st.mu.Unlock()
	for _, q := range others {
		if q.dismissIdle() {
			break
		}
	}
	return false
}

// fewest reports whether none that needs a connection has fewer than a path, which has
// counted the one that it asks for; the lock is held.
func (st *siblings) fewest(p *path) bool {
	most := p.connections() - 1
	for q := range st.starving {
		if q != p && st.starves(q) && (q.connections() < most || st.coming[q] > 0) {
			return false
		}
	}
	return true
}

// starves reports whether a path that was refused a connection still needs it; the lock
// is held.
func (st *siblings) starves(q *path) bool {
	if q.needsOne() {
		return true
	}
	delete(st.starving, q)
	delete(st.coming, q)
	return false
}

// withdraw takes note that a path may have no connection more, whatever it needs: the others
// don't wait for it.
func (st *siblings) withdraw(p *path) {
	st.mu.Lock()
	defer st.mu.Unlock()
	delete(st.starving, p)
	delete(st.coming, p)
}

// makeRoom reports whether a connection, which has just sent a message, is to end for
// another path. It calls madeRoom before it is released.
func (st *siblings) makeRoom(p *path, began time.Time) bool {
	st.mu.Lock()
	defer st.mu.Unlock()
	mine := p.connections() - st.leaving[p]
	for q := range st.starving {
		if q == p || !st.starves(q) {
			continue
		}
		theirs := q.connections() + st.coming[q]
		if theirs+1 < mine || theirs == 0 && mine == 1 && time.Since(began) >= busyTurn {
			st.leaving[p]++
			st.coming[q]++
			return true
		}
	}
	return false
}

// madeRoom takes note that a connection of p has ended for another.
func (st *siblings) madeRoom(p *path) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.leaving[p]--
}

// forget takes a path out and returns how many are left.
func (st *siblings) forget(p *path) int {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.paths = st.others(p)
	delete(st.starving, p)
	delete(st.leaving, p)
	delete(st.coming, p)
	return len(st.paths)
}

// all are the paths at this moment.
func (st *siblings) all() []*path {
	st.mu.Lock()
	defer st.mu.Unlock()
	return st.others(nil)
}

// others are all paths but one; the lock is held.
func (st *siblings) others(p *path) []*path {
	list := make([]*path, 0, len(st.paths))
	for _, q := range st.paths {
		if q != p {
			list = append(list, q)
		}
	}
	return list
}

// grow opens connections until no path is given one more.
func (st *siblings) grow() {
	for grown := true; grown; {
		grown = false
		for _, p := range st.all() {
			grown = p.grow() || grown
		}
	}
}

// connections are how many the path has, those included that start.
func (p *path) connections() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.conns
}

// needsOne reports whether the path has work for one connection more.
func (p *path) needsOne() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return !p.stopping && !p.retired && p.backlog() > p.starting && !p.pausedUntil().After(time.Now()) &&
		(p.trouble.inARow < probing || p.conns == 0)
}

// dismissIdle ends the connection that has been idle for longest, if there is one.
func (p *path) dismissIdle() bool {
	p.mu.Lock()
	if len(p.takers) == 0 {
		p.mu.Unlock()
		return false
	}
	t := p.takers[0]
	p.takers = p.takers[1:]
	close(t.job)
	p.mu.Unlock()
	p.crowd.wake(t)
	return true
}
