package main

import (
	"fmt"
	"os/user"
	"time"

	"github.com/spf13/cobra"

	"broadside/campaign"
)

// abFlags say an A/B test of subjects. Other differences are said in a campaign file.
type abFlags struct {
	subjects []string
	share    int
	winner   string
	after    time.Duration
}

func (f *abFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringArrayVar(&f.subjects, "ab-subject", nil, "another subject, of variant B (repeatable: C and D); a campaign file can vary more")
	flags.IntVar(&f.share, "ab-share", 0, "percent of the audience that the A/B test is made with (default 20)")
	flags.StringVar(&f.winner, "ab-winner", "", "what decides for the rest: opens (default), clicks or person")
	flags.DurationVar(&f.after, "ab-after", 0, "how long after everybody in the test was tried (default 4h; 10m to 168h)")
}

// over puts the flags over what a campaign file says.
func (f *abFlags) over(t campaign.ABTest) (campaign.ABTest, error) {
	for _, subject := range f.subjects {
		t.Variants = append(t.Variants, campaign.Alternative{Subject: subject})
	}
	if !t.On() && (f.share != 0 || f.winner != "" || f.after != 0) {
		return t, usagef("there is nothing to test against the campaign: add --ab-subject 'Another subject', or [[ab.variants]] to a campaign file (docs/campaign-file.md)")
	}
	if f.share != 0 {
		t.Share = f.share
	}
	if f.winner != "" {
		t.Winner = campaign.ABRule(f.winner)
	}
	if f.after != 0 {
		t.After = campaign.Duration(f.after)
	}
	return t, nil
}

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
