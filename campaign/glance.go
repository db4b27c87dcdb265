package campaign

import (
	"context"
	"math"
	"time"
)

// Glance is whom an audience would reach, as far as it could be told in a short time.
type Glance struct {
	AudienceCount
	// Complete: everybody was looked at. Otherwise the count is of the first ones, and
	// its recipients are the least that there are.
	Complete bool
	// About estimates the recipients of all, from samples over the whole range, each person
	// once: the same as Recipients when it is complete, otherwise at least these, and at
	// most one more for each membership that was not counted.
	About int64
	// Some of the recipients, from the beginning.
	Some []Contact
}

const (
	glanceSome    = 8
	glanceSamples = 20  // places at which the rest is looked at,
	glanceMembers = 200 // and how many there,
	glanceFew     = 25  // or, when it has to be quick, so few
	glanceQuick   = time.Second
	glanceStride  = 7 // from place to place, so that also the first few are from all over
)

// Glance counts an audience for at most a time, and estimates the rest. It takes that
// time and a fraction of a second at most, however large the audience is; twice the time, if
// that is less than a second.
func (s *Service) Glance(ctx context.Context, spec Spec, limit time.Duration) (Glance, error) {
	var g Glance
	c, count, err := s.newCounter(ctx, spec)
	g.AudienceCount = count
	if err != nil {
		return g, err
	}
	some := func(m *AudienceMember) {
		if len(g.Some) < glanceSome {
			g.Some = append(g.Some, m.Contact)
		}
	}
	end := s.Now().Add(limit)
	var after ContactID
	largest := snapshotPage
	if limit < glanceQuick {
		largest /= 10
	}
	for size := 200; ; size = min(size*5, largest) {
		page, err := c.page(ctx, after, size, &g.AudienceCount, some)
		if err != nil {
			return g, err
		}
		if len(page) < size {
			g.Complete, g.About = true, g.Recipients
			return g, nil
		}
		after = page[len(page)-1].ID
		if !s.Now().Before(end) {
			break
		}
	}
	sample := sampling{each: glanceMembers}
	if limit < glanceQuick {
		sample = sampling{each: glanceFew, until: s.Now().Add(limit)}
	}
	rest, err := s.estimate(ctx, c, after, g.memberships, sample)
	g.About = g.Recipients + rest
	return g, err
}

// sampling is how a part of an audience is looked at: so many people at each place, until
// it is late; zero: at all places.
type sampling struct {
	each  int
	until time.Time
}

// estimate says how many recipients there are behind a contact: as many for each membership
// that the lists have left as samples at even distances show. A place counts by how close
// together its people are up to the next place, so that those behind a gap in the numbers
// don't stand for all of it.
func (s *Service) estimate(ctx context.Context, c *counter, after ContactID, seen int64, sample sampling) (int64, error) {
	last, memberships, err := s.Store.LastMember(ctx, c.audience.Lists)
	if err != nil || last <= after || memberships <= seen {
		return 0, err
	}
	var recipients, sampled float64
	step := max((last-after)/glanceSamples, 1)
	for i := range ContactID(glanceSamples) {
		at := after + step*(i*glanceStride%glanceSamples)
		if at >= last {
			continue
		}
		count := AudienceCount{Domains: map[string]int64{}, Zones: map[string]int64{}}
		page, err := s.Store.AudiencePage(ctx, c.audience, at, sample.each)
		if err != nil {
			return 0, err
		}
		to := at + step
		if len(page) == sample.each {
			to = min(to, page[len(page)-1].ID)
		}
		if err := c.add(ctx, upTo(page, to), &count, func(*AudienceMember) {}); err != nil {
			return 0, err
		}
		recipients += float64(count.Recipients) / float64(to-at)
		sampled += float64(count.memberships) / float64(to-at)
		if sampled > 0 && !sample.until.IsZero() && !s.Now().Before(sample.until) {
			break
		}
	}
	if sampled == 0 {
		return 0, nil
	}
	return int64(math.Round(float64(memberships-seen) * recipients / sampled)), nil
}
