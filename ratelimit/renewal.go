package ratelimit

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"time"
)

const (
	// tick is the time between the renewals of a key that is being sent to; idleTick and
	// fullTick of one that only holds connections, and of one whose connections are all
	// given away, where others may wait for ours.
	tick     = 250 * time.Millisecond
	fullTick = time.Second
	idleTick = 3 * time.Second
	// nearby slots are for whoever has messages that wait, whatever its share: otherwise
	// they would be lost.
	nearby = 450 * time.Millisecond
	// first is how many slots are taken for a key's first messages, before anybody has
	// asked for them.
	first = 8
	// raiseEvery is how often a rate that rises is taken up: another grid costs slots.
	raiseEvery = 2 * time.Second
	// conflictPause is the longest time before a lost compare-and-swap is repeated: in a
	// cluster, the write that won may take some milliseconds until it can be read.
	conflictPause = 10 * time.Millisecond
	// longestPause is the longest time between two attempts to reach NATS.
	longestPause = 2 * time.Second
)

// renewal is what renewals of a gate remember. They run one at a time.
type renewal struct {
	known    table // as last read or written
	revision uint64
	stale    bool // known may be wrong
	pause    time.Duration

	rate     float64 // that was published
	raised   int64   // when it was
	measured int64   // when the pace was
	pace     float64 // messages a second that leave
	hungry   bool    // more would
	moved    bool    // something was sent since the measurement before
	credit   float64 // units that we may take by our share
	covered  int64   // units that begin later have not been shared out yet
}

// proposal is what a gate would make of a table.
type proposal struct {
	table   table
	write   bool
	idle    bool // there is nothing to renew for
	blocks  []block
	grant   int // connections that would be our own
	until   int64
	credit  float64
	covered int64
	next    time.Duration
	unmet   bool // asking before next brings nothing
}

// renew writes what this process needs into the key's table, and takes over what it got.
// It returns the time until the next renewal, or never.
func (g *sharedGate) renew(ctx context.Context) time.Duration {
	g.measure()
	if g.s.away.Load() { // one key at a time finds out whether NATS is back
		if !g.s.trial.TryLock() {
			return g.failed(ctx)
		}
		defer g.s.trial.Unlock()
	}
	fresh := false
	for range 10 {
		if g.stale || !fresh && g.othersAreKnown() {
			if err := g.read(ctx); err != nil {
				return g.failed(ctx)
			}
			fresh = true
		}
		p := g.propose()
		if !p.write {
			if p.idle || fresh {
				g.adopt(&p, false)
				return p.next
			}
			g.stale = true // others may have come
			continue
		}
		err := g.write(ctx, &p)
		if err == nil {
			return p.next
		}
		if g.stale = true; !errors.Is(err, errConflict) {
			return g.failed(ctx)
		}
		pause(ctx, rand.N(conflictPause))
	}
	return tick / 2 // many write this key
}

func (g *sharedGate) othersAreKnown() bool {
	return slices.ContainsFunc(g.known.Members, func(m member) bool { return m.Name != g.s.opt.Name })
}

func (g *sharedGate) read(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, requestTime)
	defer cancel()
	value, revision, err := g.s.bucket.get(ctx, bucketKey(g.key))
	g.s.reached(err)
	if err != nil {
		return err
	}
	g.known, g.revision, g.stale = table{}, revision, false
	if revision == 0 {
		return nil
	}
	// A table that can't be read is replaced: by one that begins when nothing of it can
	// be in use any more.
	if g.known, err = decodeTable(value); err != nil {
		g.s.opt.Log.Error("limits: the key is begun anew", "key", g.key, "error", err)
		g.s.forgot()
		g.known = table{Last: g.s.clock.server() + int64(horizon+late+skew)}
	}
	return nil
}

func (g *sharedGate) write(ctx context.Context, p *proposal) error {
	value, err := p.table.encode()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, requestTime)
	defer cancel()
	before := g.s.highest.Load()
	revision, err := g.s.bucket.put(ctx, bucketKey(g.key), value, g.revision)
	g.s.reached(err)
	if err != nil {
		return err
	}
	g.known, g.revision = p.table, revision
	if revision <= before {
		// The bucket was lost and made again: slots and connections that others have are
		// not in it yet.
		g.s.forgot()
		g.s.highest.Store(revision)
		p.blocks, p.next = nil, leastPause
	}
	g.s.saw(revision)
	g.adopt(p, true)
	return nil
}

