package delivery

import (
	"container/list"
	"sync"
	"time"
)

// crowd bounds how many connections a sender has to all sites together. When it is
// nearly full, the connections that have been idle for longest make room: before it is
// needed, since taking leave of a server takes a round trip. Busy ones take turns.
type crowd struct {
	limit int

	mu      sync.Mutex
	open    int
	leaving int       // of them: told by makeRoom to close
	idle    list.List // of *taker, the longest idle first
	starved []*path   // in the order in which they came, each once
	hungry  map[*path]bool
}

func newCrowd(limit int) *crowd { return &crowd{limit: limit, hungry: map[*path]bool{}} }

// enter counts one more connection; false when there is no room yet. The path is then
// told to grow when there is.
func (c *crowd) enter(p *path) bool {
	c.mu.Lock()
	entered := c.open < c.limit
	if entered {
		c.open++
	} else if !c.hungry[p] {
		c.hungry[p] = true
		c.starved = append(c.starved, p)
	}
	var longest *taker
	if front := c.idle.Front(); front != nil && (!entered || c.open > c.limit-c.limit/8) {
		longest = c.idle.Remove(front).(*taker)
		longest.place = nil
	}
	c.mu.Unlock()
	if longest != nil {
		longest.path.dismiss(longest)
	}
	return entered
}

// leave counts one connection less, and lets the first grow that had no room and
// still needs some.
func (c *crowd) leave() {
	c.mu.Lock()
	c.open--
	c.leaving = max(c.leaving-1, 0)
	c.mu.Unlock()
	for p := c.nextStarved(); p != nil && !p.grow(); {
		p = c.nextStarved()
	}
}

// busyTurn is how long a connection may work while a path has no room for its first one.
const busyTurn = 5 * time.Second

// makeRoom reports whether a connection that began at a time is to end, though it has
// work: for each path without room one is.
func (c *crowd) makeRoom(began time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.starved) <= c.leaving || time.Since(began) < busyTurn {
		return false
	}
	c.leaving++
	return true
}

func (c *crowd) nextStarved() *path {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.starved) == 0 || c.open >= c.limit {
		return nil
	}
	p := c.starved[0]
	c.starved = c.starved[1:]
	delete(c.hungry, p)
	return p
}

// rest takes note that a connection has become idle, wake that it isn't any more.
func (c *crowd) rest(t *taker) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t.place = c.idle.PushBack(t)
}

func (c *crowd) wake(t *taker) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if t.place != nil {
		c.idle.Remove(t.place)
		t.place = nil
	}
}
