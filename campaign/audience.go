package campaign

import (
	"context"
	"fmt"

	"broadside/campaign/segment"
)

// AudienceCount is whom a campaign would go to:
// recipients = members − outside − unsubscribed − suppressed.
type AudienceCount struct {
	Members      int64 `json:"members"`      // of the lists, without the excluded ones
	Outside      int64 `json:"outside"`      // of the segment
	Unsubscribed int64 `json:"unsubscribed"` // or their consent has lapsed
	Suppressed   int64 `json:"suppressed"`
	Recipients   int64 `json:"recipients"`
	// Domains counts the recipients by the domain of their address.
	Domains map[string]int64 `json:"-"`
}

// domainsCounted bounds the memory of a count.
const domainsCounted = 10_000

// CountAudience counts a campaign's audience as a start now would take it, and tells
// how far it is after each page.
func (s *Service) CountAudience(ctx context.Context, spec Spec, progress func(AudienceCount)) (AudienceCount, error) {
	count := AudienceCount{Domains: map[string]int64{}}
	a, err := ResolveAudience(ctx, s.Store, spec)
	a.At = s.Now()
	if err != nil {
		return count, err
	}
	var seg *segment.Segment
	if spec.Segment != "" {
		if seg, err = segment.Parse(spec.Segment); err != nil {
			return count, fmt.Errorf("segment: %w", err)
		}
	}
	var after ContactID
	for {
		page, err := s.Store.AudiencePage(ctx, a, after, snapshotPage)
		if err != nil {
			return count, err
		}
		for i := range page {
			after = page[i].ID
			count.add(&page[i], seg)
		}
		if len(page) < snapshotPage {
			return count, nil
		}
		progress(count)
	}
}

// add decides about a member as the snapshot does.
func (c *AudienceCount) add(m *AudienceMember, seg *segment.Segment) {
	c.Members++
	if seg != nil {
		if match, err := seg.Match(m.Email, m.Attributes); err != nil || !match {
			c.Outside++
			return
		}
	}
	switch {
	case m.Suppressed:
		c.Suppressed++
	case !m.Subscribed:
		c.Unsubscribed++
	default:
		c.Recipients++
		if domain := DomainOf(m.Email); c.Domains[domain] > 0 || len(c.Domains) < domainsCounted {
			c.Domains[domain]++
		}
	}
}
