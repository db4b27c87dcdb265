package delivery

import (
	"sync"
	"time"

	"broadside/delivery/meter"
	"broadside/delivery/shaping"
	"broadside/ratelimit"
)

// path is the way from one source to one site: the jobs that wait for it, and the
// connections that take them. All its fields below mu are guarded by it.
type path struct {
	*Sender
	site    *site
	source  *Source
	learned ratelimit.Learned
	gates   gates

	mu       sync.Mutex
	rules    shaping.Rules
	allowed  ratelimit.Allowance
	renewed  time.Time   // when rules and allowed were last looked up
	waiting  [3][]routed // by queue.Class
	turn     int         // of retries against bulk
	takers   []*taker
	inLine   map[*connection]bool // wait for their turn at the gates
	conns    int                  // those that start included
	starting int                  // of them: have taken no job yet
	stopping bool
	retired  bool
	again    *time.Timer // grows when the path may be used again
	trouble  trouble
	overflow overflow
	silence  silence
}

func newPath(st *site, source *Source) *path {
	p := &path{
		Sender: st.sender, site: st, source: source,
		learned: st.sender.Learned.Key(ratelimit.Source, source.Name, st.name),
		gates:   gates{st.gate},
		inLine:  map[*connection]bool{},
	}
	if p.sources.many {
		p.gates = append(p.gates, p.Limiter.Open(source.Name+" "+st.name, ratelimit.Limits{}, p.adjust))
	}
	return p
}

// renewEvery is how often the operator's rules and what was learned are looked up.
const renewEvery = 250 * time.Millisecond

// renew looks the limits up again, when that was not done just now, and returns the
// rules.
func (p *path) renew(now time.Time) shaping.Rules {
	p.mu.Lock()
	if now.Sub(p.renewed) < renewEvery {
		defer p.mu.Unlock()
		return p.rules
	}
	rules := p.Shaper.Rules(p.site.provider, p.site.name)
	limits := limitsOf(rules)
	whole := p.Learned.Key(ratelimit.WholeSite, "", p.site.name)
	allowed := p.learned.Allowed(now, limits).And(whole.Allowed(now, limits))
	p.renewed, p.rules, p.allowed = now, rules, allowed
	p.mu.Unlock()
	p.site.meter.Allow(meter.Limits{Rate: allowed.Rate, Connections: allowed.Connections})
	// Without the lock: a gate may wake the path from within.
	own := ratelimit.Limits{Rate: allowed.Rate, Connections: allowed.Connections}
	p.gates[len(p.gates)-1].SetLimits(own)
	if len(p.gates) > 1 {
		p.gates[0].SetLimits(limits)
	}
	return rules
}

// retire reports whether the path is without work and can be forgotten. The sender's
// lock is held.
func (p *path) retire() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.conns > 0 || p.backlog() > 0 || time.Now().Before(p.trouble.until) {
		return false
	}
	p.retired = true
	if p.again != nil {
		p.again.Stop()
	}
	if len(p.gates) > 1 {
		p.gates[1].Close()
	}
	return true
}

// stop gives back what waits and lets the connections finish what they have in hand.
func (p *path) stop() {
	p.mu.Lock()
	p.stopping = true
	takers, waiting := p.takers, p.waiting
	p.takers, p.waiting = nil, [3][]routed{}
	if p.again != nil {
		p.again.Stop()
	}
	p.mu.Unlock()
	for _, t := range takers {
		close(t.job)
	}
	for _, class := range waiting {
		for _, it := range class {
			p.giveBack(p.work, it.item, soon)
		}
	}
}
