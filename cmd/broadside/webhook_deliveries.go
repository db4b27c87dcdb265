package main

import (
	"cmp"
	"context"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"broadside/campaign/webhook"
)

// deliveryRow is a delivery as --json shows it.
type deliveryRow struct {
	Event    string                `json:"event"`
	Type     webhook.Type          `json:"type"`
	At       time.Time             `json:"at"`
	State    webhook.DeliveryState `json:"state"`
	Attempts int                   `json:"attempts"`
	Tried    time.Time             `json:"tried"`
	Took     int64                 `json:"took_ms"`
	Status   int                   `json:"status,omitempty"`
	Answer   string                `json:"answer,omitempty"`
	Error    string                `json:"error,omitempty"`
	Next     time.Time             `json:"next,omitzero"`
}

func deliveryRowOf(d webhook.Delivery) deliveryRow {
	return deliveryRow{d.Event, d.Type, d.At, d.State, d.Attempts, d.Tried, d.Took.Milliseconds(), d.Status, d.Answer, d.Error, d.Next}
}

// outcomeOf is what the endpoint said, or why it said nothing.
func outcomeOf(d webhook.Delivery) string {
	status := ""
	if d.Status != 0 {
		status = strconv.Itoa(d.Status)
	}
	return cmp.Or(d.Error, status)
}

func webhookDeliveriesCommand(a *app) *cobra.Command {
	var state string
	var limit int
	cmd := &cobra.Command{
		Use: "deliveries ID", Short: "Show what a webhook was told last, and what it answered", Args: cobra.ExactArgs(1),
		RunE: a.onWebhook(func(ctx context.Context, d *webhook.Desk, id webhook.EndpointID) error {
			f := webhook.DeliveryFilter{Endpoint: id, State: webhook.DeliveryState(state)}
			switch f.State {
			case "", webhook.Delivered, webhook.Retrying, webhook.Failed:
			default:
				return usagef("--state %q: use delivered, retrying or failed", state)
			}
			if _, err := d.Store.WebhookByID(ctx, id); err != nil {
				return err
			}
			list, err := d.Store.Deliveries(ctx, f, 0, min(max(limit, 1), 1000))
			if err != nil {
				return err
			}
			rows := make([]deliveryRow, len(list))
			t := newTable("event", "type", "state", ">attempts", "tried", "answer")
			for i, v := range list {
				rows[i] = deliveryRowOf(v)
				t.row(v.Event, string(v.Type), string(v.State), strconv.Itoa(v.Attempts), day(v.Tried), outcomeOf(v))
			}
			if a.json {
				return a.printJSON(map[string]any{"deliveries": rows})
			}
			if len(rows) == 0 {
				a.printf("No such delivery yet.\n")
				return nil
			}
			t.print(a.out)
			return nil
		}),
	}
	cmd.Flags().StringVar(&state, "state", "", "only those delivered, retrying or failed")
	cmd.Flags().IntVar(&limit, "limit", 50, "how many at most, up to 1000")
	return cmd
}

func webhookReplayCommand(a *app) *cobra.Command {
	var failed bool
	var since string
	cmd := &cobra.Command{
		Use: "replay ID [EVENT]", Short: "Send an event again, or --failed ones, or all --since a time, under their ids", Args: cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			if given := len(args) - 1 + map[bool]int{true: 1}[failed] + map[bool]int{true: 1}[since != ""]; given != 1 {
				return usagef("say what to replay: an event's id, --failed or --since 2026-11-23T09:00:00Z (or --since 6h)")
			}
			return a.onWebhook(func(ctx context.Context, d *webhook.Desk, id webhook.EndpointID) error {
				var err error
				what := "what failed"
				switch {
				case failed:
					err = d.ReplayFailed(ctx, id)
				case since != "":
					var from time.Time
					if from, err = sinceTime(since, d.Now()); err != nil {
						return err
					}
					what = "everything since " + day(from)
					err = d.ReplaySince(ctx, id, from)
				default:
					what = args[1]
					err = d.Replay(ctx, id, args[1])
				}
				if err != nil {
					return wrongWebhook(err)
				}
				if a.json {
					return a.printJSON(map[string]any{"webhook": id, "replays": what})
				}
				a.printf("Webhook %d is told of %s again, as soon as a process with the webhooks role runs.\n", id, what)
				return nil
			})(cmd, args)
		},
	}
	cmd.Flags().BoolVar(&failed, "failed", false, "all whose delivery was given up")
	cmd.Flags().StringVar(&since, "since", "", "all that happened from a time on, or for so long: 2026-11-23T09:00:00Z or 6h")
	return cmd
}

func sinceTime(text string, now time.Time) (time.Time, error) {
	if d, err := time.ParseDuration(text); err == nil && d > 0 {
		return now.Add(-d), nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return t, usagef("--since %q: give a time such as 2026-11-23T09:00:00Z, or how long ago, such as 6h", text)
	}
	return t, nil
}
