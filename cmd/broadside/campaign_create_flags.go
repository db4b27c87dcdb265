package main

import (
	"fmt"
	"os"
	"path"
	"time"

	"github.com/spf13/cobra"

	"broadside/campaign"
	"broadside/campaign/message"
	"broadside/campaign/schedule"
)

// createFlags say a campaign, or what differs from its file.
type createFlags struct {
	spec                          campaign.Spec // what flags say as it is
	htmlFile, mdFile, textFile    string
	attachments, inline           []string
	priority, onUnknown, startsAt string
	window                        string
	spread                        time.Duration
	ab                            abFlags
}

func (f *createFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.spec.From, "from", "", "sender: 'News <news@example.org>'")
	flags.StringVar(&f.spec.ReplyTo, "reply-to", "", "address for replies")
	flags.StringVar(&f.spec.Subject, "subject", "", "subject, with merge fields")
	flags.StringVar(&f.spec.Preheader, "preheader", "", "line shown after the subject in mailbox lists")
	flags.StringVar(&f.htmlFile, "html", "", "file with the HTML")
	flags.StringVar(&f.mdFile, "markdown", "", "file with Markdown instead of HTML")
	flags.StringVar(&f.textFile, "text", "", "file with the plain text (default: made from the HTML)")
	flags.StringVar(&f.spec.PostalAddress, "postal-address", "", "the sender's postal address, for the footer")
	flags.StringSliceVar(&f.spec.Lists, "list", nil, "list to send to (repeatable)")
	flags.StringSliceVar(&f.spec.Exclude, "exclude", nil, "list to leave out (repeatable)")
	flags.StringVar(&f.spec.Segment, "segment", "", `expression over attributes: 'city == "Berlin" and age > 30'`)
	flags.StringSliceVar(&f.spec.Segments, "saved-segment", nil, "only those in a saved segment (repeatable: in any of them)")
	flags.StringSliceVar(&f.spec.ExcludeSegments, "exclude-segment", nil, "saved segment to leave out (repeatable)")
	flags.StringArrayVar(&f.attachments, "attach", nil, "file to attach (repeatable)")
	flags.StringArrayVar(&f.inline, "inline", nil, "image that the HTML shows as cid:NAME (repeatable)")
	flags.IntVar(&f.spec.Weight, "weight", 0, "share of a busy site against other campaigns, 1 to 100 (default 10)")
	flags.StringVar(&f.priority, "priority", "", "bulk (default) or express")
	flags.StringVar(&f.onUnknown, "on-unknown", "", "resend (default) or hold, when a connection broke after the final dot")
	flags.StringVar(&f.startsAt, "start-at", "", "when the run begins after 'campaign start': '2027-03-01 09:00 Europe/Berlin'")
	flags.StringVar(&f.window, "window", "", "when it may send: 'mon-fri 08:00-20:00 Europe/Berlin'")
	flags.StringVar(&f.spec.Brake.Canary, "canary", "", "share that goes first, as 2%, or off (default 1% from 50,000 people on)")
	flags.BoolVar(&f.spec.Brake.Off, "no-brake", false, "never pause the run by itself, whatever the sites answer; no canary either")
	flags.StringVar(&f.spec.LocalTime.Zone, "local-time", "", "by each recipient's own clock; the zone of the start, and of who has none: Europe/Berlin")
	flags.DurationVar(&f.spread, "spread", 0, "spread the mail evenly over a time: 4h (10m to 168h)")
	f.ab.add(cmd)
}

// over puts the flags that were given over a campaign; files are added to its own.
func (f *createFlags) over(cmd *cobra.Command, spec campaign.Spec) (campaign.Spec, error) {
	put(cmd, "from", &spec.From, f.spec.From)
	put(cmd, "reply-to", &spec.ReplyTo, f.spec.ReplyTo)
	put(cmd, "subject", &spec.Subject, f.spec.Subject)
	put(cmd, "preheader", &spec.Preheader, f.spec.Preheader)
	put(cmd, "postal-address", &spec.PostalAddress, f.spec.PostalAddress)
	put(cmd, "list", &spec.Lists, f.spec.Lists)
	put(cmd, "exclude", &spec.Exclude, f.spec.Exclude)
	put(cmd, "segment", &spec.Segment, f.spec.Segment)
	put(cmd, "saved-segment", &spec.Segments, f.spec.Segments)
	put(cmd, "exclude-segment", &spec.ExcludeSegments, f.spec.ExcludeSegments)
	put(cmd, "weight", &spec.Weight, f.spec.Weight)
	put(cmd, "priority", &spec.Priority, campaign.Priority(f.priority))
	put(cmd, "on-unknown", &spec.OnUnknown, campaign.OnUnknown(f.onUnknown))
	put(cmd, "canary", &spec.Brake.Canary, f.spec.Brake.Canary)
	put(cmd, "no-brake", &spec.Brake.Off, f.spec.Brake.Off)
	put(cmd, "local-time", &spec.LocalTime.Zone, f.spec.LocalTime.Zone)
	put(cmd, "spread", &spec.Spread, campaign.Duration(f.spread))
	var err error
	if f.startsAt != "" {
		if spec.StartAt, err = parseTime(f.startsAt); err != nil {
			return spec, err
		}
	}
	if f.window != "" {
		if spec.Window, err = schedule.ReadWindow(f.window); err != nil {
			return spec, usageError{fmt.Errorf("--window: %w", err)}
		}
	}
	if err := f.readInto(&spec); err != nil {
		return spec, err
	}
	spec.AB, err = f.ab.over(spec.AB)
	return spec, err
}

// put sets a value if its flag was given, be it an empty one.
func put[T any](cmd *cobra.Command, flag string, to *T, value T) {
	if cmd.Flags().Changed(flag) {
		*to = value
	}
}

// readInto reads the files that flags name. HTML takes the place of a campaign's Markdown,
// and the other way round; either takes that of its plain text, which said the old letter.
func (f *createFlags) readInto(spec *campaign.Spec) error {
	if f.htmlFile != "" || f.mdFile != "" {
		spec.HTML, spec.Markdown, spec.Text = "", "", ""
	}
	for _, part := range []struct {
		file string
		text *string
	}{{f.htmlFile, &spec.HTML}, {f.mdFile, &spec.Markdown}, {f.textFile, &spec.Text}} {
		if part.file == "" {
			continue
		}
		text, err := os.ReadFile(part.file)
		if err != nil {
			return err
		}
		*part.text = string(text)
	}
	var err error
	if spec.Attachments, err = readFiles(spec.Attachments, f.attachments); err != nil {
		return err
	}
	spec.Inline, err = readFiles(spec.Inline, f.inline)
	return err
}

func readFiles(have []message.File, names []string) ([]message.File, error) {
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		have = append(have, message.File{Name: path.Base(name), Data: data})
	}
	return have, nil
}
