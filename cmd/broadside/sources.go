package main

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/pelletier/go-toml/v2"

	"broadside/delivery"
)

// SourceConfig is an address of this machine that mail leaves from.
type SourceConfig struct {
	Name    string `toml:"name"`
	Address string `toml:"address"` // default: the system's choice
	Hello   string `toml:"hello"`   // EHLO name; default: hello
}

// WarmupConfig limits new sources, day by day.
type WarmupConfig struct {
	Sources []string       `toml:"sources"`
	Start   toml.LocalDate `toml:"start"`   // the first day, UTC
	PerDay  []int64        `toml:"per_day"` // messages of a source to a site
}

// checkSources finds what cannot work in sources, pools and warm-ups.
func (c *Config) checkSources() error {
	var errs []error
	fail := func(format string, a ...any) { errs = append(errs, fmt.Errorf(format, a...)) }
	var names []string
	for i, s := range c.Sources {
		if s.Name == "" || slices.Contains(names, s.Name) {
			fail("source %d is called %q: give each a name of its own", i+1, s.Name)
		}
		names = append(names, s.Name)
		if _, err := netip.ParseAddr(s.Address); s.Address != "" && err != nil {
			fail("source %s: address %q is not an IP address", s.Name, s.Address)
		}
	}
	for pool, shares := range c.Pools {
		for source, weight := range shares {
			// A source that is not listed may be another machine's.
			if weight < 1 {
				fail("pool %s: the weight of %s is %d; use 1 or more, or leave it out", pool, source, weight)
			}
		}
	}
	for i, w := range c.Warmups {
		if w.Start.Year == 0 || len(w.PerDay) == 0 || len(w.Sources) == 0 {
			fail("warmup %d needs sources, a start such as 2026-11-23, and per_day such as [50, 100, 500]", i+1)
		}
		if slices.ContainsFunc(w.PerDay, func(n int64) bool { return n < 1 }) {
			fail("warmup %d: a day's allowance is 1 or more", i+1)
		}
	}
	return errors.Join(errs...)
}

func (c *Config) sources() []delivery.Source {
	var sources []delivery.Source
	for _, s := range c.Sources {
		addr, _ := netip.ParseAddr(s.Address) // checked with the configuration; none is the system's choice
		sources = append(sources, delivery.Source{Name: s.Name, Addr: addr, Hello: s.Hello})
	}
	return sources
}

func (c *Config) pools() map[string][]delivery.Share {
	pools := map[string][]delivery.Share{}
	for pool, shares := range c.Pools {
		for source, weight := range shares {
			pools[pool] = append(pools[pool], delivery.Share{Source: source, Weight: weight})
		}
	}
	return pools
}

// hasPool reports whether a campaign can name a pool.
func (c *Config) hasPool(name string) bool {
	return name == delivery.DefaultPool || len(c.Pools[name]) > 0
}

func (c *Config) warmups() []delivery.Warmup {
	var warmups []delivery.Warmup
	for _, w := range c.Warmups {
		warmups = append(warmups, delivery.Warmup{Sources: w.Sources, Start: w.Start.AsTime(time.UTC), PerDay: w.PerDay})
	}
	return warmups
}
