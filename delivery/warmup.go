package delivery

import (
	"context"
	"slices"
	"time"

	"broadside/campaign"
	"broadside/delivery/mx"
	"broadside/delivery/smtp"
	"broadside/ratelimit"
)

// Warmup is how many messages new sources may send to one site, day by day, until the
// site knows them.
type Warmup struct {
	Sources []string
	Start   time.Time // the first day; days begin at midnight UTC
	// PerDay are the allowances of a source at a site, from the first day on. After the
	// last one there is no limit.
	PerDay []int64
}

// Quota counts what keys are allowed in a day (UTC), for all senders together;
// *ratelimit.Quota is one.
type Quota interface {
	Take(ctx context.Context, key string, allowed int64) (bool, error)
	// GiveBack takes back what was counted at a time and not used.
	GiveBack(key string, at time.Time)
}

// allowance is what a job has of a new source's day. It is counted when the job is given
// to the source, so that what exceeds the day flows to other sources at once, and given
// back when the job ends without a reply to MAIL: a site that does not answer uses none.
type allowance struct {
	quota Quota
	key   string
	at    time.Time
}

func (a *allowance) giveBack() {
	if a != nil {
		a.quota.GiveBack(a.key, a.at)
	}
}

// usesAllowance reports whether the site has seen so much of a message that it counts.
func usesAllowance(r smtp.Result) bool {
	return r.Handed || r.Stage >= smtp.Mail && r.Stage <= smtp.Body && r.Reply.Code != 0
}

const day = 24 * time.Hour

// allowance is what a source may send to a site on the day of now; limited is false
// when there is no limit any more.
func (w *Warmup) allowance(now time.Time) (most int64, limited bool) {
	start := w.Start.UTC().Truncate(day)
	switch n := int64(now.Sub(start) / day); {
	case now.Before(start):
		return 0, true
	case n < int64(len(w.PerDay)):
		return w.PerDay[n], true
	}
	return 0, false
}

// warmupOf is the calendar of a source, nil for one that is warm.
func (s *Sender) warmupOf(source *Source) *Warmup {
	for i := range s.Warmups {
		if slices.Contains(s.Warmups[i].Sources, source.Name) {
			return &s.Warmups[i]
		}
	}
	return nil
}

// sourceFor chooses the source that a job leaves from: one of its campaign's pool, by
// weight, that the site has not stopped and whose allowance is not used up. When there
// is none the item has been ended.
func (s *Sender) sourceFor(ctx context.Context, it *item, route mx.Route) (*Source, bool) {
	from, ok := s.poolOf(ctx, it)
	if !ok {
		return nil, false
	}
	now := time.Now()
	var stopped *Source
	for _, source := range s.quickest(draw(from), route.Site, now) {
		allowed := s.Learned.Key(ratelimit.Source, source.Name, route.Site).Allowed(now, ratelimit.Limits{})
		if allowed.Until.After(now) && len(from) > 1 {
			stopped = source
			continue
		}
		warm, err := s.warm(ctx, it, source, route.Site, now)
		if err != nil {
			s.Log.Warn("sender: the allowance of a new source is unknown, the job is given back", "source", source.Name, "error", err)
			s.giveBack(ctx, it, soon)
			return nil, false
		}
		if warm {
			return source, true
		}
	}
	if stopped != nil {
		return stopped, true // it waits there
	}
	e := it.event(campaign.Deferred, campaign.SourceWarming, now)
	e.Reply = "today's allowance of the new sources is used up at " + route.Site
	// Not all at once at midnight.
	s.deferTo(it, e, now.UTC().Truncate(day).Add(day).Add(jitter(time.Hour)))
	return nil, false
}

// warm reports whether a source may send one more message to a site today, and counts
// it.
func (s *Sender) warm(ctx context.Context, it *item, source *Source, site string, now time.Time) (bool, error) {
	w := s.warmupOf(source)
	if w == nil {
		return true, nil
	}
	most, limited := w.allowance(now)
	if !limited {
		return true, nil
	}
	key := source.Name + " " + site
	ok, err := s.Quota.Take(ctx, key, most)
	if ok {
		it.allowance = &allowance{s.Quota, key, now}
	}
	return ok, err
}
