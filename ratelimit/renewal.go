package ratelimit

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"time"
)

const (
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
		g.known = table{Last: g.s.clock.server() + int64(furthest)}
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
	g.hungry = (g.waited || g.line.waiting.Load() > 0) && g.lost*10 <= g.used
	g.used, g.lost, g.waited = 0, 0, false
}

// adopt makes a proposal the truth: it was written, or differs in nothing from what is
// there.
func (g *sharedGate) adopt(p *proposal, written bool) {
	g.mu.Lock()
	now := g.s.clock.server()
	g.pause = 0
	g.peak = g.held - g.resting
	g.wanted = p.wanted
	g.credit, g.covered = p.credit, p.covered
	g.may = min(p.grant, g.told.Connections)
	if g.s.quiet(now) {
		g.may = min(g.may, g.held)
	}
	if g.told.Rate < p.told.Rate { // it fell while the slots were reserved
		p.blocks = nil
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
