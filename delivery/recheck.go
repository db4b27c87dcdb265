package delivery

import (
	"context"
	"sync"
)

// rechecks are the last looks at the suppressions before messages are sent. Those that
// fall together are one question to the store: when mail is late, as when there are many
// small sites, nearly every message needs one.
type rechecks struct {
	mu      sync.Mutex
	waiting []*recheck
	busy    bool // somebody is at it
}

type recheck struct {
	item *item
	kept chan bool
}

// recheck reports whether an item may still be sent; if not, it has been ended.
func (s *Sender) recheck(ctx context.Context, it *item) bool {
	r := &recheck{item: it, kept: make(chan bool, 1)}
	s.rechecks.mu.Lock()
	s.rechecks.waiting = append(s.rechecks.waiting, r)
	begin := !s.rechecks.busy
	s.rechecks.busy = true
	s.rechecks.mu.Unlock()
	if begin {
		// The connection that asks is one of those that are waited for.
		s.working.Go(func() { s.recheckAll(ctx) })
	}
	return <-r.kept
}

// recheckAll asks about what has come together until nobody waits.
func (s *Sender) recheckAll(ctx context.Context) {
	for {
		s.rechecks.mu.Lock()
		batch := s.rechecks.waiting
		s.rechecks.waiting = nil
		s.rechecks.busy = len(batch) > 0
		s.rechecks.mu.Unlock()
		if len(batch) == 0 {
			return
		}
		items := make([]*item, len(batch))
		for i, r := range batch {
			items[i] = r.item
		}
		kept := map[*item]bool{}
		for _, it := range s.leaveOut(ctx, items) {
			kept[it] = true
		}
		for _, r := range batch {
			r.kept <- kept[r.item]
		}
	}
}
