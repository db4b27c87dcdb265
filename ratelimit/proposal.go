package ratelimit

import (
	"math"
	"slices"
	"time"
)

const (
	// tick is the time between the renewals of a key that is being sent to; idleTick and
	// fullTick of one that only holds connections, and of one whose connections are all
	// given away, where others may wait for ours. soonTick is for connections that are
	// ours as soon as another has closed its own.
	tick     = 200 * time.Millisecond
	soonTick = 40 * time.Millisecond
	fullTick = time.Second
	idleTick = 2 * time.Second
	// nearby slots are for whoever has messages that wait and uses what it has, whatever
	// its share: otherwise they would be lost.
	nearby = 350 * time.Millisecond
	// first is how many slots are taken for a key's first messages, before anybody has
	// asked for them.
	first = 8
	// raiseEvery is how often a rate that rises is taken up, by all at the same time of
	// the clock: another grid costs slots.
	raiseEvery = 2 * time.Second
)

// proposal is what a gate would make of a table.
type proposal struct {
	table   table
	told    Limits // that it was made for
	write   bool
	idle    bool // there is nothing to renew for
	blocks  []block
	grant   int // connections that would be our own
	until   int64
	credit  float64
	covered int64
	next    time.Duration
	unmet   bool // asking before next brings nothing
	wanted  bool // others want more connections than they have
}

// propose makes a table out of the known one. What it gives up is given up from now on.
func (g *sharedGate) propose() proposal {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.s.clock.server()
	p := proposal{table: g.known, told: g.told, credit: g.credit, covered: g.covered, until: now + int64(lease)}
	p.table.Members = slices.Clone(g.known.Members)
	p.table.advance(now)

	waiting := int(g.line.waiting.Load())
	resting := g.asked == 0 && waiting == 0 && !g.moved && len(g.blocks) == 0
	if g.held == 0 && (g.opened == 0 || resting) {
		g.leave(&p)
		return p
	}
	if g.told.Rate < g.rate || now/int64(raiseEvery) != g.raised/int64(raiseEvery) {
		g.rate, g.raised = g.told.Rate, now
	}
	old, had := p.table.member(g.s.opt.Name)
	me := p.table.set(member{
		Name: g.s.opt.Name, Rate: g.rate, Limit: g.told.Connections, Until: p.until,
		Connections: old.Connections, Want: g.wantedConnections(),
		Pace: g.wantedPace(waiting),
	})
	if len(p.table.Members) > 1 { // what is not open, others may want
		p.table.Members[me].Connections = min(old.Connections, g.held)
	}
	limits := p.table.limits()
	p.table.setRate(limits.Rate, now)

	var fair int
	p.grant, fair = p.table.share(me, limits.Connections, now)
	p.wanted = p.table.othersWant(me)
	if g.s.quiet(now) {
		p.grant = min(p.grant, g.held)
	}
	m := &p.table.Members[me]
	m.Connections = max(g.held, p.grant)
	returned := false
	if m.Connections > 0 {
		g.reserve(&p, me, waiting, now)
	} else { // slots are for who can use them
		returned = g.giveBack(&p.table, now)
	}

	p.write = !had || returned || len(p.blocks) > 0 || now > g.until-int64(lease-idleTick) ||
		m.Connections != old.Connections || m.Rate != old.Rate || m.Limit != old.Limit ||
		len(p.table.Members) > 1 && (m.Want != old.Want || farApart(m.Pace, old.Pace))
	if p.write {
		g.may = min(g.may, p.grant)
	}
	g.schedule(&p, waiting, limits.Connections, fair, now)
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
	grid := t.grid()
	pace := t.sharePace(me, now)
	need := waiting - g.ahead()
	if g.moved || waiting > 0 {
		need += int(pace * horizon.Seconds())
	} else if g.asked > 0 && first*grid.apart <= horizon {
		need = first - g.ahead() // the first messages of a key
	}
	share := pace * grid.apart.Seconds() * float64(grid.abreast) // of a frame, in units
	near := 0                                                    // slots that nobody else will take
	if g.hungry {
		near = waiting + int(t.Members[me].Pace*nearby.Seconds()) - g.aheadUntil(now+int64(nearby))
	}
	if g.covered == 0 {
		p.credit = 1
	}
	earliest := int64(0)
	if g.s.quiet(now) { // until the slots are over that the lost table had given away
		earliest = g.s.lost.Load() + int64(furthest)
	}
	own, most := 0, max(int(math.Ceil(share-1./8)), 1) // of a frame's units: the others are theirs
	for i := range t.units(now) {
		unit := t.unit(i)
		begins, slots := unit.start, unit.left(now)
		if i%grid.abreast == 0 {
			own = g.blocksWithin(begins, begins+grid.frame())
			if begins > p.covered {
				p.credit = min(p.credit+share, 3+share)
				p.covered = begins
			}
		}
		due := need > 0 && p.credit >= 1 && own < most
		left := near > 0 && begins < now+int64(nearby)
		if !due && !left || slots == 0 || !t.free(i) || begins < earliest {
			continue
		}
		p.blocks = append(p.blocks, t.take(i))
		p.credit = max(p.credit-float64(slots)/float64(unit.n), -4)
		own++
		need -= slots
		if begins < now+int64(nearby) {
			near -= slots
		}
	}
}

// blocksWithin is how many of our blocks have their next slot in a span of time.
func (g *sharedGate) blocksWithin(start, end int64) (n int) {
	for _, b := range g.blocks {
		if b.start >= start && b.start < end {
			n++
		}
	}
	return n
}

// giveBack frees the units to come, which nobody is there to use.
func (g *sharedGate) giveBack(t *table, now int64) (freed bool) {
	for _, b := range g.blocks {
		freed = b.start > now && t.giveBack(b) || freed
	}
	g.blocks = nil
	return freed
}

// schedule says when to look again.
func (g *sharedGate) schedule(p *proposal, waiting, limit, fair int, now int64) {
	p.next = idleTick
	busy := waiting > 0 || g.moved || g.ahead() > 0 || len(p.blocks) > 0
	switch {
	case g.asked > 0 && p.grant < fair:
		p.next = soonTick
	case g.asked > 0 || busy:
		p.next = tick
	case p.table.othersConnections(-1) >= limit:
		p.next = fullTick
	}
	p.unmet = g.asked > 0 && p.grant <= g.held
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
	if limit < len(p.table.Members) {
		p.next = min(p.next, turnsEnd(now))
	}
}
