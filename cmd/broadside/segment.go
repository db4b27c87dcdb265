package main

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"broadside/campaign"
)

func segmentCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{Use: "segment", Short: "Save, count, show and delete expressions that choose of a list's people"}
	cmd.AddCommand(segmentListCommand(a), segmentCreateCommand(a), segmentShowCommand(a), segmentDeleteCommand(a))
	return cmd
}

func segmentListCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the saved segments", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withService(cmd.Context(), func(s *campaign.Service) error {
				all, err := s.Store.Segments(cmd.Context())
				if err != nil {
					return err
				}
				if a.json {
					list := make([]segmentJSON, len(all))
					for i, seg := range all {
						list[i] = segmentJSON{Name: seg.Name, Expression: seg.Expression}
					}
					return a.printJSON(map[string]any{"segments": list})
				}
				t := newTable("segment", "expression", "changed")
				for _, seg := range all {
					t.row(seg.Name, seg.Expression, day(seg.Updated))
				}
				t.print(a.out)
				return nil
			})
		},
	}
}

type segmentJSON struct {
	Name       string                  `json:"name"`
	Expression string                  `json:"expression"`
	Campaigns  []string                `json:"campaigns,omitempty"`
	Count      *campaign.AudienceCount `json:"count,omitempty"`
}

func segmentCreateCommand(a *app) *cobra.Command {
	var replace bool
	cmd := &cobra.Command{
		Use: "create NAME EXPRESSION", Short: "Save an expression under a name, to which campaigns refer",
		Example: `  broadside segment create gold 'plan == "gold" and points >= 100'
  broadside segment create missed 'not received("Spring")'`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withService(cmd.Context(), func(s *campaign.Service) error {
				saved, err := saveSegment(cmd.Context(), s, args[0], args[1], replace)
				if err != nil {
					return err
				}
				if a.json {
					return a.printJSON(segmentJSON{Name: saved.Name, Expression: saved.Expression})
				}
				a.printf("Segment %q is saved. Use it as segments = [%q] in a campaign file, or with --saved-segment.\n", saved.Name, saved.Name)
				return nil
			})
		},
	}
	cmd.Flags().BoolVar(&replace, "replace", false, "replace the expression of a segment of that name")
	return cmd
}

func saveSegment(ctx context.Context, s *campaign.Service, name, expression string, replace bool) (campaign.SavedSegment, error) {
	if !replace {
		return s.CreateSegment(ctx, name, expression)
	}
	old, err := s.Store.SegmentByName(ctx, name)
	if err != nil {
		return old, err
	}
	return s.UpdateSegment(ctx, old, name, expression)
}

func segmentShowCommand(a *app) *cobra.Command {
	var lists []string
	cmd := &cobra.Command{
		Use: "show NAME", Short: "Show a segment, who uses it, and how many of some lists are in it", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withService(cmd.Context(), func(s *campaign.Service) error {
				ctx := cmd.Context()
				seg, err := s.Store.SegmentByName(ctx, args[0])
				if err != nil {
					return err
				}
				users, err := s.Store.SegmentUsers(ctx, seg.Name)
				if err != nil {
					return err
				}
				out := segmentJSON{Name: seg.Name, Expression: seg.Expression, Campaigns: users}
				if len(lists) > 0 {
					count, err := s.CountAudience(ctx, campaign.Spec{Lists: lists, Segments: []string{seg.Name}}, func(campaign.AudienceCount) {})
					if err != nil {
						return err
					}
					out.Count = &count
				}
				if a.json {
					return a.printJSON(out)
				}
				a.printf("%s\n", seg.Expression)
				if len(users) > 0 {
					a.printf("used by: %s\n", strings.Join(users, ", "))
				}
				if c := out.Count; c != nil {
					a.printf("%s people of %s: %s are outside, %s unsubscribed, %s suppressed\n", group(c.Recipients), group(c.Members), group(c.Outside), group(c.Unsubscribed), group(c.Suppressed))
				}
				return nil
			})
		},
	}
	cmd.Flags().StringSliceVar(&lists, "list", nil, "list to count its people in (repeatable)")
	return cmd
}

func segmentDeleteCommand(a *app) *cobra.Command {
	var anyway bool
	cmd := &cobra.Command{
		Use: "delete NAME", Short: "Delete a segment that no campaign refers to", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withService(cmd.Context(), func(s *campaign.Service) error {
				seg, err := s.Store.SegmentByName(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				return s.DeleteSegment(cmd.Context(), seg, anyway)
			})
		},
	}
	cmd.Flags().BoolVar(&anyway, "anyway", false, "also while campaigns refer to it: they do not start until they are edited")
	return cmd
}
