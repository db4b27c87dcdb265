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
	// memberships are those that the members have in the lists, one or more each.
	memberships int64
}

// domainsCounted bounds the memory of a count.
const domainsCounted = 10_000

// CountAudience counts a campaign's audience as a start now would take it, and tells
// how far it is after each page.
func (s *Service) CountAudience(ctx context.Context, spec Spec, progress func(AudienceCount)) (AudienceCount, error) {
	c, count, err := s.newCounter(ctx, spec)
	if err != nil {
		return count, err
	}
	var after ContactID
	for {
		page, err := c.page(ctx, after, snapshotPage, &count, func(*AudienceMember) {})
		if err != nil || len(page) < snapshotPage {
			return count, err
		}
		after = page[len(page)-1].ID
		progress(count)
	}
}

// counter counts an audience a page at a time.
type counter struct {
	store    AudienceStore
	audience Audience
	sieve    *sieve
	clocks   *clocks // of one that is sent to by recipients' clocks
}

// newCounter returns a counter, and a count of nobody yet.
func (s *Service) newCounter(ctx context.Context, spec Spec) (*counter, AudienceCount, error) {
	count := AudienceCount{Domains: map[string]int64{}}
	a, sieve, err := s.audienceOf(ctx, spec)
	if err != nil {
		return nil, count, err
	}
	a.ShowExcluded = true
	c := &counter{store: s.Store, audience: a, sieve: sieve}
	if spec.LocalTime.On() {
		count.Zones = map[string]int64{}
		c.clocks, err = newClocks(spec.LocalTime, s.Now())
	}
	return c, count, err
}

// page counts up to size members behind a contact, and calls visit for each recipient; a
// shorter page is the last.
func (c *counter) page(ctx context.Context, after ContactID, size int, count *AudienceCount, visit func(*AudienceMember)) ([]AudienceMember, error) {
	page, err := c.store.AudiencePage(ctx, c.audience, after, size)
	if err != nil {
		return nil, err
	}
	return page, c.add(ctx, page, count, visit)
}

func (c *counter) add(ctx context.Context, page []AudienceMember, count *AudienceCount, visit func(*AudienceMember)) error {
	verdicts, err := c.sieve.sort(ctx, page)
	if err != nil {
		return err
	}
	for i := range page {
		m := &page[i]
		if !count.add(m, verdicts[i]) {
			continue
		}
		if c.clocks != nil {
			zone, _ := c.clocks.of(m.Attributes)
			count.Zones[zone]++
		}
		visit(m)
	}
	return nil
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
	c.memberships += int64(m.Lists)
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
