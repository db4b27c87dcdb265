package ratelimit

import (
	"cmp"
	"context"

	"slices"
	"sync"
	"time"
)

// sharedGate is one process's side of a key: the slots and connections that are its own
// by the table as it was last written, and what it needs of the next. Messages use what
// is there; only renewals, which run beside them, speak with NATS.
type sharedGate struct {
	s    *Shared
	key  string
	line line

	mu     sync.Mutex
	wake   func()
	opened int    // how often more than closed
	told   Limits // by the caller

	blocks     []block // slots of our own, in order of their next one
	used, lost int     // slots, since the last renewal
	waited     bool    // some message, since then

	held    int  // connections
	leaving int  // of them: told by Over to close
	resting int  // of them: have nothing to carry
	peak    int  // most that had, since the last renewal
	asked   int  // refused since the last wake
	may     int  // connections are our own
	wanted  bool // by others, more than they have
	until   int64

	timer *time.Timer // of the next renewal
	due   int64       // when it is; 0: not planned
	early int64       // asking before brings nothing
	busy  bool        // a renewal is under way
	again bool        // and was asked for once more

	renewal // touched by renewals only, one at a time
}

func newSharedGate(s *Shared, key string) *sharedGate {
	return &sharedGate{s: s, key: key, line: newLine()}
}

// SetLimits implements Gate.
func (g *sharedGate) SetLimits(l Limits) {
	switch {
	case !(l.Rate >= leastRate):
		l.Rate = 0
	case l.Rate > mostRate:
		l.Rate = mostRate
	}
	l.Connections = max(l.Connections, 0)
	g.mu.Lock()
	old := g.told
	if l == old {
		g.mu.Unlock()
		return
	}
	g.told = l
	if l.Rate < old.Rate {
		g.blocks = nil
	}
	g.may = min(g.may, l.Connections)
	// Rates that creep up can wait for the next renewal.
	busy := g.held > 0 || g.asked > 0 || g.line.waiting.Load() > 0
	if busy && (l.Rate < old.Rate || l.Rate > 1.2*old.Rate || l.Connections != old.Connections) {
		g.early = 0
		g.ask(g.s.clock.server())
	}
	g.unlockAndWake(g.held-g.leaving > g.may)
	g.line.change()
}

// Wait implements Gate.
func (g *sharedGate) Wait(ctx context.Context) error { return g.line.pass(ctx, g.take) }

// take uses a slot that is due, or tells how long it is until the next.
func (g *sharedGate) take() time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.s.clock.server()
	g.dropPast(now)
	if len(g.blocks) == 0 {
		g.waited = true
		g.ask(now)
		return time.Hour // or until the renewal brings slots
	}
	b := &g.blocks[0]
	if wait := b.start - now; wait > 0 {
		g.waited = true
		return time.Duration(wait)
	}
	g.spend(1)
	g.used++
	return 0
}

// spend uses up some slots of the first block, and puts it in its place again: blocks
// that lie side by side take turns.
func (g *sharedGate) spend(n int) {
	b := g.blocks[0]
	b.start += int64(n) * int64(b.apart)
	if b.n -= n; b.n == 0 {
		g.blocks = slices.Delete(g.blocks, 0, 1)
		return
	}
	i := 1
	for ; i < len(g.blocks) && g.blocks[i].start < b.start; i++ {
		g.blocks[i-1] = g.blocks[i]
	}
	g.blocks[i-1] = b
}

// dropPast loses the slots that are too old to be used.
func (g *sharedGate) dropPast(now int64) {
	for len(g.blocks) > 0 {
		b := g.blocks[0]
		past := b.n - b.left(now-int64(late))
		if past == 0 {
			return
		}
		g.spend(past)
		g.lost += past
	}
}

// TryAcquire implements Gate.
func (g *sharedGate) TryAcquire() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.s.clock.server()
	if g.held < g.allowed(now) {
		g.held++
		g.peak = max(g.peak, g.held-g.resting)
		return true
	}
	g.asked = min(g.asked+1, max(g.told.Connections, 1))
	g.ask(now)
	return false
}

