package main

import (
	"time"

	"github.com/spf13/cobra"

	"broadside/campaign"
)

func campaignForecastCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "forecast NAME", Short: "Count the audience and foretell how long a start now would take", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withService(cmd.Context(), func(s *campaign.Service) error {
				c, err := s.Find(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				count, err := s.CountAudience(cmd.Context(), c.Spec, func(campaign.AudienceCount) {})
				if err != nil {
					return err
				}
				f, err := s.Forecast(cmd.Context(), c.Spec, count, time.Now())
				if err != nil {
					return err
				}
				if a.json {
					return a.printJSON(map[string]any{"recipients": count.Recipients, "seconds": int64(f.Lasts.Seconds()), "bound": f.Bound, "clocks": c.Spec.ByTheirClocks(count, time.Time{}, time.Now(), time.Local)})
				}
				if count.Recipients == 0 {
					a.printf("Campaign %q would reach nobody.\n", args[0])
					return nil
				}
				if f == (campaign.Forecast{}) {
					a.printf("Campaign %q would reach %s people; how long that takes is up to who chooses what the rest gets.\n", args[0], group(count.Recipients))
					return nil
				}
				a.printf("Campaign %q would reach %s people; to send to them takes %s. This is a forecast.\n", args[0], group(count.Recipients), f)
				if text := c.Spec.ByTheirClocks(count, time.Time{}, time.Now(), time.Local); text != "" {
					a.printf("%s\n", text)
				}
				return nil
			})
		},
	}
}
