package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"broadside/campaign"
	"broadside/campaign/webhook"
	"broadside/store"
)

func webhookCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{Use: "webhook", Short: "Tell other systems over HTTP what becomes of recipients and runs"}
	cmd.AddCommand(
		webhookListCommand(a), webhookAddCommand(a),
		webhookStateCommand(a, "pause", "Let what happens wait until the webhook is resumed", (*webhook.Desk).Pause),
		webhookStateCommand(a, "resume", "Tell a paused or disabled webhook again", (*webhook.Desk).Resume),
		webhookRotateCommand(a), webhookRemoveCommand(a), webhookTestCommand(a), webhookDeliveriesCommand(a), webhookReplayCommand(a),
	)
	return cmd
}

// withDesk opens the database for one webhook command.
func (a *app) withDesk(ctx context.Context, do func(*webhook.Desk) error) error {
	return a.withStore(ctx, func(db *store.DB) error { return do(newDesk(a.cfg, db)) })
}

func webhookID(text string) (webhook.EndpointID, error) {
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil || id < 1 {
		return 0, usagef("webhook %q: give its number; broadside webhook list shows them", text)
	}
	return webhook.EndpointID(id), nil
}

// webhookRow is an endpoint as --json shows it.
type webhookRow struct {
	ID      webhook.EndpointID `json:"id"`
	URL     string             `json:"url"`
	Note    string             `json:"note,omitempty"`
	Types   []webhook.Type     `json:"types"`
	State   webhook.State      `json:"state"`
	Why     string             `json:"why,omitempty"`
	Secret  string             `json:"secret,omitempty"` // shown once
	Failing time.Time          `json:"failing_since,omitzero"`
	Waiting int64              `json:"waiting"`
	Dropped int64              `json:"dropped"`
	Since   time.Time          `json:"dropped_since,omitzero"`
}

func webhookRowOf(e webhook.Endpoint) webhookRow {
	return webhookRow{ID: e.ID, URL: e.URL, Note: e.Note, Types: e.Types, State: e.State, Why: e.Why, Failing: e.FailingSince, Waiting: e.Waiting, Dropped: e.Dropped, Since: e.DroppedSince}
}

func webhookListCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "Show the webhooks, and how they are", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withDesk(cmd.Context(), func(d *webhook.Desk) error {
				endpoints, err := d.Store.Webhooks(cmd.Context())
				if err != nil {
					return err
				}
				rows := make([]webhookRow, len(endpoints))
				for i, e := range endpoints {
					rows[i] = webhookRowOf(e)
				}
				if a.json {
					return a.printJSON(map[string]any{"webhooks": rows})
				}
				if len(rows) == 0 {
					a.printf("There is no webhook. Add one with: broadside webhook add https://example.org/hook --event message.bounced\n")
					return nil
				}
				t := newTable("id", "address", "state", ">waiting", ">dropped", "events")
				for _, r := range rows {
					t.row(strconv.FormatInt(int64(r.ID), 10), r.URL, r.health(), group(r.Waiting), group(r.Dropped), strconv.Itoa(len(r.Types)))
				}
				t.print(a.out)
				return nil
			})
		},
	}
}

func (r webhookRow) health() string {
	switch {
	case r.Why != "":
		return string(r.State) + ": " + campaign.InZone(r.Why, time.Local)
	case r.State == webhook.Active && !r.Failing.IsZero():
		return "failing since " + day(r.Failing)
	}
	return string(r.State)
}

func webhookAddCommand(a *app) *cobra.Command {
	var draft webhook.Draft
	var names []string
	for _, m := range webhook.Types() {
		names = append(names, string(m.Type))
	}
	cmd := &cobra.Command{
		Use: "add URL", Short: "Tell an address of some events from now on, and show its secret", Args: cobra.ExactArgs(1),
		Long: "Tell an address of some events from now on, and show its secret once.\n\nThe events are: " + strings.Join(names, ", ") + ".",
		RunE: func(cmd *cobra.Command, args []string) error {
			draft.URL = args[0]
			if len(draft.Types) == 1 && draft.Types[0] == "all" {
				draft.Types = names
			}
			return a.withDesk(cmd.Context(), func(d *webhook.Desk) error {
				e, secret, err := d.Add(cmd.Context(), draft)
				if err != nil {
					return wrongWebhook(err)
				}
				return a.showSecret(e, secret, "is told from now on")
			})
		},
	}
	cmd.Flags().StringSliceVar(&draft.Types, "event", nil, "what it is told of, such as message.bounced; several, or all")
	cmd.Flags().StringVar(&draft.Note, "note", "", "what it is for, for the others")
	return cmd
}