// quiet reports whether what the bucket forgot may still be in use.
func (s *Shared) quiet(now int64) bool {
	lost := s.lost.Load()
	return lost != 0 && now >= lost && now < lost+int64(lease+margin)
}

// forgot takes note that what the bucket knew is gone.
func (s *Shared) forgot() { s.lost.Store(s.clock.server()) }

// saw takes note of a revision.
func (s *Shared) saw(revision uint64) {
	for {
		old := s.highest.Load()
		if revision <= old || s.highest.CompareAndSwap(old, revision) {
			return
		}
	}
}

// failed plans another attempt, after NATS did not answer. Connections that can't be renewed have to close.
func (g *sharedGate) failed(ctx context.Context) time.Duration {
	if ctx.Err() != nil {
		return never
	}
	g.stale = true
	g.pause = min(max(2*g.pause, leastPause), longestPause)
	next := jitter(g.pause)
	g.mu.Lock()
	now := g.s.clock.server()
	g.early = now + int64(next)
	if g.held-g.leaving > g.allowed(now) {
		g.unlockAndWake(true)
	} else {
		g.mu.Unlock()
	}
	return next
}

// pause waits, or until ctx is done.
func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// jitter keeps processes from writing in step.
func jitter(d time.Duration) time.Duration {
	return d - d/10 + time.Duration(rand.Int64N(int64(d/5)+1))
}

// measure looks at what was sent since the last renewal.
func (g *sharedGate) measure() {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.s.clock.server()
	g.dropPast(now)
	if ahead := now + 2*int64(horizon); g.until > now+int64(lease+margin) || g.covered > ahead || len(g.blocks) > 0 && g.blocks[0].start > ahead {
		// The server's clock has gone back.
		g.until, g.covered, g.raised, g.blocks = now+int64(lease), 0, 0, nil
	}
	if elapsed := time.Duration(now - g.measured); g.measured != 0 && elapsed > 0 {
		weight := min(elapsed.Seconds(), 1)
		g.pace += weight * (float64(g.used)/elapsed.Seconds() - g.pace)
	}
	g.measured = now
	g.moved = g.used > 0
	g.hungry = g.line.waiting.Load() > 0 && g.lost*10 <= g.used
	g.used, g.lost = 0, 0
}

// propose makes a table out of the known one. What it gives up is given up from now on.
func (g *sharedGate) propose() proposal {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.s.clock.server()
	p := proposal{table: g.known, credit: g.credit, covered: g.covered, until: now + int64(lease)}
	p.table.Members = slices.Clone(g.known.Members)
	p.table.advance(now)

	waiting := int(g.line.waiting.Load())
	resting := g.asked == 0 && waiting == 0 && !g.moved && len(g.blocks) == 0
	if g.held == 0 && (g.opened == 0 || resting) {
		g.leave(&p)
		return p
	}
	if g.told.Rate < g.rate || now-g.raised > int64(raiseEvery) {
		g.rate, g.raised = g.told.Rate, now
	}
	old, had := p.table.member(g.s.opt.Name)
	me := p.table.set(member{
		Name: g.s.opt.Name, Rate: g.rate, Limit: g.told.Connections, Until: p.until,
		Connections: old.Connections, Want: g.wantedConnections(),
		Pace: g.wantedPace(waiting),
	})
	limits := p.table.limits()
	p.table.setRate(limits.Rate, now)
	g.reserve(&p, me, waiting, now)

	p.grant = p.table.share(me, limits.Connections, now)
	if len(p.table.Members) == 1 { // nobody needs what we don't use
		p.grant = max(p.grant, min(old.Connections, limits.Connections))
	}
	if g.s.quiet(now) {
		p.grant = min(p.grant, g.held)
	}
	m := &p.table.Members[me]
	m.Connections = max(g.held, p.grant)
	returned := m.Connections == 0 && g.giveBack(&p.table, now)

	p.write = !had || returned || len(p.blocks) > 0 || now > g.until-int64(lease-idleTick) ||
		m.Connections != old.Connections || m.Rate != old.Rate || m.Limit != old.Limit ||
		len(p.table.Members) > 1 && (m.Want != old.Want || farApart(m.Pace, old.Pace))
	if p.write {
		g.may = min(g.may, p.grant)
	}
	g.schedule(&p, waiting, limits.Connections, now)
	g.peak = g.held
	return p
}

