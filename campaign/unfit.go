package campaign

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"broadside/campaign/message"
	"broadside/campaign/segment"
)

// Unfit is the error of a campaign that cannot be rendered, counted or started as it
// stands: its writer can mend it. Every finding blocks.
type Unfit struct{ Findings []Finding }

func (u *Unfit) Error() string {
	lines := make([]string, len(u.Findings))
	for i, f := range u.Findings {
		lines[i] = f.Where + ": " + f.Text()
	}
	return strings.Join(lines, "\n")
}

// Text is what was noticed, with its remedy.
func (f Finding) Text() string {
	if f.Fix == "" {
		return f.What
	}
	return f.What + "; " + f.Fix
}

func unfit(where, what string) *Unfit {
	return &Unfit{[]Finding{{Blocks: true, Where: where, What: what}}}
}

// Fit is nil when a campaign's lists are there, its segment can be read and its content
// makes a message; otherwise an *Unfit, or our own failure.
func (s *Service) Fit(ctx context.Context, spec Spec) error {
	if spec.From == "" {
		spec.From = sampleSender // as Render does
	}
	if _, err := message.Compile(spec.Source, MessageOptions(spec)); err != nil {
		return &Unfit{inWords(err)}
	}
	return s.FitAudience(ctx, spec)
}

// FitAudience is Fit for the lists and the segments alone.
func (s *Service) FitAudience(ctx context.Context, spec Spec) error {
	lists, err := s.Store.ListsNamed(ctx, slices.Concat(spec.Lists, spec.Exclude))
	if err != nil {
		return err
	}
	for _, part := range []struct {
		where string
		names []string
	}{{"lists", spec.Lists}, {"exclude", spec.Exclude}} {
		for _, name := range part.names {
			if _, there := lists[name]; !there {
				return unfit(part.where, fmt.Sprintf("no list is named %q", name))
			}
		}
	}
	expressions := map[string]string{"segment": spec.Segment}
	for _, part := range []struct {
		where string
		names []string
	}{{"segments", spec.Segments}, {"exclude_segments", spec.ExcludeSegments}} {
		for _, name := range part.names {
			saved, err := s.Store.SegmentByName(ctx, name)
			if errors.Is(err, ErrNotFound) {
				return unfit(part.where, fmt.Sprintf("no segment is named %q", name))
			}
			if err != nil {
				return err
			}
			expressions[part.where+" "+name] = saved.Expression
		}
	}
	for where, expression := range expressions {
		if err := s.fitRead(ctx, where, expression); err != nil {
			return err
		}
	}
	return nil
}

// fitRead is nil when an expression can be read and its campaigns are there.
func (s *Service) fitRead(ctx context.Context, where, expression string) error {
	if expression == "" {
		return nil
	}
	seg, err := segment.Parse(expression)
	if err != nil {
		return unfit(where, strings.TrimPrefix(err.Error(), "segment: "))
	}
	for _, e := range seg.Events() {
		_, err := s.Store.RunsNamed(ctx, e.Campaign)
		if errors.Is(err, ErrNotFound) {
			return unfit(where, fmt.Sprintf("no campaign is named %q", e.Campaign))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// WhyNot explains the error of a start: an *Unfit when the campaign itself is why.
func (s *Service) WhyNot(ctx context.Context, spec Spec, err error) error {
	if err == nil || errors.Is(err, ErrConflict) || errors.Is(err, ErrNotFound) {
		return err
	}
	report, checkErr := s.Check(ctx, spec)
	if checkErr != nil {
		return errors.Join(err, checkErr)
	}
	var blocking []Finding
	for _, f := range report.Findings {
		if f.Blocks {
			blocking = append(blocking, f)
		}
	}
	if len(blocking) == 0 {
		return err
	}
	return &Unfit{blocking}
}

// RenderFit is Render, whose error is an *Unfit where the writer can mend it, and
// ErrNotFound where nobody has the address.
func (s *Service) RenderFit(ctx context.Context, spec Spec, whom string) (Rendered, error) {
	if err := s.Fit(ctx, spec); err != nil {
		return Rendered{}, err
	}
	if whom != "" && whom != Longest && whom != Shortest {
		if _, err := ParseAddress(whom); err != nil {
			return Rendered{}, unfit("as", fmt.Sprintf("%q is not an address: %v", whom, err))
		}
	}
	r, err := s.Render(ctx, spec, whom)
	if merge, ok := errors.AsType[*message.MergeError](err); ok {
		return r, unfit(merge.Where, err.Error())
	}
	return r, err
}
