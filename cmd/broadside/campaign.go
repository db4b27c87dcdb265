package main

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"broadside/campaign"
)

func campaignCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{Use: "campaign", Short: "Create, check, test, start and watch campaigns"}
	cmd.AddCommand(
		campaignCreateCommand(a), campaignListCommand(a), campaignPreviewCommand(a), campaignTestCommand(a),
		campaignPreflightCommand(a), campaignStartCommand(a), campaignScheduleCommand(a),
		campaignMoveCommand(a, "pause", "Stop sending within a second; nothing is lost", (*campaign.Service).Pause),
		campaignMoveCommand(a, "resume", "Go on with a paused run", func(s *campaign.Service, ctx context.Context, name, _ string) (campaign.Run, error) {
			return s.Resume(ctx, name)
		}),
		campaignMoveCommand(a, "cancel", "End a run: whoever was not reached yet is not sent to", (*campaign.Service).Cancel),
		campaignForecastCommand(a), campaignWinnerCommand(a), campaignUndoCommand(a), campaignRepeatCommand(a),
		campaignPutCommand(a, "clone", "Make a copy under a name that is free", "is the copy", (*campaign.Service).Clone),
		campaignPutCommand(a, "archive", "Put a campaign away; its runs and reports stay", "is archived", (*campaign.Service).Archive),
		campaignPutCommand(a, "restore", "Take a campaign out of the archive", "is back", (*campaign.Service).Restore),
		campaignRestCommand(a), campaignWeightCommand(a), campaignStatusCommand(a), campaignReportCommand(a), campaignWhyCommand(a),
	)
	return cmd
}

func campaignRestCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "rest NAME", Short: "Send the rest of a run now: who waits for its canary, or for the clock of their zone", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withService(cmd.Context(), func(s *campaign.Service) error {
				run, err := s.LatestRun(cmd.Context(), args[0])
				if err == nil {
					run, err = s.SendRest(cmd.Context(), run.ID, commander())
				}
				if err != nil {
					return err
				}
				if a.json {
					return a.printJSON(map[string]any{"run": run.ID})
				}
				a.printf("The rest of run %d of %s leaves.\n", run.ID, args[0])
				return nil
			})
		},
	}
}

func campaignWeightCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "weight NAME N", Short: "Change an open run's share of busy sites, against other runs: 1 to 100", Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			weight, err := strconv.Atoi(args[1])
			if err != nil || weight < 1 || weight > 100 {
				return usagef("weight %q: use a whole number from 1 to 100; 10 is usual", args[1])
			}
			return a.withService(cmd.Context(), func(s *campaign.Service) error {
				run, err := s.LatestRun(cmd.Context(), args[0])
				if err == nil {
					run, err = s.SetWeight(cmd.Context(), run.ID, weight)
				}
				if err != nil {
					return err
				}
				if a.json {
					return a.printJSON(map[string]any{"run": run.ID, "weight": weight})
				}
				a.printf("Run %d of %s has weight %d; the planner feeds by it within a second.\n", run.ID, args[0], weight)
				return nil
			})
		},
	}
}

func campaignListCommand(a *app) *cobra.Command {
	var archived bool
	cmd := &cobra.Command{
		Use: "list", Short: "List the campaigns", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withService(cmd.Context(), func(s *campaign.Service) error {
				all, err := s.Store.Campaigns(cmd.Context(), archived, 0, 100)
				if err != nil {
					return err
				}
				if a.json {
					names := make([]string, 0, len(all))
					for _, c := range all {
						names = append(names, c.Spec.Name)
					}
					return a.printJSON(map[string]any{"campaigns": names})
				}
				ids := make([]campaign.CampaignID, len(all))
				for i, c := range all {
					ids[i] = c.ID
				}
				next, err := s.Store.NextTimes(cmd.Context(), ids)
				if err != nil {
					return err
				}
				t := newTable("campaign", "subject", "lists", "run", "next", "changed")
				for _, c := range all {
					state := "draft"
					if run, err := s.Store.LatestRun(cmd.Context(), c.ID); err == nil {
						state = string(run.State)
					}
					t.row(c.Spec.Name, c.Spec.Subject, strings.Join(c.Spec.Lists, ", "), state, day(next[c.ID]), day(c.Updated))
				}
				t.print(a.out)
				return nil
			})
		},
	}
	cmd.Flags().BoolVar(&archived, "archived", false, "those in the archive, and no others")
	return cmd
}

