package webhook

import (
	"context"
	"fmt"
	"time"

	"broadside/campaign"
)

// factsAtOnce are told together.
const factsAtOnce = 500

// tellFacts tells what happened outside the outcomes' stream: the store's facts, and the
// suppressions, which are their own record.
func (d *Dispatcher) tellFacts(ctx context.Context) error {
	endpoints, err := d.Store.Webhooks(ctx)
	if err != nil || len(endpoints) == 0 {
		return err
	}
	if err := d.tellStoredFacts(ctx, endpoints); err != nil {
		return err
	}
	return d.tellSuppressions(ctx, endpoints)
}

func (d *Dispatcher) tellStoredFacts(ctx context.Context, endpoints []Endpoint) error {
	for {
		facts, err := d.Store.WebhookFacts(ctx, factsAtOnce)
		if err != nil || len(facts) == 0 {
			return err
		}
		put := func(events []Event) error { return d.put(ctx, endpoints, events) }
		if err := d.expand(ctx, facts, wanted(endpoints, Skipped), put); err != nil {
			return err
		}
		ids := make([]int64, len(facts))
		for i, f := range facts {
			ids[i] = f.ID
		}
		if err := d.Store.WebhookFactsTold(ctx, ids); err != nil {
			return err
		}
	}
}

func wanted(endpoints []Endpoint, t Type) bool {
	for _, e := range endpoints {
		if e.Wants(t) {
			return true
		}
	}
	return false
}

// expand makes events of facts and puts them; of a run that is complete, those whom it
// skipped, if somebody wants to know.
func (d *Dispatcher) expand(ctx context.Context, facts []Fact, skipped bool, put func([]Event) error) error {
	names := names{store: d.Store}
	var events []Event
	for _, f := range facts {
		if f.Type == RunComplete {
			if !skipped {
				continue
			}
			if err := d.expandSkipped(ctx, f, &names, put); err != nil {
				return err
			}
			continue
		}
		events = append(events, f.event())
	}
	if len(events) == 0 {
		return nil
	}
	if err := names.add(ctx, events); err != nil {
		return err
	}
	return put(events)
}

func (f Fact) event() Event {
	return Event{ID: fmt.Sprintf("evt_f%d", f.ID), Type: f.Type, At: f.At, Data: Data{
		Run: f.Run, Contact: f.Contact, List: f.List, Reason: f.Reason, Reply: f.Detail, Late: f.Late,
	}}
}

// expandSkipped puts those whom a run's snapshot left out: no attempt tells of them.
func (d *Dispatcher) expandSkipped(ctx context.Context, f Fact, names *names, put func([]Event) error) error {
	var after campaign.Recipient
	for {
		rows, err := d.Store.Recipients(ctx, f.Run, campaign.Skipped, after, factsAtOnce)
		if err != nil {
			return err
		}
		var events []Event
		for _, r := range rows {
			after = r.Recipient
			if r.Attempts == 0 {
				events = append(events, Event{ID: fmt.Sprintf("evt_%d_%d_0_%d", r.Run, r.Contact, r.State), Type: Skipped, At: f.At, Data: Data{
					Run: r.Run, Contact: r.Contact, Email: r.Email, Reason: r.Reason.String(),
				}})
			}
		}
		if err := names.add(ctx, events); err != nil {
			return err
		}
		if err := put(events); err != nil {
			return err
		}
		if len(rows) < factsAtOnce {
			return nil
		}
	}
}

// tellSuppressions goes on after the last that was told.
func (d *Dispatcher) tellSuppressions(ctx context.Context, endpoints []Endpoint) error {
	after, err := d.Store.WebhookCursor(ctx)
	if err != nil {
		return err
	}
	for {
		entries, err := d.Store.Suppressions(ctx, after, factsAtOnce)
		if err != nil || len(entries) == 0 {
			return err
		}
		if err := d.put(ctx, endpoints, suppressions(entries)); err != nil {
			return err
		}
		after = entries[len(entries)-1].ID
		if err := d.Store.MoveWebhookCursor(ctx, after); err != nil {
			return err
		}
	}
}

// suppressions makes events of entries; what is only known by its hash says nothing to
// anybody else.
func suppressions(entries []campaign.Suppression) []Event {
	var events []Event
	for _, s := range entries {
		if s.Hash != "" {
			continue
		}
		events = append(events, Event{ID: fmt.Sprintf("evt_s%d", s.ID), Type: Suppressed, At: s.At, Data: Data{
			Email: s.Email, Domain: s.Domain, List: s.List, Reason: s.Reason, Reply: s.Detail,
		}})
	}
	return events
}

