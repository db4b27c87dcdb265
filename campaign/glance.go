package campaign

import (
	"context"
	"time"
)

// Glance is whom an audience would reach, as far as it could be told in a short time.
type Glance struct {
	AudienceCount
	// Complete: everybody was looked at. Otherwise the count is of the first ones, and
	// its recipients are the least that there are.
	Complete bool
	// About estimates the recipients of all, from samples over the whole range.
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
// time and a fraction of a second at most, however large the audience is.
func (s *Service) Glance(ctx context.Context, spec Spec, limit time.Duration) (Glance, error) {
	g := Glance{AudienceCount: AudienceCount{Domains: map[string]int64{}}}
	a, sieve, err := s.audienceOf(ctx, spec)
	if err != nil {
		return g, err
	}
	a.ShowExcluded = true
	end := s.Now().Add(limit)
	var after ContactID
	largest := snapshotPage
	if limit < glanceQuick {
		largest /= 10
	}
	for size := 200; ; size = min(size*5, largest) {
		page, err := s.glancePage(ctx, a, sieve, after, size, &g)
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
	rest, err := s.estimate(ctx, a, sieve, after, g.Members, sample)
	g.About = g.Recipients + rest
	return g, err
}

func (s *Service) glancePage(ctx context.Context, a Audience, sieve *sieve, after ContactID, size int, g *Glance) ([]AudienceMember, error) {
	page, err := s.Store.AudiencePage(ctx, a, after, size)
	if err != nil {
		return nil, err
	}
	verdicts, err := sieve.sort(ctx, page)
	if err != nil {
		return nil, err
	}
	for i := range page {
		before := g.Recipients
		g.add(&page[i], verdicts[i])
		if g.Recipients > before && len(g.Some) < glanceSome {
			g.Some = append(g.Some, page[i].Contact)
		}
	}
	return page, nil
}

// sampling is how a part of an audience is looked at: so many people at each place, until
// it is late; zero: at all places.
type sampling struct {
	each  int
	until time.Time
}

// estimate says how many recipients there are behind a contact: what samples at even
// distances show, of as many members as the lists have left. Who is in several lists is
// counted in each.
func (s *Service) estimate(ctx context.Context, a Audience, sieve *sieve, after ContactID, seen int64, sample sampling) (int64, error) {
	last, members, err := s.Store.LastMember(ctx, a.Lists)
	if err != nil || last <= after || members <= seen {
		return 0, err
	}
	var sampled Glance
	sampled.Domains = map[string]int64{}
	step := max((last-after)/glanceSamples, 1)
	for i := range ContactID(glanceSamples) {
		at := after + step*(i*glanceStride%glanceSamples)
		if at >= last {
			continue
		}
		if _, err := s.glancePage(ctx, a, sieve, at, sample.each, &sampled); err != nil {
			return 0, err
		}
		if !sample.until.IsZero() && !s.Now().Before(sample.until) {
			break
		}
	}
	if sampled.Members == 0 {
		return 0, nil
	}
	return (members - seen) * sampled.Recipients / sampled.Members, nil
}
