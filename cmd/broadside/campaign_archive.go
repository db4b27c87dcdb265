package main

import (
	"context"

	"github.com/spf13/cobra"

	"broadside/campaign"
)

// campaignPutCommand is a command that does something to a campaign itself.
func campaignPutCommand(a *app, verb, short, done string, do func(*campaign.Service, context.Context, campaign.Campaign) (campaign.Campaign, error)) *cobra.Command {
	return &cobra.Command{
		Use: verb + " NAME", Short: short, Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withService(cmd.Context(), func(s *campaign.Service) error {
				c, err := s.Find(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				if c, err = do(s, cmd.Context(), c); err != nil {
					return err
				}
				if a.json {
					return a.printJSON(map[string]any{"id": c.ID, "name": c.Spec.Name, "archived": nilIfZero(c.Archived)})
				}
				a.printf("Campaign %q %s.\n", c.Spec.Name, done)
				return nil
			})
		},
	}
}

func campaignUndoCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "undo NAME", Short: "Take a start back before the first message", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withService(cmd.Context(), func(s *campaign.Service) error {
				run, err := s.LatestRun(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				if run, err = s.UndoRun(cmd.Context(), run.ID, "taken back"); err != nil {
					return err
				}
				if a.json {
					return a.printJSON(map[string]any{"run": run.ID, "state": run.State})
				}
				a.printf("Campaign %q is not sent: its start is taken back.\n", args[0])
				return nil
			})
		},
	}
}
