package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"broadside/campaign"
	"broadside/campaign/message"
	"broadside/campaign/schedule"
)

func campaignCreateCommand(a *app) *cobra.Command {
	var (
		file                          string
		spec                          campaign.Spec
		replace                       bool
		htmlFile, mdFile, textFile    string
		attachments, inline           []string
		priority, onUnknown, startsAt string
		window                        string
		spread                        time.Duration
		ab                            abFlags
	)
	cmd := &cobra.Command{
		Use:   "create [NAME]",
		Short: "Create a campaign from a TOML or YAML file, or from flags",
		Example: `  broadside campaign create --file spring.toml
  broadside campaign create spring --from 'News <news@example.org>' --subject 'Hello {{ name | default: "there" }}' \
      --markdown letter.md --list news`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if file != "" {
				fromFile, err := campaign.ReadSpecFile(file)
				if err != nil {
					return usageError{err}
				}
				spec = fromFile
			}
			if len(args) == 1 {
				spec.Name = args[0]
			}
			for _, part := range []struct {
				path string
				text *string
			}{{htmlFile, &spec.HTML}, {mdFile, &spec.Markdown}, {textFile, &spec.Text}} {
				if part.path == "" {
					continue
				}
				text, err := os.ReadFile(part.path)
				if err != nil {
					return err
				}
				*part.text = string(text)
			}
			var err error
			if spec.Attachments, err = readFiles(spec.Attachments, attachments); err != nil {
				return err
			}
			if spec.Inline, err = readFiles(spec.Inline, inline); err != nil {
				return err
			}
			if priority != "" {
				spec.Priority = campaign.Priority(priority)
			}
			if onUnknown != "" {
				spec.OnUnknown = campaign.OnUnknown(onUnknown)
			}
			if startsAt != "" {
				if spec.StartAt, err = parseTime(startsAt); err != nil {
					return err
				}
			}
			if window != "" {
				if spec.Window, err = schedule.ReadWindow(window); err != nil {
					return usageError{fmt.Errorf("--window: %w", err)}
				}
			}
			if spread != 0 {
				spec.Spread = campaign.Duration(spread)
			}
			if spec.AB, err = ab.over(spec.AB); err != nil {
				return err
			}
			return a.createCampaign(cmd.Context(), spec, replace)
		},
	}
	f := cmd.Flags()
	f.StringVar(&file, "file", "", "campaign file (TOML or YAML, see docs/campaign-file.md)")
	f.BoolVar(&replace, "replace", false, "replace a campaign of that name; runs under way keep theirs")
	f.StringVar(&spec.From, "from", "", "sender: 'News <news@example.org>'")
	f.StringVar(&spec.ReplyTo, "reply-to", "", "address for replies")
	f.StringVar(&spec.Subject, "subject", "", "subject, with merge fields")
	f.StringVar(&spec.Preheader, "preheader", "", "line shown after the subject in mailbox lists")
	f.StringVar(&htmlFile, "html", "", "file with the HTML")
	f.StringVar(&mdFile, "markdown", "", "file with Markdown instead of HTML")
	f.StringVar(&textFile, "text", "", "file with the plain text (default: made from the HTML)")
	f.StringVar(&spec.PostalAddress, "postal-address", "", "the sender's postal address, for the footer")
	f.StringSliceVar(&spec.Lists, "list", nil, "list to send to (repeatable)")
	f.StringSliceVar(&spec.Exclude, "exclude", nil, "list to leave out (repeatable)")
	f.StringVar(&spec.Segment, "segment", "", `expression over attributes: 'city == "Berlin" and age > 30'`)
	f.StringSliceVar(&spec.Segments, "saved-segment", nil, "only those in a saved segment (repeatable: in any of them)")
	f.StringSliceVar(&spec.ExcludeSegments, "exclude-segment", nil, "saved segment to leave out (repeatable)")
	f.StringArrayVar(&attachments, "attach", nil, "file to attach (repeatable)")
	f.StringArrayVar(&inline, "inline", nil, "image that the HTML shows as cid:NAME (repeatable)")
	f.IntVar(&spec.Weight, "weight", 0, "share of a busy site against other campaigns, 1 to 100 (default 10)")
	f.StringVar(&priority, "priority", "", "bulk (default) or express")
	f.StringVar(&onUnknown, "on-unknown", "", "resend (default) or hold, when a connection broke after the final dot")
	f.StringVar(&startsAt, "start-at", "", "when the run begins after 'campaign start': '2027-03-01 09:00 Europe/Berlin'")
	f.StringVar(&window, "window", "", "when it may send: 'mon-fri 08:00-20:00 Europe/Berlin'")
	f.StringVar(&spec.Brake.Canary, "canary", "", "share that goes first, as 2%, or off (default 1% from 50,000 people on)")
	f.BoolVar(&spec.Brake.Off, "no-brake", false, "never pause the run by itself, whatever the sites answer; no canary either")
	f.StringVar(&spec.LocalTime.Zone, "local-time", "", "by each recipient's own clock; the zone of the start, and of who has none: Europe/Berlin")
	f.DurationVar(&spread, "spread", 0, "spread the mail evenly over a time: 4h (10m to 168h)")
	ab.add(cmd)
	return cmd
}

func (a *app) createCampaign(ctx context.Context, spec campaign.Spec, replace bool) error {
	return a.withService(ctx, func(s *campaign.Service) error {
		create := s.Create
		if replace {
			create = s.Replace
		}
		c, err := create(ctx, spec)
		if err != nil {
			return err
		}
		if a.json {
			return a.printJSON(map[string]any{"id": c.ID, "name": c.Spec.Name})
		}
		a.printf("Campaign %q is ready. Look at it with `broadside campaign preview %s`, send it with `broadside campaign start %s`.\n",
			c.Spec.Name, quoteArg(c.Spec.Name), quoteArg(c.Spec.Name))
		return nil
	})
}

func readFiles(have []message.File, paths []string) ([]message.File, error) {
	for _, p := range paths {
		data, err := os.ReadFile(p)
		if err != nil {
			return nil, err
		}
		have = append(have, message.File{Name: p[strings.LastIndexByte(p, '/')+1:], Data: data})
	}
	return have, nil
}
