package delivery

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"broadside/delivery/shaping"
)

// SiteLimit is what a person allows a site at most, below what the shaping rules allow;
// zero fields say nothing.
type SiteLimit struct {
	Site        string
	Rate        float64 // messages per second
	Connections int
	Since       time.Time
	Who         string
}

// SiteLimitStore is where commands and pages leave them.
type SiteLimitStore interface {
	// SiteLimits returns all, in order of site.
	SiteLimits(ctx context.Context) ([]SiteLimit, error)
}

// limitsEvery is how often the store is asked: a change holds everywhere within a second.
const limitsEvery = 500 * time.Millisecond

// SiteLimits is a Shaper that holds sites to people's limits as well. What it knows is in
// memory; while the store cannot be read, the last limits hold. It is safe for concurrent
// use.
type SiteLimits struct {
	Shaper
	Store SiteLimitStore
	Log   *slog.Logger

	bySite atomic.Pointer[map[string]SiteLimit]
}

// Rules implements Shaper.
func (s *SiteLimits) Rules(provider, site string) shaping.Rules {
	rules := s.Shaper.Rules(provider, site)
	all := s.bySite.Load()
	if all == nil {
		return rules
	}
	l, ok := (*all)[site]
	if !ok {
		return rules
	}
	if l.Rate > 0 && (rules.Rate == 0 || l.Rate < rules.Rate) {
		rules.Rate = l.Rate
	}
	if l.Connections > 0 && (rules.Connections == 0 || l.Connections < rules.Connections) {
		rules.Connections = l.Connections
	}
	return rules
}

// Load reads the limits once, so that the first message keeps to them.
func (s *SiteLimits) Load(ctx context.Context) error {
	list, err := s.Store.SiteLimits(ctx)
	if err != nil {
		return err
	}
	all := make(map[string]SiteLimit, len(list))
	for _, l := range list {
		all[l.Site] = l
	}
	s.bySite.Store(&all)
	return nil
}

// Run keeps them up to date until ctx is done.
func (s *SiteLimits) Run(ctx context.Context) {
	tick := time.NewTicker(limitsEvery)
	defer tick.Stop()
	failing := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		err := s.Load(ctx)
		if err != nil && !failing && ctx.Err() == nil {
			s.Log.Warn("sender: the limits of sites cannot be read; the last ones hold", "error", err)
		}
		failing = err != nil
	}
}
