package main

import (
	"cmp"
	"context"
	"net/mail"
	"slices"
	"time"

	"broadside/campaign"
	"broadside/delivery"
	"broadside/delivery/shaping"
	"broadside/ratelimit"
	"broadside/store"
)

// perMessage is how long a message keeps a connection, for a forecast: a round trip, or a
// few, and the server's work.
const perMessage = 100 * time.Millisecond

// limits tells forecasts what is known beforehand of how fast sites take mail: the
// shaping rules, people's limits, what the senders have learned, pauses, and the warm-up
// of new sources.
type limits struct {
	cfg Config
	db  *store.DB
}

// of implements campaign.Service.Limits.
func (l limits) of(ctx context.Context, spec campaign.Spec) (func(domain string) campaign.SitePace, error) {
	table, err := shaping.Load(l.cfg.Shaping)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	rows, err := siteRows(ctx, l.db, now)
	if err != nil {
		return nil, err
	}
	learned := map[string][]siteRow{}
	for _, r := range rows {
		learned[r.Site] = append(learned[r.Site], r)
	}
	limited, err := l.db.SiteLimits(ctx)
	if err != nil {
		return nil, err
	}
	ordered := map[string]delivery.SiteLimit{}
	for _, o := range limited {
		ordered[o.Site] = o
	}
	sources := l.sourcesOf(spec.Pool)
	perDay := l.perDay(sources, now)
	from := spec.From
	if a, err := mail.ParseAddress(from); err == nil {
		from = campaign.DomainOf(a.Address)
	}
	return func(domain string) campaign.SitePace {
		provider, _ := table.ProviderOfDomain(domain)
		site := cmp.Or(provider, domain)
		rules := l.cfg.SMTP.over(table.Rules(provider, site))
		if o := ordered[site]; o.Rate > 0 {
			rules.Rate = min(rules.Rate, o.Rate)
		}
		if o := ordered[site]; o.Connections > 0 {
			rules.Connections = min(rules.Connections, o.Connections)
		}
		limit := campaign.SitePace{
			Site: cmp.Or(siteNames[provider], site), PerDay: perDay,
			Rate: min(rules.Rate, float64(rules.Connections)/perMessage.Seconds()),
		}
		applyLearned(&limit, learned[site], sources, from)
		return limit
	}, nil
}

// applyLearned lowers a site's limit to what its replies have taught.
func applyLearned(limit *campaign.SitePace, rows []siteRow, sources []string, from string) {
	rates, until := map[string]float64{}, map[string]time.Time{}
	for _, r := range rows {
		switch {
		case r.State == "paused" && r.Until.IsZero():
			limit.Paused = true
		case r.State == "paused", r.Kind == ratelimit.SendingDomain.String() && r.Value == from && r.State == "stopped":
			if r.Until.After(limit.Until) {
				limit.Until = r.Until
			}
		case r.Kind == ratelimit.SendingDomain.String() && r.Value == from && r.Rate > 0:
			limit.Rate = min(limit.Rate, r.Rate)
		case r.Kind == ratelimit.Source.String():
			rates[r.Value], until[r.Value] = r.Rate, r.Until
		}
	}
	total, first := 0.0, time.Time{}
	for _, source := range sources {
		rate, known := rates[source]
		switch end := until[source]; {
		case !known:
			total += limit.Rate
		case !end.IsZero():
			if first.IsZero() || end.Before(first) {
				first = end
			}
		default:
			total += rate
		}
	}
	if total > 0 {
		limit.Rate = min(limit.Rate, total)
	} else if first.After(limit.Until) {
		limit.Until = first // all of them are stopped: until the first goes on
	}
}

// sourcesOf names the sources of a pool; "" is the only one there is.
func (l limits) sourcesOf(pool string) []string {
	var names []string
	for source := range l.cfg.Pools[cmp.Or(pool, delivery.DefaultPool)] {
		names = append(names, source)
	}
	if len(names) == 0 {
		for _, s := range l.cfg.Sources {
			names = append(names, s.Name)
		}
	}
	if len(names) == 0 {
		names = []string{""}
	}
	slices.Sort(names)
	return names
}

// perDay is what sources may send to one site from today on, in sum, when all of them are
// new.
func (l limits) perDay(sources []string, now time.Time) []int64 {
	var sum []int64
	for _, source := range sources {
		days := l.warmup(source, now)
		if len(days) == 0 {
			return nil // what is too much for the others leaves from this one
		}
		for i, n := range days {
			if i == len(sum) {
				sum = append(sum, 0)
			}
			sum[i] += n
		}
	}
	return sum
}

func (l limits) warmup(source string, now time.Time) []int64 {
	for _, w := range l.cfg.warmups() {
		if !slices.Contains(w.Sources, source) {
			continue
		}
		day := int(now.UTC().Sub(w.Start) / (24 * time.Hour))
		if day < 0 {
			return append(make([]int64, -day), w.PerDay...)
		}
		return w.PerDay[min(day, len(w.PerDay)):]
	}
	return nil
}
