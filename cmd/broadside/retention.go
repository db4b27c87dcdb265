package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"broadside/campaign"
	"broadside/store"
)

// RetentionConfig says how long kinds of data are kept; 0 keeps them for ever.
type RetentionConfig struct {
	Attempts campaign.Duration `toml:"attempts" env:"ATTEMPTS"` // tries of runs that have ended; default 4320h
	Feedback campaign.Duration `toml:"feedback" env:"FEEDBACK"` // bounces and complaints by recipient; default 8760h
	Tracking campaign.Duration `toml:"tracking" env:"TRACKING"` // who opened and clicked what; default 4320h
	SignUps  campaign.Duration `toml:"signups" env:"SIGNUPS"`   // that were not confirmed; default 336h
	Contacts campaign.Duration `toml:"contacts" env:"CONTACTS"` // that are in no list; default 720h
	Webhooks campaign.Duration `toml:"webhooks" env:"WEBHOOKS"` // deliveries to webhooks; default 720h
	Audit    campaign.Duration `toml:"audit" env:"AUDIT"`       // the audit log; default 17520h
}

func defaultRetention() RetentionConfig {
	const day = campaign.Duration(24 * time.Hour)
	return RetentionConfig{Attempts: 180 * day, Feedback: 365 * day, Tracking: 180 * day, SignUps: 14 * day, Contacts: 30 * day, Webhooks: 30 * day, Audit: 730 * day}
}

func (c RetentionConfig) retention() campaign.Retention {
	return campaign.Retention{
		campaign.AttemptData: time.Duration(c.Attempts), campaign.FeedbackData: time.Duration(c.Feedback),
		campaign.TrackingData: time.Duration(c.Tracking),
		campaign.SignUpData:   time.Duration(c.SignUps),
		campaign.ContactData:  time.Duration(c.Contacts), campaign.WebhookData: time.Duration(c.Webhooks), campaign.AuditData: time.Duration(c.Audit),
	}
}

// check finds a time so short that it must be a slip: what is deleted does not come back.
func (c RetentionConfig) check() error {
	for kind, d := range c.retention() {
		if d < 0 || d > 0 && d < 24*time.Hour {
			return fmt.Errorf("retention.%s is %s: use at least 24h, or 0s to keep it for ever", kind, d)
		}
	}
	return nil
}

// retain deletes daily what was kept for long enough; one process of a cluster does.
func (e *engine) retain(ctx context.Context) error {
	k := campaign.Keeper{Store: e.store, Retention: e.cfg.Retention.retention(), Log: e.log}
	return k.Run(ctx)
}

func retentionCommand(a *app) *cobra.Command {
	var apply bool
	cmd := &cobra.Command{
		Use: "retention", Short: "Show how long each kind of data is kept, or delete now what is older (the record role does so daily)", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			rules := a.cfg.Retention.retention()
			if !apply {
				return a.showRetention(rules, nil)
			}
			return a.withStore(cmd.Context(), func(db *store.DB) error {
				gone, err := rules.Apply(cmd.Context(), db, time.Now())
				if err != nil {
					return err
				}
				return a.showRetention(rules, gone)
			})
		},
	}
	cmd.Flags().BoolVar(&apply, "apply", false, "delete now what is older")
	return cmd
}

func (a *app) showRetention(rules campaign.Retention, gone map[campaign.Data]int64) error {
	if a.json {
		out := map[campaign.Data]any{}
		for _, kind := range campaign.Kinds {
			out[kind] = map[string]any{"kept": rules[kind].String(), "deleted": gone[kind]}
		}
		return a.printJSON(out)
	}
	t := newTable("data", "kept for", ">deleted now")
	for _, kind := range campaign.Kinds {
		kept := "ever"
		if rules[kind] > 0 {
			kept = fmt.Sprintf("%d days", rules[kind]/(24*time.Hour))
		}
		t.row(string(kind), kept, group(gone[kind]))
	}
	t.print(a.out)
	return nil
}
