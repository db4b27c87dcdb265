// Package meter counts what a sender does: attempts by site and outcome, and how long
// each stage of a message takes. The counts are in memory, begin at the program's start,
// and only grow; the sender adds to them, and whoever wants to know reads a Sample, of
// which two tell what happened between them. Nothing is kept on disk: the ledger, not the
// meter, knows what became of people.
package meter

import (
	"maps"
	"sync"
	"sync/atomic"
	"time"
)

// Stage is a part of a message's way through a sender.
type Stage int

// The stages, in the order of the journey.
const (
	Queue  Stage = iota // from when its job was durable in the queue until a sender had it
	Render              // headers and parts for this recipient
	Sign                // DKIM; waiting for others to sign with included
	Wait                // for a connection, the site's pace and its turn
	SMTP                // from the first command to the last reply
	stages
)

// names are as reports have them.
var names = [stages]string{"queue", "render", "sign", "wait for connection", "SMTP"}

// String is the stage's name in reports.
func (s Stage) String() string { return names[s] }

// Stages are all of them, in order.
func Stages() []Stage { return []Stage{Queue, Render, Sign, Wait, SMTP} }

// Took is how long an attempt spent in each stage.
type Took [stages]time.Duration

// mostSites are told apart; all others together are one of their own. What a sender that
// knows a million domains keeps is so bounded.
const mostSites = 200

const otherSites = "all others"

// Meter counts. A nil Meter counts nothing. It is safe for concurrent use.
type Meter struct {
	took [stages]histogram

	mu    sync.Mutex
	sites map[string]*Site
}

// New returns a meter that has counted nothing.
func New() *Meter { return &Meter{sites: map[string]*Site{}} }

// Site counts for one site; a nil one counts nothing.
type Site struct {
	meter                       *Meter
	attempts, accepted, refused atomic.Int64
	connections                 atomic.Int64
	limits                      atomic.Pointer[Limits]
	said                        atomic.Pointer[Reply]
}

// Limits are what the site allows at this moment, to the whole cluster; 0 is no limit.
type Limits struct {
	Rate        float64 `json:"rate"` // messages per second
	Connections int     `json:"connections"`
}

// Reply is what a server said.
type Reply struct {
	At   time.Time `json:"at"`
	Code int       `json:"code"`
	Text string    `json:"text"`
}

// Site returns the counter of a site, the same at each call.
func (m *Meter) Site(name string) *Site {
	if m == nil {
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if s := m.sites[name]; s != nil {
		return s
	}
	if len(m.sites) >= mostSites {
		name = otherSites
	}
	s := m.sites[name]
	if s == nil {
		s = &Site{meter: m}
		m.sites[name] = s
	}
	return s
}

// Attempted counts an attempt that a server answered, or should have.
func (s *Site) Attempted(accepted bool, took *Took) {
	if s == nil {
		return
	}
	s.attempts.Add(1)
	if accepted {
		s.accepted.Add(1)
	} else {
		s.refused.Add(1)
	}
	for stage := range took {
		s.meter.took[stage].add(took[stage])
	}
}

// Allow takes note of the site's limits.
func (s *Site) Allow(l Limits) {
	if s == nil {
		return
	}
	if now := s.limits.Load(); now == nil || *now != l {
		s.limits.Store(&l)
	}
}

// Said takes note of the latest reply that took no message.
func (s *Site) Said(r Reply) {
	if s != nil {
		s.said.Store(&r)
	}
}

// Connected counts a connection that was opened, by 1, or closed, by -1.
func (s *Site) Connected(by int64) {
	if s != nil {
		s.connections.Add(by)
	}
}

// Sample is what a meter had counted at a time.
type Sample struct {
	Took  [stages]Counts       `json:"took"` // by Stage
	Sites map[string]SiteCount `json:"sites"`
}

// SiteCount is what a sender did at a site.
type SiteCount struct {
	Attempts    int64 `json:"attempts"`
	Accepted    int64 `json:"accepted"`
	Refused     int64 `json:"refused"`     // for now or for good, or no answer came
	Connections int64 `json:"connections"` // open at this moment

	Limits Limits `json:"limits"`
	Said   Reply  `json:"said,omitzero"` // the latest that took no message
}

// count is what a counter had counted.
func (s *Site) count() SiteCount {
	c := SiteCount{Attempts: s.attempts.Load(), Accepted: s.accepted.Load(), Refused: s.refused.Load(), Connections: s.connections.Load()}
	if l := s.limits.Load(); l != nil {
		c.Limits = *l
	}
	if r := s.said.Load(); r != nil {
		c.Said = *r
	}
	return c
}

// since is what came after an earlier reading; connections, limits and reply are those of
// now.
func (c SiteCount) since(before SiteCount) SiteCount {
	c.Attempts -= before.Attempts
	c.Accepted -= before.Accepted
	c.Refused -= before.Refused
	return c
}

// plus adds another sender's. The limits are the cluster's: of two that differ the lower is
// the newer, or that of the source that is allowed less.
func (c SiteCount) plus(o SiteCount) SiteCount {
	c.Attempts += o.Attempts
	c.Accepted += o.Accepted
	c.Refused += o.Refused
	c.Connections += o.Connections
	c.Limits = Limits{Rate: lower(c.Limits.Rate, o.Limits.Rate), Connections: lower(c.Limits.Connections, o.Limits.Connections)}
	if o.Said.At.After(c.Said.At) {
		c.Said = o.Said
	}
	return c
}

// lower is the lower of two limits, of which 0 is none.
func lower[T int | float64](a, b T) T {
	if a == 0 || b == 0 {
		return max(a, b)
	}
	return min(a, b)
}

// Sample reads the counts; those of an attempt under way may be in parts.
func (m *Meter) Sample() Sample {
	if m == nil {
		return Sample{}
	}
	s := Sample{Sites: map[string]SiteCount{}}
	for stage := range m.took {
		s.Took[stage] = m.took[stage].counts()
	}
	m.mu.Lock()
	sites := maps.Clone(m.sites)
	m.mu.Unlock()
	for name, site := range sites {
		s.Sites[name] = site.count()
	}
	return s
}

// Since is what came after an earlier sample of the same meter; connections are those of
// now.
func (s Sample) Since(before Sample) Sample {
	d := Sample{Sites: map[string]SiteCount{}}
	for stage := range s.Took {
		d.Took[stage] = s.Took[stage].since(before.Took[stage])
	}
	for name, now := range s.Sites {
		d.Sites[name] = now.since(before.Sites[name])
	}
	return d
}

// Plus adds the sample of another sender.
func (s Sample) Plus(other Sample) Sample {
	sum := Sample{Sites: map[string]SiteCount{}}
	maps.Copy(sum.Sites, other.Sites)
	for stage := range s.Took {
		sum.Took[stage] = append(Counts(nil), s.Took[stage]...).add(other.Took[stage])
	}
	for name, c := range s.Sites {
		sum.Sites[name] = c.plus(sum.Sites[name])
	}
	return sum
}

// Accepted is how many messages all sites accepted.
func (s Sample) Accepted() (n int64) {
	for _, c := range s.Sites {
		n += c.Accepted
	}
	return n
}
