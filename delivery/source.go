package delivery

import (
	"context"
	"math/rand/v2"
	"net/netip"
	"time"

	"broadside/delivery/mx"
	"broadside/ratelimit"
)

// Source is an address that mail leaves from.
type Source struct {
	Name string // names it in pools, and in what is learned of it
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
	if len(have) == 0 {
		have = []Source{{Name: "default"}}
	}
	s := &sources{pools: map[string][]weighted{}, many: len(have) > 1}
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

// sourceFor chooses the source that a job leaves from. When there is none the item has
// been ended.
func (s *Sender) sourceFor(ctx context.Context, it *item, route mx.Route) (*Source, bool) {
	if !s.sources.many {
		return s.sources.pools[""][0].source, true
	}
	c, err := s.contents.of(ctx, it.Job.Run)
	if err != nil {
		s.broken(ctx, it, err)
		return nil, false
	}
	from := s.sources.of(c.run.Spec.Pool)
	if len(from) == 0 {
		s.Log.Warn("sender: no source of the campaign's pool is here, the job is given back for another sender", "pool", c.run.Spec.Pool, "run", it.Job.Run)
		s.giveBack(ctx, it, soon)
		return nil, false
	}
	now := time.Now()
	return choose(from, func(source *Source) bool {
		allowed := s.Learned.Key(ratelimit.Source, source.Name, route.Site).Allowed(now, ratelimit.Limits{})
		return !allowed.Until.After(now)
	}), true
}

// choose draws one of the sources by weight, out of those that free allows; when it
// allows none, out of all.
func choose(from []weighted, free func(*Source) bool) *Source {
	if len(from) == 1 {
		return from[0].source
	}
	open := make([]weighted, 0, len(from))
	for _, w := range from {
		if free(w.source) {
			open = append(open, w)
		}
	}
	if len(open) == 0 {
		open = from
	}
	total := 0
	for _, w := range open {
		total += w.weight
	}
	n := rand.IntN(total)
	for _, w := range open {
		if n -= w.weight; n < 0 {
			return w.source
		}
	}
	return open[0].source
}

// Warmup is how many messages new sources may send to one site, day by day, until the
// site knows them.
type Warmup struct {
	Sources []string
	Start   time.Time // the first day, at midnight of its zone
	// PerDay are the allowances from the first day on. After the last there is none.
	PerDay []int
}

// allowance is what a source may send to a site on the day of now: ok is false when
// there is no limit any more, or none at all.
func (w *Warmup) allowance(now time.Time) (day string, most int, ok bool) {
	now = now.In(w.Start.Location())
	n := 0
	for d := w.Start; n < len(w.PerDay); n++ {
		next := d.AddDate(0, 0, 1)
		if now.Before(next) {
			break
		}
		d = next
	}
	if n == len(w.PerDay) {
		return "", 0, false
	}
	if now.Before(w.Start) {
		return now.Format(time.DateOnly), 0, true
	}
	return now.Format(time.DateOnly), w.PerDay[n], true
}

// tomorrow is when the next day's allowance begins.
func (w *Warmup) tomorrow(now time.Time) time.Time {
	now = now.In(w.Start.Location())
	return time.Date(now.Year(), now.Month(), now.Day()+1, 0, 0, 0, 0, now.Location())
}