// obey does what people ordered, oldest first.
func (d *Dispatcher) obey(ctx context.Context) error {
	orders, err := d.Store.WebhookOrders(ctx)
	if err != nil {
		return err
	}
	for _, o := range orders {
		e, err := d.Store.WebhookByID(ctx, o.Endpoint)
		if missingIsFine(err) != nil {
			return err
		}
		if err == nil && e.State != Disabled {
			if err := d.fulfil(ctx, e, o); err != nil {
				return fmt.Errorf("webhook %d: %s: %w", e.ID, o.Kind, err)
			}
		}
		if err := d.Store.WebhookOrderDone(ctx, o.ID); err != nil {
			return err
		}
	}
	return nil
}

func (d *Dispatcher) fulfil(ctx context.Context, e Endpoint, o Order) error {
	switch o.Kind {
	case SendTest:
		return d.again(ctx, e, o, []Event{{ID: o.testEvent(), Type: Test, At: o.Made}})
	case ReplayOne:
		delivery, err := d.Store.DeliveryOf(ctx, e.ID, o.Event)
		if err != nil {
			return missingIsFine(err)
		}
		return d.sendAgain(ctx, e, o, []Delivery{delivery})
	case ReplayFailed:
		return d.replayFailed(ctx, e, o)
	case ReplaySince:
		return d.replaySince(ctx, e, o)
	}
	return nil
}

func (d *Dispatcher) replayFailed(ctx context.Context, e Endpoint, o Order) error {
	for before := int64(0); ; {
		failed, err := d.Store.Deliveries(ctx, DeliveryFilter{e.ID, Failed}, before, factsAtOnce)
		if err != nil || len(failed) == 0 {
			return err
		}
		if err := d.sendAgain(ctx, e, o, failed); err != nil {
			return err
		}
		before = failed[len(failed)-1].ID
	}
}

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
	names := names{store: d.Store}
	err := d.Queue.OutcomesSince(ctx, o.Since, func(outcomes []campaign.Event) error {
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
	if err != nil {
		return err
	}
	for after := int64(0); ; {
		facts, err := d.Store.WebhookFactsSince(ctx, o.Since, after, factsAtOnce)
		if err != nil {
			return err
		}
		if len(facts) == 0 {
			break
		}
		if err := d.expand(ctx, facts, e.Wants(Skipped), put); err != nil {
			return err
		}
		after = facts[len(facts)-1].ID
	}
	for after := int64(0); ; {
		entries, err := d.Store.SuppressionsSince(ctx, o.Since, after, factsAtOnce)
		if err != nil || len(entries) == 0 {
			return err
		}
		if err := put(suppressions(entries)); err != nil {
			return err
		}
		after = entries[len(entries)-1].ID
	}
}

// again puts events for an order.
func (d *Dispatcher) again(ctx context.Context, e Endpoint, o Order, events []Event) error {
	messages := make([]Message, len(events))
	for i, v := range events {
		messages[i] = Message{o.key(v.ID), v.body()}
	}
	return d.putAll(ctx, e, messages)
}

// sendAgain puts what was sent before, as it was.
func (d *Dispatcher) sendAgain(ctx context.Context, e Endpoint, o Order, deliveries []Delivery) error {
	messages := make([]Message, len(deliveries))
	for i, v := range deliveries {
		messages[i] = Message{o.key(v.Event), v.Body}
	}
	return d.putAll(ctx, e, messages)
}

// key lets an event that is in the queue be put there once more, and once for an order.
func (o Order) key(event string) string { return fmt.Sprintf("order%d_%s", o.ID, event) }

// fullPause is how long a replay waits for room in the endpoint's queue.
const fullPause = 5 * time.Second

// putAll waits for room, for as long as the endpoint may make some.
func (d *Dispatcher) putAll(ctx context.Context, e Endpoint, messages []Message) error {
	if err := d.Queue.OpenHook(ctx, e.ID); err != nil {
		return err
	}
	for len(messages) > 0 {
		taken, err := d.Queue.PutHook(ctx, e.ID, messages)
		messages = messages[taken:]
		if err == nil {
			continue
		}
		if !isFull(err) || ctx.Err() != nil {
			return err
		}
		now, err := d.Store.WebhookByID(ctx, e.ID)
		if err != nil || now.State != Active {
			return missingIsFine(err)
		}
		wait(ctx, fullPause)
	}
	return nil
}
