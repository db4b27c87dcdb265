package campaign

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// mostCopies of a campaign have names of their own: "Spring (2)", "Spring (3)", …
const mostCopies = 100

// Clone stores a copy of a campaign, to be started when somebody says so; ErrConflict
// when it has too many already.
func (s *Service) Clone(ctx context.Context, c Campaign) (Campaign, error) {
	spec := c.Spec
	spec.StartAt = time.Time{}
	for n := 2; n < mostCopies; n++ {
		spec.Name = fmt.Sprintf("%.90s (%d)", c.Spec.Name, n)
		copied, err := s.CreateDraft(ctx, spec)
		if !errors.Is(err, ErrExists) {
			return copied, err
		}
	}
	return Campaign{}, fmt.Errorf("campaign %q has too many copies: %w", c.Spec.Name, ErrConflict)
}
