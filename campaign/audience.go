package campaign

import "context"

// AudienceCount is whom a campaign would go to:
// recipients = members − excluded − outside − unsubscribed − suppressed.
type AudienceCount struct {
	Members      int64 `json:"members"`      // of the lists
	Excluded     int64 `json:"excluded"`     // by lists and segments
	Outside      int64 `json:"outside"`      // of the segments
	Unsubscribed int64 `json:"unsubscribed"` // or their consent has lapsed
	Suppressed   int64 `json:"suppressed"`
	Recipients   int64 `json:"recipients"`
	// Domains counts the recipients by the domain of their address.
	Domains map[string]int64 `json:"-"`
	// Zones counts them by their time zone, "" for none that is known, if the campaign is
	// sent by their clocks.
	Zones map[string]int64 `json:"-"`
}

// domainsCounted bounds the memory of a count.
const domainsCounted = 10_000

// CountAudience counts a campaign's audience as a start now would take it, and tells
// how far it is after each page.
func (s *Service) CountAudience(ctx context.Context, spec Spec, progress func(AudienceCount)) (AudienceCount, error) {
	count := AudienceCount{Domains: map[string]int64{}}
	a, sieve, err := s.audienceOf(ctx, spec)
	if err != nil {
		return count, err
	}
	a.ShowExcluded = true
	var zones *clocks
	if spec.LocalTime.On() {
		count.Zones = map[string]int64{}
		if zones, err = newClocks(spec.LocalTime, s.Now()); err != nil {
			return count, err
		}
	}
	var after ContactID
	for {
		page, err := s.Store.AudiencePage(ctx, a, after, snapshotPage)
		if err != nil {
			return count, err
		}
		verdicts, err := sieve.sort(ctx, page)
		if err != nil {
			return count, err
		}
		for i := range page {
			after = page[i].ID
			if count.add(&page[i], verdicts[i]) && zones != nil {
				zone, _ := zones.of(page[i].Attributes)
				count.Zones[zone]++
			}
		}
		if len(page) < snapshotPage {
			return count, nil
		}
		progress(count)
	}
}

// audienceOf is a campaign's audience as a start now would take it.
func (s *Service) audienceOf(ctx context.Context, spec Spec) (Audience, *sieve, error) {
	a, err := ResolveAudience(ctx, s.Store, spec)
	if err != nil {
		return a, nil, err
	}
	a.At = s.Now()
	selection, err := ResolveSelection(ctx, s.Store, spec)
	if err != nil {
		return a, nil, err
	}
	sieve, err := newSieve(ctx, s.Store, selection)
	return a, sieve, err
}

// add decides about a member as the snapshot does, and reports whether it gets the message.
func (c *AudienceCount) add(m *AudienceMember, v verdict) bool {
	c.Members++
	switch {
	case m.Excluded, v == leftOut:
		c.Excluded++
	case v == outside:
		c.Outside++
	case m.Suppressed:
		c.Suppressed++
	case !m.Subscribed:
		c.Unsubscribed++
	default:
		c.Recipients++
		if domain := DomainOf(m.Email); c.Domains[domain] > 0 || len(c.Domains) < domainsCounted {
			c.Domains[domain]++
		}
		return true
	}
	return false
}
