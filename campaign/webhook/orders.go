package webhook

import (
	"context"
	"fmt"
	"maps"
	"sync"
	"time"

	"broadside/campaign"
)

// obey does what people ordered: for each endpoint the oldest first, and for one beside
// the other, so that a replay that waits for room holds up its own endpoint alone.
func (d *Dispatcher) obey(ctx context.Context) {
	var work sync.WaitGroup
	defer work.Wait()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var mu sync.Mutex
	busy := map[EndpointID]bool{} // guarded by mu
	d.every(ctx, lookEvery, func(ctx context.Context) error {
		mu.Lock()
		under := maps.Clone(busy) // before the orders are read: these may be among them still
		mu.Unlock()
		orders, err := d.Store.WebhookOrders(ctx)
		if err != nil {
			return err
		}
		of := map[EndpointID][]Order{}
		for _, o := range orders {
			of[o.Endpoint] = append(of[o.Endpoint], o)
		}
		for id, orders := range of {
			if under[id] {
				continue
			}
			mu.Lock()
			busy[id] = true
			mu.Unlock()
			work.Go(func() {
				d.obeyOne(ctx, id, orders)
				mu.Lock()
				defer mu.Unlock()
				delete(busy, id)
			})
		}
		return nil
	})
}

// obeyOne does what was ordered of one endpoint. What fails is tried again at another look.
func (d *Dispatcher) obeyOne(ctx context.Context, id EndpointID, orders []Order) {
	for _, o := range orders {
		if err := d.carryOut(ctx, o); err != nil {
			if ctx.Err() == nil {
				d.Log.Error("webhook: an order is tried again", "webhook", id, "order", o.Kind, "error", err)
				wait(ctx, time.Second)
			}
			return
		}
	}
}

func (d *Dispatcher) carryOut(ctx context.Context, o Order) error {
	e, err := d.Store.WebhookByID(ctx, o.Endpoint)
	if missingIsFine(err) != nil {
		return err
	}
	if err == nil && e.State != Disabled {
		if err := d.fulfil(ctx, e, o); err != nil {
			return err
		}
	}
	return d.Store.WebhookOrderDone(ctx, o.ID)
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