// wrongWebhook makes wrong use of what a person can mend.
func wrongWebhook(err error) error {
	if i, ok := errors.AsType[*webhook.Invalid](err); ok {
		return usagef("%s", strings.Replace(i.Error(), "types: ", "--event: ", 1))
	}
	return err
}

func (a *app) showSecret(e webhook.Endpoint, secret, what string) error {
	if a.json {
		row := webhookRowOf(e)
		row.Secret = secret
		return a.printJSON(row)
	}
	a.printf("Webhook %d %s: %s\nIts secret, which is not shown again: %s\n", e.ID, what, e.URL, secret)
	return nil
}

func webhookRotateCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "rotate ID", Short: "Give a webhook a new secret; the old one signs, too, for a day", Args: cobra.ExactArgs(1),
		RunE: a.onWebhook(func(ctx context.Context, d *webhook.Desk, id webhook.EndpointID) error {
			e, secret, err := d.Rotate(ctx, id)
			if err != nil {
				return err
			}
			return a.showSecret(e, secret, "signs with a new secret, and until "+day(e.OldUntil)+" with the old one, too")
		}),
	}
}

// onWebhook is a command on one webhook.
func (a *app) onWebhook(do func(context.Context, *webhook.Desk, webhook.EndpointID) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		id, err := webhookID(args[0])
		if err != nil {
			return err
		}
		return a.withDesk(cmd.Context(), func(d *webhook.Desk) error { return do(cmd.Context(), d, id) })
	}
}

func webhookStateCommand(a *app, verb, short string, move func(*webhook.Desk, context.Context, webhook.EndpointID) (webhook.Endpoint, error)) *cobra.Command {
	return &cobra.Command{
		Use: verb + " ID", Short: short, Args: cobra.ExactArgs(1),
		RunE: a.onWebhook(func(ctx context.Context, d *webhook.Desk, id webhook.EndpointID) error {
			e, err := move(d, ctx, id)
			if err != nil {
				return err
			}
			if a.json {
				return a.printJSON(webhookRowOf(e))
			}
			a.printf("Webhook %d is %s.\n", e.ID, e.State)
			return nil
		}),
	}
}

func webhookRemoveCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "remove ID", Short: "Remove a webhook with what waits for it", Args: cobra.ExactArgs(1),
		RunE: a.onWebhook(func(ctx context.Context, d *webhook.Desk, id webhook.EndpointID) error {
			if err := d.Store.RemoveWebhook(ctx, id); err != nil {
				return err
			}
			if a.json {
				return a.printJSON(map[string]any{"removed": id})
			}
			a.printf("Webhook %d is removed.\n", id)
			return nil
		}),
	}
}

func webhookTestCommand(a *app) *cobra.Command {
	var wait time.Duration
	cmd := &cobra.Command{
		Use: "test ID", Short: "Send a test event, and wait for the answer", Args: cobra.ExactArgs(1),
		RunE: a.onWebhook(func(ctx context.Context, d *webhook.Desk, id webhook.EndpointID) error {
			event, err := d.Test(ctx, id)
			if err != nil {
				return err
			}
			delivery, err := tested(ctx, d, id, event, wait)
			if errors.Is(err, campaign.ErrNotFound) {
				return fmt.Errorf("%s is ordered, and was not sent within %s: is a process with the webhooks role running, and the webhook active?", event, wait)
			}
			if err != nil {
				return err
			}
			if a.json {
				err = a.printJSON(deliveryRowOf(delivery))
			} else {
				a.printf("%s: %s after %s. %s\n", event, delivery.State, delivery.Took.Round(time.Millisecond), outcomeOf(delivery))
			}
			if err == nil && delivery.State != webhook.Delivered {
				return errSilent
			}
			return err
		}),
	}
	cmd.Flags().DurationVar(&wait, "wait", 30*time.Second, "how long to wait for the answer")
	return cmd
}

// tested waits for the first attempt of an event.
func tested(ctx context.Context, d *webhook.Desk, id webhook.EndpointID, event string, wait time.Duration) (webhook.Delivery, error) {
	late, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		delivery, err := d.Store.DeliveryOf(ctx, id, event)
		if !errors.Is(err, campaign.ErrNotFound) || late.Err() != nil {
			return delivery, err
		}
		select {
		case <-late.Done():
		case <-tick.C:
		}
	}
}