func campaignPreviewCommand(a *app) *cobra.Command {
	var as, out, variant string
	var worst bool
	cmd := &cobra.Command{
		Use:   "preview NAME",
		Short: "Print the message as a contact would get it",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withService(cmd.Context(), func(s *campaign.Service) error {
				if worst {
					return a.previewWorst(cmd.Context(), s, args[0], variant)
				}
				contact, msg, err := s.Preview(cmd.Context(), args[0], variant, as)
				if err != nil {
					return err
				}
				switch {
				case out != "":
					return writeFile(out, func(w io.Writer) error { _, err := w.Write(msg); return err })
				case a.json:
					return a.printJSON(map[string]any{"as": contact.Email, "message": string(msg)})
				}
				_, err = a.out.Write(msg)
				return err
			})
		},
	}
	cmd.Flags().StringVar(&as, "as", "", "contact's address (default: the first of the audience)")
	variantFlag(cmd, &variant)
	cmd.Flags().BoolVar(&worst, "worst", false, "those whose values make the longest and the shortest message")
	cmd.Flags().StringVar(&out, "output", "", "write the message to a file (.eml)")
	return cmd
}

func variantFlag(cmd *cobra.Command, variant *string) {
	cmd.Flags().StringVar(variant, "variant", "", "letter of a variant of its A/B test (default: A, the campaign as it is written)")
}

func (a *app) previewWorst(ctx context.Context, s *campaign.Service, name, variant string) error {
	longest, shortest, err := s.Worst(ctx, name, variant)
	if err != nil {
		return err
	}
	if a.json {
		show := func(e campaign.Extreme) map[string]any {
			return map[string]any{"as": e.Contact.Email, "bytes": len(e.Message), "message": string(e.Message)}
		}
		return a.printJSON(map[string]any{"longest": show(longest), "shortest": show(shortest)})
	}
	for _, e := range []struct {
		what string
		campaign.Extreme
	}{{"longest", longest}, {"shortest", shortest}} {
		a.printf("── %s: %s, %s bytes ──\n%s\n", e.what, e.Contact.Email, group(int64(len(e.Message))), e.Message)
	}
	return nil
}

func campaignPreflightCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "preflight NAME", Short: "Look at everything that can be known before a start", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withService(cmd.Context(), func(s *campaign.Service) error {
				p, err := s.Preflight(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				if a.json {
					if err := a.printJSON(p); err != nil {
						return err
					}
				} else {
					a.showPreflight(p)
				}
				if p.Blocked() != nil {
					return errSilent
				}
				return nil
			})
		},
	}
}

func (a *app) showPreflight(p campaign.Preflight) {
	for _, f := range p.Findings {
		mark := "warning"
		if f.Blocks {
			mark = "BLOCKS "
		}
		a.printf("  %s  %s: %s\n           → %s\n", mark, f.Where, f.What, f.Fix)
	}
	for _, f := range p.FirstFailures {
		a.printf("           %s\n", f)
	}
	all := "a sample of"
	if p.Complete {
		all = "all"
	}
	a.printf("  rendered %s %s recipients; the largest message has %s bytes\n", all, group(int64(p.Sampled)), group(int64(p.Bytes)))
	if p.Failed > 0 {
		a.printf("  %s of them get no message\n", group(int64(p.Failed)))
	}
	if p.Blocked() == nil {
		a.printf("  ready to start\n")
	}
}

