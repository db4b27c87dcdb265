package delivery

import (
	"time"

	"broadside/campaign"
	"broadside/delivery/queue"
)

const (
	// tailHold is how many seconds' worth of jobs a site in a shared lane may hold.
	tailHold = 5 * time.Second
	// leastHeld jobs it may hold however slow it is.
	leastHeld = 4
)

// overflow keeps a site that shares its lane from filling it: the jobs that would wait
// for long are deferred to when their turn will be, each after the other.
type overflow struct {
	next time.Time // the turn of the job that was sent away last
	// sent counts the messages of a period of tailHold, before those of the last one:
	// what the site takes in truth, whatever it is allowed.
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
	case age >= 2*tailHold:
		o.began, o.before, o.sent = now, 0, 0
	case age >= tailHold:
		o.began, o.before, o.sent = now, o.sent, 0
	}
}

// late is a job with the time at which its site will be ready for it.
type late struct {
	routed
	due time.Time
}

// shed takes out the jobs that would wait for too long, the last ones first; the lock
// is held.
func (p *path) shed(now time.Time) []late {
	if !p.tail {
		return nil
	}
	rate, keep := p.allowed.Rate, p.backlog()
	switch wait := p.pausedUntil().Sub(now); {
	case wait > tailPatience:
		keep = 0
	case now.Sub(p.oldest(now)) > tailHold:
		p.overflow.turn(now)
		taken := max(p.overflow.sent, p.overflow.before)
		rate = min(rate, max(float64(taken), 1)/tailHold.Seconds())
		fallthrough
	default:
		keep = min(keep, max(int(rate*tailHold.Seconds()), leastHeld))
	}
	var out []late
	for p.backlog() > keep {
		if ready := later(now.Add(tailHold), p.pausedUntil()); p.overflow.next.Before(ready) {
			p.overflow.next = ready
		}
		p.overflow.next = p.overflow.next.Add(time.Duration(float64(time.Second) / max(rate, 1e-6)))
		out = append(out, late{p.popLast(), p.overflow.next})
	}
	return out
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// oldest is since when the job waits that has waited for longest.
func (p *path) oldest(now time.Time) time.Time {
	first := now
	for _, q := range p.waiting {
		if len(q) > 0 && q[0].taken.Before(first) {
			first = q[0].taken
		}
	}
	return first
}

// popLast takes the job that can wait best.
func (p *path) popLast() routed {
	for _, class := range [...]queue.Class{queue.BulkJobs, queue.RetryJobs, queue.ExpressJobs} {
		if q := p.waiting[class]; len(q) > 0 {
			it := q[len(q)-1]
			q[len(q)-1] = routed{}
			p.waiting[class] = q[:len(q)-1]
			return it
		}
	}
	panic("popLast without a backlog")
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
