package delivery

import (
	"cmp"
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"
)

// Source is an address that mail leaves from.
type Source struct {
	Name string // names it in pools, and in what is learned of it; "" if it is the only one
	// Addr is one of this machine's; zero leaves the choice to the system.
	Addr netip.Addr
	// Hello is the name in EHLO, which should resolve to Addr and back; "" is the
	// session's default.
	Hello string
}

// Share is a source's part in a pool.
type Share struct {
	Source string
	Weight int // above 0
}

// DefaultPool is what campaigns use that name no pool.
const DefaultPool = "default"

// sources are what this sender has, by pool.
type sources struct {
	pools map[string][]weighted
	none  bool // no source was named: the system's serves every pool
	many  bool // more than one source
}

type weighted struct {
	source *Source
	weight int
}

// newSources sorts sources into pools. Shares of sources that are not here, being
// another machine's, are left out. Without a default pool all sources are in it, in
// equal parts; without any source the system chooses.
func newSources(have []Source, pools map[string][]Share) *sources {
	s := &sources{pools: map[string][]weighted{}, none: len(have) == 0, many: len(have) > 1}
	if s.none {
		have = []Source{{}}
	}
	byName := map[string]*Source{}
	for i := range have {
		byName[have[i].Name] = &have[i]
		s.pools[""] = append(s.pools[""], weighted{&have[i], 1})
	}
	for name, shares := range pools {
		for _, share := range shares {
			if source := byName[share.Source]; source != nil {
				s.pools[name] = append(s.pools[name], weighted{source, share.Weight})
			}
		}
	}
	if len(s.pools[DefaultPool]) == 0 {
		s.pools[DefaultPool] = s.pools[""]
	}
	return s
}

// of returns the sources of a pool; of one that this sender has nothing of, none.
func (s *sources) of(pool string) []weighted {
	if pool == "" {
		pool = DefaultPool
	}
	return s.pools[pool]
}

// draw puts sources into an order by chance, the heavier the sooner.
func draw(from []weighted) []*Source {
	if len(from) == 1 {
		return []*Source{from[0].source}
	}
	left := append([]weighted(nil), from...)
	order := make([]*Source, 0, len(from))
	for len(left) > 0 {
		total := 0
		for _, w := range left {
			total += w.weight
		}
		n, i := rand.IntN(total), 0
		for n >= left[i].weight {
			n -= left[i].weight
			i++
		}
		order = append(order, left[i].source)
		left = append(left[:i], left[i+1:]...)
	}
	return order
}

// quickest puts those sources last at which a job would wait for long, who are left alone
// by the site, say, or slowed down: their jobs must not take all of the lane's room, and
// so keep the others without work.
func (s *Sender) quickest(sources []*Source, site string, now time.Time) []*Source {
	if len(sources) == 1 {
		return sources
	}
	waits := make(map[*Source]time.Duration, len(sources))
	for _, source := range sources {
		waits[source] = max(s.waitAt(source, site, now), longWait)
	}
	slices.SortStableFunc(sources, func(a, b *Source) int { return cmp.Compare(waits[a], waits[b]) })
	return sources
}

// longWait is what a job may wait for the source that was drawn.
const longWait = 10 * time.Second

// waitAt is how long a job would wait for a source because of what the site has said to
// it. How long it waits where the site is merely busy does not count: there the weights
// decide.
func (s *Sender) waitAt(source *Source, site string, now time.Time) time.Duration {
	s.mu.Lock()
	p := s.paths[pathKey{source.Name, site}]
	s.mu.Unlock()
	if p == nil {
		return 0
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	wait := min(max(p.pausedUntil().Sub(now), 0), 24*time.Hour)
	if p.allowed.Rate < p.rules.Rate {
		wait += time.Duration(float64(p.backlog()) / max(p.allowed.Rate, 0.01) * float64(time.Second))
	}
	return wait
}