func campaignStartCommand(a *app) *cobra.Command {
	var again bool
	cmd := &cobra.Command{
		Use: "start NAME", Short: "Start a campaign (at its start time, when it has one)", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.startCampaign(cmd.Context(), args[0], time.Time{}, again)
		},
	}
	againFlag(cmd, &again)
	return cmd
}

func campaignScheduleCommand(a *app) *cobra.Command {
	var at string
	var again bool
	cmd := &cobra.Command{
		Use: "schedule NAME --at TIME", Short: "Start a campaign at a time", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			t, err := parseTime(at)
			if err != nil {
				return err
			}
			if !t.After(time.Now()) {
				return usagef("%s is past; use `broadside campaign start %s` to begin now", at, quoteArg(args[0]))
			}
			return a.startCampaign(cmd.Context(), args[0], t, again)
		},
	}
	cmd.Flags().StringVar(&at, "at", "", "'2027-03-01 09:00 Europe/Berlin', RFC 3339, or +90m")
	_ = cmd.MarkFlagRequired("at")
	againFlag(cmd, &again)
	return cmd
}

func againFlag(cmd *cobra.Command, again *bool) {
	cmd.Flags().BoolVar(again, "again", false, "send a campaign that was sent before once more, to its whole audience")
}

func (a *app) startCampaign(ctx context.Context, name string, at time.Time, again bool) error {
	return a.withService(ctx, func(s *campaign.Service) error {
		start := s.Start
		if again {
			start = s.StartAgain
		}
		run, err := start(ctx, name, at)
		if err != nil {
			return err
		}
		if a.json {
			return a.printJSON(map[string]any{"run": run.ID, "state": run.State, "start_at": run.StartAt})
		}
		if run.State == campaign.RunScheduled {
			a.printf("Campaign %q starts at %s, as long as `broadside serve` is running then (or is started later).\n", name, day(run.StartAt))
			return nil
		}
		a.printf("Campaign %q is running. Watch it with `broadside campaign status %s --watch`.\n", name, quoteArg(name))
		return nil
	})
}

// parseTime reads a time with its zone: RFC 3339, "2027-03-01 09:00 Europe/Berlin",
// the same without a zone (the machine's), or "+90m".
func parseTime(s string) (time.Time, error) {
	if d, err := time.ParseDuration(strings.TrimPrefix(s, "+")); err == nil && strings.HasPrefix(s, "+") {
		return time.Now().Add(d), nil
	}
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t, nil
	}
	loc, text := time.Local, s
	if i := strings.LastIndexByte(s, ' '); i > 0 && strings.Count(s, " ") == 2 {
		zone, err := time.LoadLocation(s[i+1:])
		if err != nil {
			return time.Time{}, usagef("%q is not a time zone; use a name such as Europe/Berlin", s[i+1:])
		}
		loc, text = zone, s[:i]
	}
	t, err := time.ParseInLocation("2006-01-02 15:04", text, loc)
	if err != nil {
		return t, usagef("%q is not a time; write 2027-03-01 09:00 Europe/Berlin, or +90m", s)
	}
	return t, nil
}

func campaignMoveCommand(a *app, verb, short string, move func(*campaign.Service, context.Context, string, string) (campaign.Run, error)) *cobra.Command {
	var note string
	cmd := &cobra.Command{
		Use: verb + " NAME", Short: short, Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withService(cmd.Context(), func(s *campaign.Service) error {
				run, err := move(s, cmd.Context(), args[0], note)
				if err != nil {
					return err
				}
				if a.json {
					return a.printJSON(map[string]any{"run": run.ID, "state": run.State})
				}
				a.printf("Campaign %q is %s.\n", args[0], run.State)
				return nil
			})
		},
	}
	cmd.Flags().StringVar(&note, "note", "", "why, for the others")
	return cmd
}

// quoteArg writes a name as it is typed in a shell.
func quoteArg(s string) string {
	if strings.ContainsAny(s, " '\"$`\\|&;<>()*?") {
		return fmt.Sprintf("'%s'", strings.ReplaceAll(s, "'", `'\''`))
	}
	return s
}
