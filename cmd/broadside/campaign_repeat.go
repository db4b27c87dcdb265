package main

import (
	"context"

	"github.com/spf13/cobra"

	"broadside/campaign"
)

func campaignRepeatCommand(a *app) *cobra.Command {
	var skip, stop bool
	cmd := &cobra.Command{
		Use: "repeat NAME", Short: "Send a campaign again and again, as its repeat says", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withService(cmd.Context(), func(s *campaign.Service) error {
				c, err := s.Find(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				if stop {
					if err := s.StopRepeating(cmd.Context(), c.ID); err != nil {
						return err
					}
					a.printf("Campaign %q is no longer sent by itself.\n", args[0])
					return nil
				}
				return a.repeatCampaign(cmd.Context(), s, c, skip)
			})
		},
	}
	cmd.Flags().BoolVar(&skip, "skip", false, "leave out the next time")
	cmd.Flags().BoolVar(&stop, "stop", false, "send it no more by itself")
	cmd.MarkFlagsMutuallyExclusive("skip", "stop")
	return cmd
}

func (a *app) repeatCampaign(ctx context.Context, s *campaign.Service, c campaign.Campaign, skip bool) error {
	var r campaign.Recurrence
	var err error
	if skip {
		r, err = s.SkipNext(ctx, c.ID)
	} else {
		r, err = s.Repeat(ctx, c)
	}
	if err != nil {
		return err
	}
	times, err := r.Spec.Repeat.Parse()
	if err != nil {
		return err
	}
	if a.json {
		return a.printJSON(map[string]any{"words": times.String(), "next": r.Next, "note": r.Note})
	}
	a.printf("Campaign %q is sent %s; next %s.\n", c.Spec.Name, times, day(r.Next))
	return nil
}
