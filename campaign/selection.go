package campaign

import (
	"context"
	"errors"
	"fmt"

	"broadside/campaign/segment"
)

// Selection is whom of its lists a campaign means, in expressions: the saved segments
// that it names as they read when the selection was made.
type Selection struct {
	Only    string   `json:"only,omitempty"`    // holds, unless it is empty
	Any     []string `json:"any,omitempty"`     // one of these holds, unless there are none
	Without []string `json:"without,omitempty"` // none of these holds
}

// ResolveSelection looks up the segments that a campaign names.
func ResolveSelection(ctx context.Context, store SegmentReader, s Spec) (Selection, error) {
	sel := Selection{Only: s.Segment}
	for _, part := range []struct {
		names       []string
		expressions *[]string
	}{{s.Segments, &sel.Any}, {s.ExcludeSegments, &sel.Without}} {
		for _, name := range part.names {
			found, err := store.SegmentByName(ctx, name)
			if err != nil {
				return sel, err
			}
			*part.expressions = append(*part.expressions, found.Expression)
		}
	}
	return sel, nil
}

// verdict is what a campaign's expressions say about a member.
type verdict uint8

const (
	meant   verdict = iota
	outside         // of the segments
	leftOut         // by an excluded segment
)

// sieve decides about the members of an audience, a page at a time. What happened to
// them is asked of the store for each page, so that it costs a look-up in an index for
// each member, however large the campaigns were.
type sieve struct {
	store   AudienceStore
	only    []*segment.Segment
	any     []*segment.Segment
	without []*segment.Segment
	runs    map[segment.Event][]RunID
}

func newSieve(ctx context.Context, store AudienceStore, sel Selection) (*sieve, error) {
	s := &sieve{store: store, runs: map[segment.Event][]RunID{}}
	only := []string{}
	if sel.Only != "" {
		only = append(only, sel.Only)
	}
	for _, part := range []struct {
		expressions []string
		segments    *[]*segment.Segment
	}{{only, &s.only}, {sel.Any, &s.any}, {sel.Without, &s.without}} {
		for _, src := range part.expressions {
			seg, err := segment.Parse(src)
			if err != nil {
				return nil, fmt.Errorf("%w: %w", errUnusable, err) // begins with "segment"
			}
			if err := s.findRuns(ctx, seg.Events()); err != nil {
				return nil, err
			}
			*part.segments = append(*part.segments, seg)
		}
	}
	return s, nil
}

// findRuns looks up the campaigns that an expression asks about.
func (s *sieve) findRuns(ctx context.Context, events []segment.Event) error {
	for _, e := range events {
		runs, err := s.store.RunsNamed(ctx, e.Campaign)
		if errors.Is(err, ErrNotFound) {
			return fmt.Errorf("%w: segment: no campaign is named %q: %w", errUnusable, e.Campaign, ErrNotFound)
		}
		if err != nil {
			return err
		}
		s.runs[e] = runs
	}
	return nil
}

// sort returns the verdict on each member of a page.
func (s *sieve) sort(ctx context.Context, page []AudienceMember) ([]verdict, error) {
	verdicts := make([]verdict, len(page))
	happened, err := s.happened(ctx, page)
	if err != nil {
		return nil, err
	}
	for i := range page {
		m := &page[i]
		switch {
		case !all(s.only, m, happened), len(s.any) > 0 && !some(s.any, m, happened):
			verdicts[i] = outside
		case some(s.without, m, happened):
			verdicts[i] = leftOut
		}
	}
	return verdicts, nil
}

// happened asks the store which of a page's members the runs of each event reached.
func (s *sieve) happened(ctx context.Context, page []AudienceMember) (map[segment.Event]map[ContactID]bool, error) {
	if len(s.runs) == 0 || len(page) == 0 {
		return nil, nil
	}
	ids := make([]ContactID, len(page))
	for i := range page {
		ids[i] = page[i].ID
	}
	happened := make(map[segment.Event]map[ContactID]bool, len(s.runs))
	for e, runs := range s.runs {
		var err error
		if happened[e], err = s.store.Happened(ctx, e.What, runs, ids); err != nil {
			return nil, err
		}
	}
	return happened, nil
}

// holds reports whether an expression holds for a member: it does not for values that
// it cannot compare.
func holds(seg *segment.Segment, m *AudienceMember, happened map[segment.Event]map[ContactID]bool) bool {
	p := segment.Person{Email: m.Email, Attributes: m.Attributes}
	if happened != nil {
		for _, e := range seg.Events() {
			p.Happened = append(p.Happened, happened[e][m.ID])
		}
	}
	match, err := seg.Match(p)
	return err == nil && match
}

func some(segments []*segment.Segment, m *AudienceMember, happened map[segment.Event]map[ContactID]bool) bool {
	for _, seg := range segments {
		if holds(seg, m, happened) {
			return true
		}
	}
	return false
}

func all(segments []*segment.Segment, m *AudienceMember, happened map[segment.Event]map[ContactID]bool) bool {
	for _, seg := range segments {
		if !holds(seg, m, happened) {
			return false
		}
	}
	return true
}
