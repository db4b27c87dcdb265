package campaign

import (
	"context"
	"errors"
	"fmt"

	"broadside/campaign/segment"
)

// unknownReaders warns of expressions that ask who opened or clicked a campaign of which
// that was not measured by person: not opened(…) would hold for everybody.
func (s *Service) unknownReaders(ctx context.Context, spec Spec) ([]Finding, error) {
	selection, err := ResolveSelection(ctx, s.Store, spec)
	if errors.Is(err, ErrNotFound) {
		return nil, nil // check has said so
	}
	if err != nil {
		return nil, err
	}
	var findings []Finding
	seen := map[segment.Event]bool{}
	for _, src := range append(append([]string{selection.Only}, selection.Any...), selection.Without...) {
		seg, err := segment.Parse(src)
		if err != nil {
			continue // an empty one, or check has said so
		}
		for _, e := range seg.Events() {
			if e.What == Received || seen[e] {
				continue
			}
			seen[e] = true
			level, err := s.measured(ctx, e)
			if errors.Is(err, ErrNotFound) {
				continue
			}
			if err != nil {
				return nil, err
			}
			if level < TrackIndividual {
				findings = append(findings, Finding{false, "segment", fmt.Sprintf("asks who %s %q, which nobody knows: its measuring is %s", e.What, e.Campaign, level),
					fmt.Sprintf("ask received(%q), or measure by person before the next is sent", e.Campaign)})
			}
		}
	}
	return findings, nil
}

// measured is how much is measured at most of what an expression asks about.
func (s *Service) measured(ctx context.Context, e segment.Event) (Tracking, error) {
	c, err := s.Store.CampaignByName(ctx, e.Campaign)
	if err != nil {
		return TrackOff, err
	}
	most := TrackOff
	for _, name := range c.Spec.Lists {
		list, err := s.Store.ListByName(ctx, name)
		if err != nil {
			return TrackOff, err
		}
		most = max(most, list.Tracking)
	}
	opens, clicks := c.Spec.Track.Within(most)
	if e.What == Clicked {
		return clicks, nil
	}
	return max(opens, clicks), nil // who clicked has opened
}
