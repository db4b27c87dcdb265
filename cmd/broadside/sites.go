package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"broadside/campaign"
	"broadside/delivery"
	"broadside/ratelimit"
	"broadside/store"
)

func sitesCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use: "sites", Short: "Show which sites slow us down and why; pause, resume or limit a site, or forget what it taught", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withStore(cmd.Context(), func(db *store.DB) error { return a.showSites(cmd.Context(), db, time.Now()) })
		},
	}
	cmd.AddCommand(sitesPauseCommand(a), sitesResumeCommand(a), sitesLimitCommand(a), sitesForgetCommand(a))
	return cmd
}

func sitesPauseCommand(a *app) *cobra.Command {
	var p delivery.SitePause
	var length time.Duration
	cmd := &cobra.Command{
		Use: "pause SITE", Short: "Send nothing to a site, from any source, until it is resumed", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if cmd.Flags().Changed("for") && length <= 0 {
				return usagef("--for %v: use a time such as 90m or 24h", length)
			}
			p.Site, p.Since = strings.ToLower(args[0]), time.Now()
			until := "it is resumed"
			if length > 0 {
				p.Until = p.Since.Add(length)
				until = day(p.Until)
			}
			return a.withStore(cmd.Context(), func(db *store.DB) error {
				if err := db.PauseSite(cmd.Context(), p); err != nil {
					return err
				}
				if a.json {
					return a.printJSON(pauseRow(p))
				}
				a.printf("%s gets no mail until %s; running senders know within a second.\n", p.Site, until)
				return nil
			})
		},
	}
	cmd.Flags().DurationVar(&length, "for", 0, "how long, such as 90m (default: until it is resumed)")
	cmd.Flags().StringVar(&p.Why, "why", "", "why, for the others")
	return cmd
}

func sitesResumeCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "resume SITE", Short: "Send to a paused site again; what replies have taught stays", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			site := strings.ToLower(args[0])
			return a.withStore(cmd.Context(), func(db *store.DB) error {
				if err := db.ResumeSite(cmd.Context(), site, time.Now()); err != nil {
					return err
				}
				if a.json {
					return a.printJSON(map[string]any{"resumed": site})
				}
				a.printf("%s gets mail again; running senders know within a second.\n", site)
				return nil
			})
		},
	}
}

func sitesLimitCommand(a *app) *cobra.Command {
	var l delivery.SiteLimit
	cmd := &cobra.Command{
		Use: "limit SITE", Short: "Allow a site so much at most, from all senders together; without flags, take that away", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if !(l.Rate >= 0) || l.Connections < 0 {
				return usagef("--rate %v, --connections %d: limits are positive; leave both out to take a limit away", l.Rate, l.Connections)
			}
			l.Site, l.Since, l.Who = strings.ToLower(args[0]), time.Now(), "the command line"
			return a.withStore(cmd.Context(), func(db *store.DB) error {
				if err := db.SetSiteLimit(cmd.Context(), l); err != nil {
					return err
				}
				switch {
				case a.json:
					return a.printJSON(map[string]any{"site": l.Site, "rate": l.Rate, "connections": l.Connections})
				case l.Rate == 0 && l.Connections == 0:
					a.printf("%s is limited by its rules alone; running senders know within a second.\n", l.Site)
				default:
					a.printf("%s gets no more than that; running senders know within a second.\n", l.Site)
				}
				return nil
			})
		},
	}
	cmd.Flags().Float64Var(&l.Rate, "rate", 0, "messages per second (default: not limited)")
	cmd.Flags().IntVar(&l.Connections, "connections", 0, "at once (default: not limited)")
	return cmd
}

