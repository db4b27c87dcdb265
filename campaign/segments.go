package campaign

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"broadside/campaign/segment"
)

// SegmentID is a key given by the store, ascending, from 1.
type SegmentID int64

// SavedSegment is an expression (package segment) under a name. Campaigns refer to it by
// that name and keep no copy: a run takes the expression over when its audience begins to
// be taken, and from then on changes of the segment don't touch it.
type SavedSegment struct {
	ID         SegmentID
	Name       string
	Expression string
	Created    time.Time
	Updated    time.Time
}

// SegmentReader reads saved segments, and what expressions ask about campaigns.
type SegmentReader interface {
	SegmentByName(ctx context.Context, name string) (SavedSegment, error) // ErrNotFound
	// RunsNamed returns the runs of the campaign of a name, newest first; ErrNotFound.
	RunsNamed(ctx context.Context, name string) ([]RunID, error)
	// Happened returns those of some contacts to whom it happened in one of the runs.
	Happened(ctx context.Context, what Happening, runs []RunID, contacts []ContactID) (map[ContactID]bool, error)
}

// Happening is what may have happened between a campaign and a person.
type Happening = segment.What

// What may have happened.
const (
	// Received: the receiving server took a message, and none came back since.
	Received = segment.Received
	// Opened: by a person, who may also have clicked; where it is known who.
	Opened = segment.Opened
	// Clicked: a link, by a person.
	Clicked = segment.Clicked
)

// SegmentStore keeps saved segments.
type SegmentStore interface {
	SegmentReader
	CreateSegment(ctx context.Context, name, expression string, now time.Time) (SavedSegment, error) // ErrExists
	// UpdateSegment gives a segment a name and an expression; ErrNotFound, ErrExists.
	UpdateSegment(ctx context.Context, id SegmentID, name, expression string, now time.Time) (SavedSegment, error)
	DeleteSegment(ctx context.Context, id SegmentID) error // ErrNotFound
	SegmentByID(ctx context.Context, id SegmentID) (SavedSegment, error)
	// Segments returns all saved segments in order of name.
	Segments(ctx context.Context) ([]SavedSegment, error)
	// SegmentUsers names the campaigns that refer to a segment as they stand, in order.
	SegmentUsers(ctx context.Context, name string) ([]string, error)
}

// CreateSegment saves an expression under a name; ErrExists when it is taken, *Unfit when
// the expression cannot be used.
func (s *Service) CreateSegment(ctx context.Context, name, expression string) (SavedSegment, error) {
	if err := s.fitSegment(ctx, name, expression); err != nil {
		return SavedSegment{}, err
	}
	saved, err := s.Store.CreateSegment(ctx, name, expression, s.Now())
	if errors.Is(err, ErrExists) {
		return saved, fmt.Errorf("a segment named %q %w: choose another name", name, ErrExists)
	}
	return saved, err
}

// UpdateSegment changes a segment. Campaigns that refer to it mean the new expression,
// runs whose audience was taken keep the old one; ErrConflict when another name would
// leave campaigns behind.
func (s *Service) UpdateSegment(ctx context.Context, old SavedSegment, name, expression string) (SavedSegment, error) {
	if err := s.fitSegment(ctx, name, expression); err != nil {
		return old, err
	}
	if name != old.Name {
		users, err := s.Store.SegmentUsers(ctx, old.Name)
		if err != nil {
			return old, err
		}
		if len(users) > 0 {
			return old, fmt.Errorf("segment %q is used by %s, so that another name is %w: take it out there first", old.Name, theFirst(users), ErrConflict)
		}
	}
	saved, err := s.Store.UpdateSegment(ctx, old.ID, name, expression, s.Now())
	if errors.Is(err, ErrExists) {
		return old, fmt.Errorf("a segment named %q %w: choose another name", name, ErrExists)
	}
	return saved, err
}

// DeleteSegment deletes a segment; ErrConflict when campaigns refer to it, unless anyway
// says that they may lose it: they don't start any more until somebody edits them.
func (s *Service) DeleteSegment(ctx context.Context, seg SavedSegment, anyway bool) error {
	users, err := s.Store.SegmentUsers(ctx, seg.Name)
	if err != nil {
		return err
	}
	if len(users) > 0 && !anyway {
		return fmt.Errorf("segment %q is used by %s, so that deleting it is %w: take it out there first, or delete it anyway, and they do not start until they are edited", seg.Name, theFirst(users), ErrConflict)
	}
	return s.Store.DeleteSegment(ctx, seg.ID)
}

// theFirst names a few of many campaigns.
func theFirst(names []string) string {
	const few = 3
	quoted := make([]string, 0, few)
	for _, name := range names[:min(len(names), few)] {
		quoted = append(quoted, fmt.Sprintf("campaign %q", name))
	}
	text := strings.Join(quoted, ", ")
	if n := len(names) - few; n > 0 {
		text += fmt.Sprintf(" and %d more", n)
	}
	return text
}

func (s *Service) fitSegment(ctx context.Context, name, expression string) error {
	if problem := nameProblem(name); problem != "" {
		return unfit("name", problem)
	}
	return s.FitExpression(ctx, expression)
}

// FitExpression is nil when an expression can be read and the attributes and campaigns
// that it names are there; otherwise an *Unfit.
func (s *Service) FitExpression(ctx context.Context, expression string) error {
	if strings.TrimSpace(expression) == "" {
		return unfit("expression", `is empty; write one like city == "Berlin"`)
	}
	fields, err := s.Store.Fields(ctx)
	if err != nil {
		return err
	}
	problem, err := s.segmentProblem(ctx, expression, fields, "")
	if err != nil {
		return err
	}
	if problem != nil {
		return unfit("expression", strings.TrimPrefix(strings.TrimPrefix(problem.Error(), "segment: "), "segment, "))
	}
	return nil
}

// segmentProblem says what is wrong with an expression; err is our own failure. A campaign
// may ask about itself before it is stored.
func (s *Service) segmentProblem(ctx context.Context, src string, known []string, self string) (problem, err error) {
	seg, problem := segment.Parse(src)
	if problem != nil {
		return problem, nil
	}
	var problems []error
	for _, f := range seg.Fields() {
		if !slices.Contains(known, f) {
			problems = append(problems, fmt.Errorf("segment: no contact has a field %q%s", f, suggestion(f, known)))
		}
	}
	for _, e := range seg.Events() {
		_, err := s.Store.RunsNamed(ctx, e.Campaign)
		if errors.Is(err, ErrNotFound) && e.Campaign == self {
			continue
		}
		if errors.Is(err, ErrNotFound) {
			problems = append(problems, fmt.Errorf("segment: no campaign is named %q; look at the list of campaigns", e.Campaign))
			continue
		}
		if err != nil {
			return nil, err
		}
	}
	return errors.Join(problems...), nil
}
