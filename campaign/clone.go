package campaign

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// Whom says which of the people of an earlier campaign are meant.
type Whom string

// The choices.
const (
	// Reached: the receiving server took a message, and none came back since.
	Reached Whom = "reached"
	// Missed: everybody else of its audience, as it is now: who bounced, was skipped or
	// cancelled, and who joined since.
	Missed Whom = "missed"
)

// Clone stores a copy of a campaign, to be started when somebody says so; ErrConflict
// when it has too many already.
func (s *Service) Clone(ctx context.Context, c Campaign) (Campaign, error) {
	return s.copyAs(ctx, c.Spec)
}

// FollowUp stores a copy of a campaign that goes to whom it reached, or to whom it missed,
// to be written and started by whoever asked for it. The suppressed stay left out.
func (s *Service) FollowUp(ctx context.Context, c Campaign, whom Whom) (Campaign, error) {
	spec := c.Spec
	condition := "received(" + strconv.Quote(c.Spec.Name) + ")"
	switch whom {
	case Reached:
		spec.Subject, spec.AB = "Correction: "+spec.Subject, ABTest{} // a correction is no test
	case Missed:
		condition = "not " + condition
		run, err := s.Store.LatestRun(ctx, c.ID)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return Campaign{}, err
		}
		if run.Won.Winner != NoVariant { // whoever joined since gets what won
			spec = spec.As(run.Won.Winner)
			spec.AB = ABTest{}
		}
	default:
		return Campaign{}, fmt.Errorf("whom: must be %s or %s, but is %q", Reached, Missed, whom)
	}
	if spec.Segment != "" {
		condition = "(" + spec.Segment + ") and " + condition
	}
	spec.Segment = condition
	return s.copyAs(ctx, spec)
}

// mostCopies of a campaign have names of their own: "Spring (2)", "Spring (3)", …
const mostCopies = 100

// copyAs stores a draft of a spec under the first name of its copies that is free.
func (s *Service) copyAs(ctx context.Context, spec Spec) (Campaign, error) {
	name := spec.Name
	spec.StartAt = time.Time{}
	for n := 2; n < mostCopies; n++ {
		spec.Name = fmt.Sprintf("%.90s (%d)", name, n)
		copied, err := s.CreateDraft(ctx, spec)
		if !errors.Is(err, ErrExists) {
			return copied, err
		}
	}
	return Campaign{}, fmt.Errorf("campaign %q has too many copies: %w", name, ErrConflict)
}