// leave takes this process out of the table, if that is of use to anybody.
func (g *sharedGate) leave(p *proposal) {
	p.idle, p.next = true, never
	old, had := p.table.member(g.s.opt.Name)
	if !had {
		return
	}
	p.table.remove(g.s.opt.Name)
	g.giveBack(&p.table, g.s.clock.server())
	p.write = len(p.table.Members) > 0 || 2*old.Connections > old.Limit
	g.may = 0
}

// wantedConnections doubles while connections are refused, until it is enough.
func (g *sharedGate) wantedConnections() int {
	want := g.peak
	if g.asked > 0 {
		want = max(want, g.held+g.asked, 2*g.held)
	}
	return min(want, g.told.Connections)
}

// wantedPace is how many messages a second would leave if nothing but this process's
// connections held them up: an estimate that doubles until it is enough.
func (g *sharedGate) wantedPace(waiting int) float64 {
	if g.hungry {
		return max(2*g.pace, first, float64(waiting))
	}
	return max(1.1*g.pace, float64(waiting))
}

// farApart tells paces that make another share from those that don't.
func farApart(a, b float64) bool { return max(a, b) > 1.25*min(a, b)+0.5 }

// reserve takes units for the messages to come: as many as our share of the rate is,
// spread over the others', and nearby ones that nobody has taken.
func (g *sharedGate) reserve(p *proposal, me, waiting int, now int64) {
	t := &p.table
	if t.Rate <= 0 {
		return
	}
	apart, group := t.grid()
	rate := float64(time.Second) / float64(apart)
	pace := t.sharePace(me, rate)
	need := waiting - g.ahead()
	if g.moved || waiting > 0 {
		need += int(pace * horizon.Seconds())
	} else if g.asked > 0 && first*apart <= horizon {
		need = first - g.ahead() // the first messages of a key
	}
	share := pace / rate
	if g.covered == 0 {
		p.credit = 1
	}
	earliest := int64(0)
	if g.s.quiet(now) { // until the slots are over that the lost table had given away
		earliest = g.s.lost.Load() + int64(horizon+late+skew)
	}
	for i := range t.units(now) {
		begins := t.unit(i).start
		if begins > p.covered {
			p.credit = min(p.credit+share, 4)
			p.covered = begins
		}
		due := p.credit >= 1 || waiting > 0 && begins < now+int64(nearby)
		if need <= 0 || !due || !t.free(i) || begins < earliest {
			continue
		}
		p.blocks = append(p.blocks, t.take(i))
		p.credit = max(p.credit-1, -4)
		need -= group
	}
}

// giveBack frees the units to come, which nobody is there to use.
func (g *sharedGate) giveBack(t *table, now int64) (any bool) {
	for _, b := range g.blocks {
		any = b.start > now && t.giveBack(b) || any
	}
	g.blocks = nil
	return any
}

// schedule says when to look again.
func (g *sharedGate) schedule(p *proposal, waiting, limit int, now int64) {
	p.next = idleTick
	busy := waiting > 0 || g.moved || g.ahead() > 0 || len(p.blocks) > 0
	switch {
	case g.asked > 0:
		p.next = tick
		p.unmet = p.grant <= g.held
	case busy:
		p.next = tick
	case p.table.othersConnections(-1) >= limit:
		p.next = fullTick
	}
	if waiting > 0 && len(p.blocks) == 0 && g.ahead() == 0 {
		p.unmet = true
		if p.table.Rate <= 0 {
			p.next = max(p.next, fullTick)
		} else if g.asked == 0 {
			free := time.Duration(p.table.firstFree() - now - int64(horizon))
			p.next = min(max(free, p.next), idleTick)
		}
	}
	p.next = jitter(p.next)
}

// adopt makes a proposal the truth: it was written, or differs in nothing from what is
// there.
func (g *sharedGate) adopt(p *proposal, written bool) {
	g.mu.Lock()
	now := g.s.clock.server()
	g.pause = 0
	g.may, g.credit, g.covered = p.grant, p.credit, p.covered
	if g.s.quiet(now) {
		g.may = min(g.may, g.held)
	}
	if written {
		g.until = p.until
	}
	g.add(p.blocks, now)
	g.early = now + int64(leastPause)
	if p.unmet {
		g.early = now + int64(p.next)
	}
	g.unlockAndWake(g.asked > 0 && g.held < g.allowed(now) || g.held-g.leaving > g.allowed(now))
	if len(p.blocks) > 0 {
		g.line.change()
	}
}