func sitesForgetCommand(a *app) *cobra.Command {
	var source string
	cmd := &cobra.Command{
		Use: "forget SITE", Short: "Forget what a site's replies have taught, and begin with its limits again", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			site := strings.ToLower(args[0])
			var only *string
			if cmd.Flags().Changed("source") {
				only = &source
			}
			return a.withStore(cmd.Context(), func(db *store.DB) error {
				if err := db.ForgetSite(cmd.Context(), site, only); err != nil {
					return err
				}
				if a.json {
					return a.printJSON(map[string]any{"forgotten": site})
				}
				a.printf("What was learned of %s is forgotten; running senders know within a second.\n", site)
				return nil
			})
		},
	}
	cmd.Flags().StringVar(&source, "source", "", "only of mail from this source (default: of all sources and domains)")
	return cmd
}

// siteRow is what is shown of one key at a site, or of a paused site.
type siteRow struct{ campaign.SiteState }

// siteRows are the paused sites, then what was learned of others.
func siteRows(ctx context.Context, db *store.DB, now time.Time) ([]siteRow, error) {
	pauses, err := db.SitePauses(ctx, now)
	if err != nil {
		return nil, err
	}
	records, err := db.SiteRecords(ctx)
	if err != nil {
		return nil, err
	}
	rows := []siteRow{}
	for _, p := range pauses {
		rows = append(rows, pauseRow(p))
	}
	for _, r := range records {
		if r.Kind == ratelimit.WholeSite.String() { // the senders' echo of a pause
			continue
		}
		row, err := learnedRow(r, now)
		if err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
	return rows, nil
}

func (a *app) showSites(ctx context.Context, db *store.DB, now time.Time) error {
	rows, err := siteRows(ctx, db, now)
	if err != nil {
		return err
	}
	if a.json {
		return a.printJSON(map[string]any{"sites": rows})
	}
	if len(rows) == 0 {
		a.printf("No site is paused, and none has asked for less lately.\n")
		return nil
	}
	t := newTable("site", "whose", "state", ">rate/s", ">connections", "since", "why")
	for _, r := range rows {
		t.row(r.Site, r.whose(), r.state(), r.rate(), r.connections(), day(r.Since), r.Why)
	}
	t.print(a.out)
	return nil
}

func pauseRow(p delivery.SitePause) siteRow {
	return siteRow{campaign.SiteState{Site: p.Site, Kind: ratelimit.WholeSite.String(), State: "paused", Until: p.Until, Since: p.Since, Why: p.Why}}
}

func learnedRow(r delivery.SiteRecord, now time.Time) (siteRow, error) {
	var known ratelimit.Record
	if err := json.Unmarshal(r.Record, &known); err != nil {
		return siteRow{}, fmt.Errorf("what was learned of %s at %s: %w", r.Value, r.Site, err)
	}
	row := siteRow{campaign.SiteState{
		Site: r.Site, Kind: r.Kind, Value: r.Value, State: "ok",
		Limit: known.Limits.Rate, Most: known.Limits.Connections, Since: known.Since, Why: known.Why,
	}}
	allowed := known.Allowed(now, known.Limits)
	row.Until, row.Rate, row.Connections = allowed.Until, allowed.Rate, allowed.Connections
	switch {
	case !row.Until.IsZero():
		row.State, row.Rate, row.Connections = "stopped", 0, 0
	case row.Rate < row.Limit || row.Connections < row.Most:
		row.State = "slowed"
	}
	return row, nil
}

// whose is who gets no more: an address, a domain, or everybody.
func (r siteRow) whose() string {
	switch r.Kind {
	case ratelimit.WholeSite.String():
		return "all"
	case ratelimit.SendingDomain.String():
		return "mail from " + r.Value
	case ratelimit.URLDomain.String():
		return "links to " + r.Value
	}
	if r.Value == "" {
		return "the only source"
	}
	return r.Value
}

func (r siteRow) state() string {
	if r.Until.IsZero() {
		return r.State
	}
	return r.State + " until " + day(r.Until)
}

func (r siteRow) rate() string {
	if r.Limit == 0 {
		return "–"
	}
	return fmt.Sprintf("%.3g of %.4g", r.Rate, r.Limit)
}

func (r siteRow) connections() string {
	if r.Most == 0 {
		return "–"
	}
	return strconv.Itoa(r.Connections) + " of " + strconv.Itoa(r.Most)
}
