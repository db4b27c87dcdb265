package webhook

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"
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
	switch {
	case missingIsFine(err) != nil:
		return err
	case err != nil || e.State == Disabled: // and is told nothing
		d.arrears.goOn(o.arrear())
	default:
		if err := d.fulfil(ctx, e, o); err != nil {
			return err
		}
	}
	return d.done(ctx, o)
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
	case CatchUpOutcomes, CatchUpFacts, CatchUpSuppressions:
		return d.catchUp(ctx, e, o)
	}
	return fmt.Errorf("order %d has a kind that this version does not know: %q; it waits for one that does", o.ID, o.Kind)
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

// again puts events for an order.
func (d *Dispatcher) again(ctx context.Context, e Endpoint, o Order, events []Event) error {
	messages := make([]Message, len(events))
	for i, v := range events {
		messages[i] = Message{o.key(v.ID), v.body()}
	}
	return d.putAll(ctx, e, messages, Active)
}

// sendAgain puts what was sent before, as it was.
func (d *Dispatcher) sendAgain(ctx context.Context, e Endpoint, o Order, deliveries []Delivery) error {
	messages := make([]Message, len(deliveries))
	for i, v := range deliveries {
		messages[i] = Message{o.key(v.Event), v.Body}
	}
	return d.putAll(ctx, e, messages, Active)
}

// key lets an event that is in the queue be put there once more, and once for an order.
func (o Order) key(event string) string { return fmt.Sprintf("order%d_%s", o.ID, event) }

// fullPause is how long a replay waits for room in the endpoint's queue.
const fullPause = 5 * time.Second

// putAll waits for room, for as long as the endpoint is in one of some states.
func (d *Dispatcher) putAll(ctx context.Context, e Endpoint, messages []Message, while ...State) error {
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
		if err != nil || !slices.Contains(while, now.State) {
			return missingIsFine(err)
		}
		wait(ctx, fullPause)
	}
	return nil
}
