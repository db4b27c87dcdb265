package main

import (
	"github.com/spf13/cobra"

	"broadside/campaign"
	"broadside/store"
)

func listTrackingCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "tracking LIST [off|anonymous|individual]",
		Short: "Show or set the most that is measured of a list's readers",
		Args:  cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			var level campaign.Tracking
			if len(args) == 2 {
				var err error
				if level, err = campaign.ParseTracking(args[1]); err != nil {
					return usageError{err}
				}
			}
			return a.withStore(cmd.Context(), func(db *store.DB) error {
				l, err := db.ListByName(cmd.Context(), args[0])
				if err == nil && len(args) == 2 {
					l, err = db.SetListTracking(cmd.Context(), l.ID, level)
				}
				if err != nil {
					return err
				}
				if a.json {
					return a.printJSON(map[string]any{"list": l.Name, "tracking": l.Tracking})
				}
				a.printf("%s: tracking is %s: %s\n", l.Name, l.Tracking, l.Tracking.Means())
				return nil
			})
		},
	}
}
