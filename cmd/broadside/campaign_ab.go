package main

import (
	"fmt"
	"os/user"

	"github.com/spf13/cobra"

	"broadside/campaign"
)

func campaignWinnerCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "winner NAME [VARIANT]", Short: "End the A/B test of a campaign's latest run: the rest gets a variant, or what is best so far", Args: cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			v := campaign.NoVariant
			if len(args) == 2 {
				var err error
				if v, err = campaign.ParseVariant(args[1]); err != nil {
					return usageError{err}
				}
			}
			return a.withService(cmd.Context(), func(s *campaign.Service) error {
				run, err := s.LatestRun(cmd.Context(), args[0])
				if err == nil {
					run, err = s.ChooseWinner(cmd.Context(), run.ID, v, commander())
				}
				if err != nil {
					return err
				}
				if a.json {
					return a.printJSON(map[string]any{"run": run.ID, "decision": run.Won})
				}
				a.printf("The rest of run %d gets %s. %s\n", run.ID, run.Won.Winner, run.Won.Why)
				return nil
			})
		},
	}
}

// commander is who types the command, as the report names them.
func commander() string {
	if u, err := user.Current(); err == nil && u.Username != "" {
		return u.Username
	}
	return "somebody at the command line"
}

// showAB prints where a run's A/B test stands.
func (a *app) showAB(ab *campaign.ABReport) {
	if ab == nil {
		return
	}
	a.printf("\nA/B test: %s.\n", ab.Says)
	switch {
	case ab.Decision != nil:
		a.printf("%s won, decided %s. %s\n", ab.Decision.Winner, day(ab.Decision.At), ab.Decision.Why)
	case !ab.Due.IsZero():
		a.printf("It is decided %s.\n", day(ab.Due))
	}
	a.printf("\n")
	t := newTable("", ">planned", ">accepted", ">bounced", ">waiting", ">opened", ">clicked", ">left", ">complained", "subject")
	for _, v := range ab.Variants {
		name := v.Variant
		if name == "" {
			name = "rest"
		}
		if v.Won {
			name += " (won)"
		}
		t.row(name, group(v.Counts.Planned), group(v.Counts.Accepted), group(v.Counts.Bounced), group(v.Counts.Open()),
			rated(v.Opens.Readers(), v.OpenRate), rated(v.Clicks.Readers(), v.ClickRate), group(v.Unsubscribed), group(v.Complaints), shorten(v.Subject, linkColumn))
	}
	t.print(a.out)
}

func rated(n int64, rate float64) string { return fmt.Sprintf("%s (%.1f %%)", group(n), 100*rate) }
