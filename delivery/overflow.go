package delivery

import (
	"context"
	"slices"
	"time"

	"broadside/campaign"
	"broadside/delivery/queue"
)

const (
	// tailHold is how many seconds' worth of jobs a site may hold in a shared lane that has
	// no room left for the others.
	tailHold = 2 * time.Second
	// leastHeld jobs it may hold however slow it is.
	leastHeld = 4
	// proving is how long jobs must have waited before the site is taken for slow: it may
	// be far away, and its first connection not open yet.
	proving = time.Second
	// paceWindow is how long the messages of a site are counted together.
	paceWindow = 5 * time.Second
	// furthest is how far ahead a turn may be: the site may have become faster by then.
	furthest = time.Hour
	// relieveEvery is how often a lane without room is looked at.
	relieveEvery = 250 * time.Millisecond
)

// overflow keeps a site that shares its lane from filling it. A lane has room for so
// many jobs in hand; when a slow site's wait in all of it, the others get none. So a site
// may hold what it sends in tailHold, or half of the room that is left, whichever is
// more, and the jobs beyond are deferred to when their turn will be, each after the other.
type overflow struct {
	busy time.Time // since when jobs wait without a break
	next time.Time // the turn of the job that was sent away last
	// sent counts the messages of a paceWindow, before those of the last one: what the site
	// takes in truth, whatever it is allowed.
	began        time.Time
	sent, before int
}

// count takes note of a message that has left.
func (p *path) count(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.overflow.turn(now)
	p.overflow.sent++
}

func (o *overflow) turn(now time.Time) {
	switch age := now.Sub(o.began); {
	case age >= 2*paceWindow:
		o.began, o.before, o.sent = now, 0, 0
	case age >= paceWindow:
		o.began, o.before, o.sent = now, o.sent, 0
	}
}

// pace is how many messages the site takes in a second, as it did lately; 0 if none.
func (o *overflow) pace(now time.Time) float64 {
	o.turn(now)
	since := max(now.Sub(o.began), proving)
	return max(float64(o.sent)/since.Seconds(), float64(o.before)/paceWindow.Seconds())
}

// late is a job with the time at which its site will be ready for it.
type late struct {
	routed
	due time.Time
}

// shed takes out the jobs of a shared lane, which has room for so many more, that would
// wait for too long, the last ones first; the lock is held. A large site may have some,
// too: of domains that were not known to be its own when their run was planned.
func (p *path) shed(now time.Time, l *lane, room int) []late {
	if !l.name.Tail() {
		return nil
	}
	pause := p.pausedUntil().Sub(now)
	if pause <= tailPatience && now.Sub(p.overflow.busy) < proving {
		return nil
	}
	rate, keep := min(p.allowed.Rate, p.overflow.pace(now)), 0
	if pause <= tailPatience {
		keep = max(int(rate*tailHold.Seconds()), room/2, leastHeld)
	}
	if p.backlog() <= keep {
		return nil
	}
	var out []late
	for excess := p.waitingOf(l) - keep; excess > 0; excess-- {
		it := p.popLast(l)
		from := later(now.Add(tailHold), p.pausedUntil())
		if rate > 0 {
			out = append(out, late{it, p.overflow.reserve(now, from, rate)})
			continue
		}
		// A site that takes nothing is not slow but unwell: like any other failure it is
		// met with ever longer delays, and then with all the speed that it allows.
		from = later(from, now.Add(p.Retry.withDefaults().delay(it.Job.Attempt)))
		out = append(out, late{it, from.Add(jitter(time.Second))})
	}
	return out
}

// reserve returns the next turn from a time on, at a rate. Beyond furthest there are none.
func (o *overflow) reserve(now, from time.Time, rate float64) time.Time {
	next := later(o.next, from)
	if next.Sub(now) > furthest {
		// It is not remembered: a person may end a pause at any time.
		return now.Add(furthest/2 + jitter(furthest/2))
	}
	o.next = next.Add(time.Duration(float64(time.Second) / rate))
	return o.next
}

// relieve makes room in a shared lane that has none, until ctx is done.
func (l *lane) relieve(ctx context.Context) {
	for pause(ctx, relieveEvery) {
		for class := range l.room {
			if l.room[class].free() >= pullLeast {
				continue
			}
			for _, p := range l.s.allPaths() {
				p.relieve(l, l.room[class].free())
			}
		}
	}
}

func (p *path) relieve(l *lane, room int) {
	p.mu.Lock()
	shed := p.shed(time.Now(), l, room)
	p.mu.Unlock()
	p.deferAll(shed)
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// waitingOf is how many jobs of a lane wait.
func (p *path) waitingOf(l *lane) (n int) {
	for _, jobs := range p.waiting {
		for _, it := range jobs {
			if it.lane == l {
				n++
			}
		}
	}
	return n
}

// popLast takes the job of a lane that can wait best.
func (p *path) popLast(l *lane) routed {
	for _, class := range [...]queue.Class{queue.BulkJobs, queue.RetryJobs, queue.ExpressJobs} {
		for i, it := range slices.Backward(p.waiting[class]) {
			if it.lane == l {
				p.waiting[class] = slices.Delete(p.waiting[class], i, i+1)
				return it
			}
		}
	}
	panic("popLast of a lane that has no jobs here")
}

// deferAll defers jobs to their turns.
func (p *path) deferAll(jobs []late) {
	if len(jobs) == 0 {
		return
	}
	now := time.Now()
	wait, why, detail := p.pausedFor(now)
	if wait == 0 {
		why, detail = campaign.AwaitingTurn, "the site takes its mail more slowly than it comes"
	}
	for _, j := range jobs {
		e := j.event(campaign.Deferred, why, now)
		e.Reply = detail
		p.deferTo(j.item, e, j.due)
	}
}
