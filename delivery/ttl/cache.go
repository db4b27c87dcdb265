// Package ttl remembers what was asked for as long as the answer holds.
//
// A Cache is its owner's memory: bounded, changed by nobody else, and lost with the
// process. Whoever asked once may have to ask again at any time.
package ttl

import (
	"context"
	"sync"
	"time"
)

// Cache keeps values for as long as they hold, at most limit of them: two generations,
// of which the older is dropped when the younger has half of the limit. So what is asked
// for stays, and what nobody asks for goes first. A key that many ask for at once is
// fetched once. It is safe for concurrent use.
type Cache[V any] struct {
	limit int
	grace time.Duration
	now   func() time.Time
	began time.Time

	mu         sync.Mutex
	young, old map[string]entry[V]
	flights    map[string]chan struct{} // closed when the fetch is over
}

// entry ends at an age of its cache: a clock that is set changes nothing then, and of
// millions of entries each is small.
type entry[V any] struct {
	value V
	ends  time.Duration
}

// New returns an empty cache of at most limit values, 2 or more. A value that is being
// fetched anew is given to others for grace after its end, so that one of them waits and
// not all. now is time.Now, or a test's.
func New[V any](limit int, grace time.Duration, now func() time.Time) *Cache[V] {
	return &Cache[V]{
		limit: max(2, limit), grace: grace, now: now, began: now(),
		young: map[string]entry[V]{}, flights: map[string]chan struct{}{},
	}
}

// Peek returns the value of key if it is there and still holds.
func (c *Cache[V]) Peek(key string) (V, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.lookup(key)
	if !ok || c.age() >= e.ends {
		var zero V
		return zero, false
	}
	return e.value, true
}

// Get returns the value of key, by fetch if it isn't there; fetch says how long its value
// holds. A fetch runs in the goroutine of the first who asks and with its context; when
// that is cancelled, nothing is kept and the next who waits takes over. The error is that
// of ctx.
func (c *Cache[V]) Get(ctx context.Context, key string, fetch func(context.Context) (V, time.Duration)) (V, error) {
	for {
		c.mu.Lock()
		flight, busy := c.flights[key]
		age := c.age()
		if busy {
			age -= c.grace
		}
		if e, ok := c.lookup(key); ok && age < e.ends {
			c.mu.Unlock()
			return e.value, nil
		}
		if !busy {
			c.flights[key] = make(chan struct{})
			c.mu.Unlock()
			break
		}
		c.mu.Unlock()
		select {
		case <-flight:
		case <-ctx.Done():
			var zero V
			return zero, ctx.Err()
		}
	}
	v, holds := fetch(ctx)
	c.mu.Lock()
	defer c.mu.Unlock()
	close(c.flights[key])
	delete(c.flights, key)
	if ctx.Err() == nil {
		c.store(key, entry[V]{v, c.age() + holds})
	}
	return v, ctx.Err()
}

func (c *Cache[V]) age() time.Duration { return c.now().Sub(c.began) }

// lookup returns the entry of key, however old, and keeps it for another generation.
func (c *Cache[V]) lookup(key string) (entry[V], bool) {
	e, ok := c.young[key]
	if !ok {
		if e, ok = c.old[key]; ok {
			delete(c.old, key)
			c.store(key, e)
		}
	}
	return e, ok
}

func (c *Cache[V]) store(key string, e entry[V]) {
	if len(c.young) >= c.limit/2 {
		c.old, c.young = c.young, map[string]entry[V]{}
	}
	delete(c.old, key)
	c.young[key] = e
}
