package delivery

import (
	"context"
	"hash/fnv"
	"sync"
	"time"

	"broadside/campaign"
	"broadside/delivery/mx"
)

// Lanes sorts domains into lanes by the site that takes their mail, so that one site's
// mail is in one lane. A domain in the wrong lane costs order, never correctness: limits
// belong to the site, whatever lane a job comes from.
type Lanes struct {
	sites     SiteFinder
	wellKnown func(domain string) (provider string, ok bool)
	tail      uint32

	ctx     context.Context
	stop    context.CancelFunc
	asking  chan struct{} // a place for each look-up under way
	lookups sync.WaitGroup
}

// SiteFinder asks DNS for sites; *mx.Router is one.
type SiteFinder interface {
	Site(ctx context.Context, domain string) (string, mx.Problem)
	// KnownSite answers from memory.
	KnownSite(domain string) (site string, known bool)
}

const (
	// lanePatience is how long a page of domains waits for DNS. Who is not known by then
	// goes by the domain's name.
	lanePatience = 250 * time.Millisecond
	laneLookups  = 256
)

// NewLanes sorts into the named lanes and so many tail lanes. wellKnown tells the
// provider of domains that need no look-up. Without sites, as with a smarthost, all
// others go by their name. Close it.
func NewLanes(sites SiteFinder, wellKnown func(domain string) (provider string, ok bool), tail int) *Lanes {
	l := &Lanes{sites: sites, wellKnown: wellKnown, tail: uint32(tail), asking: make(chan struct{}, laneLookups)}
	l.ctx, l.stop = context.WithCancel(context.Background())
	return l
}

// Close ends the look-ups that nobody waits for any more.
func (l *Lanes) Close() {
	l.stop()
	l.lookups.Wait()
}

// Of returns the lane of each domain. One goroutine calls it at a time.
func (l *Lanes) Of(domains []string) []campaign.Lane {
	l.lookUp(domains)
	lanes := make([]campaign.Lane, len(domains))
	for i, domain := range domains {
		lanes[i] = l.of(domain)
	}
	return lanes
}

// lookUp asks DNS for the sites that are not known, and waits for the answers for a
// moment. An answer that comes later is there for the next page.
func (l *Lanes) lookUp(domains []string) {
	if l.sites == nil {
		return
	}
	patience := time.NewTimer(lanePatience)
	defer patience.Stop()
	asked := map[string]bool{}
	var answers sync.WaitGroup
	for _, domain := range domains {
		if asked[domain] || l.knows(domain) {
			continue
		}
		select {
		case l.asking <- struct{}{}:
		case <-patience.C:
			return
		}
		asked[domain] = true
		answers.Add(1)
		l.lookups.Go(func() {
			defer func() { <-l.asking; answers.Done() }()
			l.sites.Site(l.ctx, domain)
		})
	}
	if len(asked) == 0 {
		return
	}
	all := make(chan struct{})
	l.lookups.Go(func() { answers.Wait(); close(all) })
	select {
	case <-all:
	case <-patience.C:
	}
}

// knows reports whether a domain's lane needs no look-up.
func (l *Lanes) knows(domain string) bool {
	if _, ok := l.wellKnown(domain); ok {
		return true
	}
	_, known := l.sites.KnownSite(domain)
	return known
}

func (l *Lanes) of(domain string) campaign.Lane {
	if provider, ok := l.wellKnown(domain); ok {
		return l.ofSite(provider)
	}
	if l.sites != nil {
		if site, known := l.sites.KnownSite(domain); known && site != "" {
			return l.ofSite(site)
		}
	}
	return l.ofSite(domain)
}

var providerLanes = map[string]campaign.Lane{
	"google": campaign.LaneGoogle, "microsoft": campaign.LaneMicrosoft, "yahoo": campaign.LaneYahoo,
	"apple": campaign.LaneApple, "comcast": campaign.LaneComcast, "gmx": campaign.LaneGMX,
	"orange": campaign.LaneOrange, "mailru": campaign.LaneMailRu,
}

// ofSite is the lane of a site: its own, or the tail lane of its name's hash.
func (l *Lanes) ofSite(site string) campaign.Lane {
	if lane, ok := providerLanes[site]; ok {
		return lane
	}
	h := fnv.New32a()
	h.Write([]byte(site))
	return campaign.TailLane + campaign.Lane(h.Sum32()%l.tail)
}
