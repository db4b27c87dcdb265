package webhook

import (
	"context"
	"errors"
	"sync"
	"time"
)

// arrears are what some endpoints were not told of, because their queues failed. Such an
// endpoint is behind: its queue is not tried again with each batch, so that the others go
// on as if nothing was, and an order in the store says from when on it has to catch up.
// There is one before a batch is left out, so that the next dispatcher knows of it. What is
// brought then comes from what is kept of all that happened, and not from memory.
type arrears struct {
	mu sync.Mutex
	of map[arrear]leftOut // guarded by mu; has those that are behind
}

// arrear is a kind of events of an endpoint; the kind is that of the order to catch up.
type arrear struct {
	endpoint EndpointID
	kind     OrderKind
}

func (o Order) arrear() arrear { return arrear{o.Endpoint, o.Kind} }

// leftOut is what was left out since the endpoint began to catch up: of it there is an order.
type leftOut struct {
	any   bool
	since time.Time
}

// leaveOut reports whether an endpoint is behind. Then it is not told of a batch now, but
// when it catches up: from since on.
func (d *Dispatcher) leaveOut(ctx context.Context, a arrear, since time.Time) (behind bool, err error) {
	d.arrears.mu.Lock()
	defer d.arrears.mu.Unlock()
	if _, behind = d.arrears.of[a]; behind {
		err = d.owe(ctx, a, since)
	}
	return behind, err
}

// fallBehind leaves a batch out, since the endpoint's queue failed.
func (d *Dispatcher) fallBehind(ctx context.Context, a arrear, since time.Time, why error) error {
	d.arrears.mu.Lock()
	defer d.arrears.mu.Unlock()
	if err := d.owe(ctx, a, since); err != nil {
		return errors.Join(why, err)
	}
	d.Log.Error("webhook: the endpoint's queue fails; what it misses is brought when it is well", "webhook", a.endpoint, "order", a.kind, "since", since, "error", why)
	return nil
}

// owe has an order in the store to catch up from a time, or one before it, and notes that
// something is left out. The caller holds the lock.
func (d *Dispatcher) owe(ctx context.Context, a arrear, since time.Time) error {
	left := d.arrears.of[a]
	if left.any && !since.Before(left.since) {
		return nil // nobody takes an order away from one that is behind
	}
	if err := d.orderOnce(ctx, Order{Endpoint: a.endpoint, Kind: a.kind, Since: since, Made: time.Now()}); err != nil {
		return err
	}
	d.arrears.of[a] = leftOut{true, since}
	return nil
}

// orderOnce gives an order, unless there is one that reaches as far back.
func (d *Dispatcher) orderOnce(ctx context.Context, o Order) error {
	orders, err := d.Store.WebhookOrders(ctx)
	if err != nil {
		return err
	}
	for _, known := range orders {
		if known.arrear() == o.arrear() && !known.Since.After(o.Since) {
			return nil
		}
	}
	_, err = d.Store.OrderWebhook(ctx, o)
	return err
}

// catchUp brings what an endpoint missed. While the most of it is brought, the endpoint
// goes on to miss what happens: its queue may fail still. Then it is told of what happens
// again, and brought what it missed meanwhile, by what it wants by then. So nothing falls
// in between; what comes both ways is known by its id.
func (d *Dispatcher) catchUp(ctx context.Context, e Endpoint, o Order) error {
	d.arrears.begin(o.arrear())
	if err := d.bring(ctx, e, o.Kind, o.Since); err != nil {
		return err
	}
	left := d.arrears.goOn(o.arrear())
	if !left.any {
		return nil
	}
	e, err := d.Store.WebhookByID(ctx, e.ID)
	if err != nil || e.State == Disabled {
		return missingIsFine(err)
	}
	return d.bring(ctx, e, o.Kind, left.since)
}

// begin says that an endpoint is behind, also if the order is of a dispatcher before, and
// that nothing was left out since.
func (r *arrears) begin(a arrear) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.of[a] = leftOut{}
}

// goOn says that an endpoint is not behind any more, and returns what was left out last.
func (r *arrears) goOn(a arrear) leftOut {
	r.mu.Lock()
	defer r.mu.Unlock()
	left := r.of[a]
	delete(r.of, a)
	return left
}

// done takes an order away, unless the endpoint has fallen behind again meanwhile and
// needs it.
func (d *Dispatcher) done(ctx context.Context, o Order) error {
	d.arrears.mu.Lock()
	defer d.arrears.mu.Unlock()
	if _, behind := d.arrears.of[o.arrear()]; behind {
		return errors.New("the endpoint's queue failed again")
	}
	return d.Store.WebhookOrderDone(ctx, o.ID)
}

// bring puts what happened from a time on and waits for room, also for that which a person
// makes by resuming the endpoint.
func (d *Dispatcher) bring(ctx context.Context, e Endpoint, kind OrderKind, since time.Time) error {
	put := func(events []Event) error {
		var messages []Message
		for _, v := range events {
			if e.Wants(v.Type) && !v.At.Before(e.Created) {
				messages = append(messages, Message{Key: v.ID, Body: v.body()})
			}
		}
		return d.putAll(ctx, e, messages, Active, Paused)
	}
	switch kind {
	case CatchUpOutcomes:
		return d.outcomesSince(ctx, e, since, put)
	case CatchUpFacts:
		return d.factsSince(ctx, e, since, put)
	default:
		return d.suppressionsSince(ctx, e, since, put)
	}
}
