package delivery

import (
	"time"
)

// reviewEvery is how often the jobs are looked at that wait for a path which is left
// alone: no connection does it.
const reviewEvery = 10 * time.Second

// review ends the jobs that are not to wait any longer for a path that is left alone:
// their run is not sent any more, or they are out of patience.
func (p *path) review() {
	now := time.Now()
	p.renew(now)
	p.mu.Lock()
	if p.stopping || p.retired || !p.pausedUntil().After(now) || p.backlog() == 0 {
		p.mu.Unlock()
		return
	}
	waiting := p.waiting
	p.waiting = [3][]routed{}
	p.conns++        // the path is not to be retired meanwhile
	p.working.Add(1) // nor is the sender to end
	p.mu.Unlock()
	defer p.working.Done()

	wait, why, detail := p.pausedFor(now)
	for class, jobs := range waiting {
		kept := jobs[:0]
		for _, it := range jobs {
			switch {
			case p.refuse(p.work, it.item):
			case p.outOfPatience(it.item, wait):
				p.putOff(it.item, why, detail, wait)
			default:
				kept = append(kept, it)
			}
		}
		waiting[class] = kept
	}

	p.mu.Lock()
	p.conns--
	stopping := p.stopping
	for class, jobs := range waiting {
		if !stopping {
			p.waiting[class] = append(jobs, p.waiting[class]...)
		}
	}
	p.mu.Unlock()
	if !stopping {
		return
	}
	for _, jobs := range waiting {
		for _, it := range jobs {
			p.giveBack(p.work, it.item, soon)
		}
	}
}
