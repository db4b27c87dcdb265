package campaign_test

import (
	"context"
	"strings"
	"testing"

	"broadside/campaign"
)

// A follow-up keeps the audience and says who of it is meant; it is a draft under a name
// of its own.
func TestFollowUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := context.Background()
	w.list("all", 3, "t0.example")
	s := spec(`The "Spring"`, "all")
	s.Segment = `nr > 1 or nr == 0`
	c := must(w.service.Create(ctx, s))(t)
	for whom, want := range map[campaign.Whom]string{
		campaign.Reached: `(nr > 1 or nr == 0) and received("The \"Spring\"")`,
		campaign.Missed:  `(nr > 1 or nr == 0) and not received("The \"Spring\"")`,
	} {
		copied := must(w.service.FollowUp(ctx, c, whom))(t)
		if copied.Spec.Segment != want || copied.Spec.Name == c.Spec.Name || copied.Spec.Lists[0] != "all" {
			t.Errorf("%s: the copy %q is for %q of %v, want %q", whom, copied.Spec.Name, copied.Spec.Segment, copied.Spec.Lists, want)
		}
		if corrects := strings.HasPrefix(copied.Spec.Subject, "Correction: "); corrects != (whom == campaign.Reached) {
			t.Errorf("%s: the subject is %q", whom, copied.Spec.Subject)
		}
		if err := w.service.FitExpression(ctx, copied.Spec.Segment); err != nil {
			t.Errorf("%s: the expression cannot be used: %v", whom, err)
		}
	}
	if _, err := w.service.FollowUp(ctx, c, "some"); err == nil {
		t.Error("nobody knows who some are")
	}
}
