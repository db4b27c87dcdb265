package tlspolicy

import (
	"context"
	"sync"
	"time"
)

// grace is for how long after its end a value is still given to others while it is
// fetched anew: one of a domain's messages waits for a slow web server, not all.
const grace = time.Minute

// cache keeps values for as long as they hold, at most max of them: two generations,
// of which the older is dropped when the younger has filled up. A key that many ask
// for at once is fetched once.
type cache[V any] struct {
	max int
	now func() time.Time

	mu         sync.Mutex
	young, old map[string]entry[V]
	flights    map[string]chan struct{} // closed when the fetch is over
}

type entry[V any] struct {
	value   V
	expires int64 // Unix nanoseconds: millions of entries are small, and hold no pointer more
}

func newCache[V any](limit int, now func() time.Time) *cache[V] {
	return &cache[V]{max: max(2, limit), now: now, young: map[string]entry[V]{}, flights: map[string]chan struct{}{}}
}

// peek returns the value of key if it is there and still holds.
func (c *cache[V]) peek(key string) (V, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.lookup(key)
	if !ok || c.now().UnixNano() >= e.expires {
		var zero V
		return zero, false
	}
	return e.value, true
}

// get returns the value of key, by fetch if it isn't there. A fetch runs in the
// goroutine of the first who asks and with its context; when that is cancelled, the
// next who waits takes over. The error is that of ctx.
func (c *cache[V]) get(ctx context.Context, key string, fetch func(context.Context) (V, time.Duration)) (V, error) {
	for {
		c.mu.Lock()
		flight, busy := c.flights[key]
		late := c.now()
		if busy {
			late = late.Add(-grace)
		}
		if e, ok := c.lookup(key); ok && late.UnixNano() < e.expires {
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
		c.store(key, entry[V]{v, c.now().Add(holds).UnixNano()})
	}
	return v, ctx.Err()
}

// lookup returns the entry of key, however old.
func (c *cache[V]) lookup(key string) (entry[V], bool) {
	e, ok := c.young[key]
	if !ok {
		if e, ok = c.old[key]; ok {
			delete(c.old, key)
			c.store(key, e)
		}
	}
	return e, ok
}

func (c *cache[V]) store(key string, e entry[V]) {
	if len(c.young) >= c.max/2 {
		c.old, c.young = c.young, map[string]entry[V]{}
	}
	delete(c.old, key)
	c.young[key] = e
}
