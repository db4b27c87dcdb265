package webhook

import (
	"context"
	"time"

	"broadside/campaign"
)

// replaySince puts all that the endpoint wants from a time on, whether it was told or
// not. It goes through everything that is kept, so that what a full queue dropped, and
// what happened before the endpoint was there, comes, too.
func (d *Dispatcher) replaySince(ctx context.Context, e Endpoint, o Order) error {
	put := func(events []Event) error {
		var wants []Event
		for _, v := range events {
			if e.Wants(v.Type) && !v.At.Before(o.Since) {
				wants = append(wants, v)
			}
		}
		return d.again(ctx, e, o, wants)
	}
	for _, again := range []func(context.Context, Endpoint, time.Time, func([]Event) error) error{
		d.outcomesSince, d.factsSince, d.suppressionsSince,
	} {
		if err := again(ctx, e, o.Since, put); err != nil {
			return err
		}
	}
	return nil
}

// outcomesSince puts the outcomes that an endpoint wants, of those that came from a time on.
func (d *Dispatcher) outcomesSince(ctx context.Context, e Endpoint, since time.Time, put func([]Event) error) error {
	names := names{store: d.Store}
	return d.Queue.OutcomesSince(ctx, since, func(outcomes []campaign.Event) error {
		var events []Event
		for i := range outcomes {
			if e.Wants(outcomeTypes[outcomes[i].State]) {
				events = append(events, outcome(&outcomes[i]))
			}
		}
		if err := names.add(ctx, events); err != nil {
			return err
		}
		return put(events)
	})
}

// factsSince puts the facts from a time on. A click that rests is told when that is over.
func (d *Dispatcher) factsSince(ctx context.Context, e Endpoint, since time.Time, put func([]Event) error) error {
	for after := int64(0); ; {
		facts, err := d.Store.WebhookFactsSince(ctx, since, d.rest.over.Load(), after, factsAtOnce)
		if err != nil || len(facts) == 0 {
			return err
		}
		if err := d.expand(ctx, facts, e.Wants(Skipped), put); err != nil {
			return err
		}
		after = facts[len(facts)-1].ID
	}
}

// suppressionsSince puts the suppressions from a time on.
func (d *Dispatcher) suppressionsSince(ctx context.Context, _ Endpoint, since time.Time, put func([]Event) error) error {
	for after := int64(0); ; {
		entries, err := d.Store.SuppressionsSince(ctx, since, after, factsAtOnce)
		if err != nil || len(entries) == 0 {
			return err
		}
		if err := put(suppressions(entries)); err != nil {
			return err
		}
		after = entries[len(entries)-1].ID
	}
}