// allowed is how many connections may be open at this moment.
func (g *sharedGate) allowed(now int64) int {
	if now >= g.until-int64(stopEarly) {
		return 0
	}
	return g.may
}

// Rest implements Gate. Who was refused a connection before there was one to spare, and
// wants it still, asks again.
func (g *sharedGate) Rest() {
	g.mu.Lock()
	if g.resting++; g.wanted && g.resting == g.held {
		g.ask(g.s.clock.server())
	}
	g.unlockAndWake(g.asked > 0)
}

// Resume implements Gate.
func (g *sharedGate) Resume() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.resting--
	g.peak = max(g.peak, g.held-g.resting)
}

// Release implements Gate.
func (g *sharedGate) Release() {
	g.mu.Lock()
	now := g.s.clock.server()
	over := g.held > g.allowed(now)
	g.held--
	g.leaving = max(g.leaving-1, 0)
	if over { // somebody waits for it
		g.early = 0
		g.ask(now)
	}
	g.unlockAndWake(g.asked > 0 && g.held < g.allowed(now))
}

// Over implements Gate.
func (g *sharedGate) Over() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.held-g.leaving <= g.allowed(g.s.clock.server()) {
		return false
	}
	g.leaving++
	return true
}

// Close implements Gate.
func (g *sharedGate) Close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.opened--; g.opened == 0 {
		g.early = 0
		g.ask(g.s.clock.server())
	}
}

// unlockAndWake releases the lock before it calls wake, which may call the gate.
func (g *sharedGate) unlockAndWake(due bool) {
	wake := g.wake
	if due {
		g.asked = 0
	}
	open := g.opened > 0
	g.mu.Unlock()
	if due && open {
		wake()
	}
}

// ask plans a renewal for the earliest time at which it may bring something.
func (g *sharedGate) ask(now int64) { g.plan(now, max(g.early, now)) }

// plan plans a renewal, unless an earlier one is planned.
func (g *sharedGate) plan(now, at int64) {
	if g.busy {
		g.again = true
		return
	}
	if g.due != 0 && g.due <= at {
		return
	}
	g.due = at
	wait := time.Duration(max(at-now, 0))
	if g.timer == nil {
		g.timer = time.AfterFunc(wait, g.run)
	} else {
		g.timer.Reset(wait)
	}
}

// stop cancels the renewal that is planned.
func (g *sharedGate) stop() {
	if g.timer != nil {
		g.timer.Stop()
	}
	g.due = 0
}

// run renews once and plans the next renewal.
func (g *sharedGate) run() {
	if !g.s.begin() {
		return
	}
	defer g.s.work.Done()
	g.mu.Lock()
	if g.busy {
		g.mu.Unlock()
		return
	}
	g.busy, g.again, g.due = true, false, 0
	g.mu.Unlock()

	var next time.Duration
	select {
	case g.s.room <- struct{}{}:
		next = g.renew(g.s.ctx)
		<-g.s.room
	case <-g.s.ctx.Done():
		next = never
	}

	g.mu.Lock()
	g.busy = false
	now := g.s.clock.server()
	closed := g.opened == 0 && next == never
	if g.again {
		next = min(next, leastPause)
	}
	if next != never {
		g.plan(now, now+int64(next))
	}
	g.mu.Unlock()
	if closed {
		g.s.forget(g)
	}
}

// leastPause is the least time between two renewals of a key.
const leastPause = 20 * time.Millisecond

// add takes over slots that were reserved; those whose time has passed count as if they
// had never been there.
func (g *sharedGate) add(blocks []block, now int64) {
	lost := g.lost
	g.blocks = append(g.blocks, blocks...)
	slices.SortFunc(g.blocks, func(a, b block) int { return cmp.Compare(a.start, b.start) })
	g.dropPast(now)
	g.lost = lost
}

// ahead is how many slots are there to be used.
func (g *sharedGate) ahead() int { return g.aheadUntil(1<<63 - 1) }

// aheadUntil is how many of them come before a time, by whole blocks.
func (g *sharedGate) aheadUntil(end int64) (n int) {
	for _, b := range g.blocks {
		if b.start < end {
			n += b.n
		}
	}
	return n
}
