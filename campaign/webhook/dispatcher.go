package webhook

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// Dispatcher tells endpoints what happens. Run it under a lease: one works at a time.
type Dispatcher struct {
	Store Store
	Queue Queue
	// Allow says which addresses may be connected to.
	Allow func(netip.Addr) bool
	Log   *slog.Logger

	pace    pace // usual, but in tests
	client  *http.Client
	records *recorder
	rest    *rest
	arrears *arrears
}

const (
	// lookEvery is how often endpoints, facts and orders are looked for.
	lookEvery = 500 * time.Millisecond
	// countEvery is how often queues are counted, trimEvery how often what is old goes.
	countEvery = 3 * time.Second
	trimEvery  = time.Minute
	// keptDeliveries good ones are shown of each endpoint; the others stay for as long as
	// the retention says.
	keptDeliveries = 5000
)

// Run works until ctx is done. What fails is tried again by itself: the rest goes on.
func (d *Dispatcher) Run(ctx context.Context) {
	if d.pace.delay == nil {
		d.pace = usual
	}
	d.client = newClient(d.Allow, d.pace.request)
	defer d.client.CloseIdleConnections()
	d.records, d.rest, d.arrears = &recorder{store: d.Store}, &rest{}, &arrears{of: map[arrear]leftOut{}}
	var work sync.WaitGroup
	work.Go(func() { d.keepWorkers(ctx) })
	work.Go(func() { d.tellOutcomes(ctx) })
	work.Go(func() { d.every(ctx, lookEvery, d.tellFacts) })
	work.Go(func() { d.obey(ctx) })
	work.Go(func() { d.every(ctx, countEvery, d.count) })
	work.Go(func() { d.every(ctx, trimEvery, d.trim) })
	work.Wait()
}

// every does something again and again until ctx is done, and sooner when it failed.
func (d *Dispatcher) every(ctx context.Context, pause time.Duration, do func(context.Context) error) {
	for ctx.Err() == nil {
		if err := do(ctx); err != nil && ctx.Err() == nil {
			d.Log.Error("webhook: something failed, and is tried again", "error", err)
			wait(ctx, time.Second)
			continue
		}
		wait(ctx, pause)
	}
}

// keepWorkers has a worker for each active endpoint.
func (d *Dispatcher) keepWorkers(ctx context.Context) {
	workers := map[EndpointID]*worker{}
	var work sync.WaitGroup
	defer work.Wait()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	d.every(ctx, lookEvery, func(ctx context.Context) error {
		endpoints, err := d.Store.Webhooks(ctx)
		if err != nil {
			return err
		}
		var failed []error
		active := map[EndpointID]bool{}
		for _, e := range endpoints {
			if e.State != Active {
				continue
			}
			active[e.ID] = true
			if w := workers[e.ID]; w != nil {
				w.endpoint.Store(&e)
				continue
			}
			if err := d.Queue.OpenHook(ctx, e.ID); err != nil {
				failed = append(failed, fmt.Errorf("webhook %d: %w", e.ID, err))
				continue
			}
			w := newWorker(d, e)
			workers[e.ID] = w
			workCtx, cancel := context.WithCancel(ctx)
			w.cancel = cancel
			work.Go(func() { w.run(workCtx) })
		}
		for id, w := range workers {
			if !active[id] {
				w.cancel()
				<-w.ended
				delete(workers, id)
			}
		}
		return errors.Join(failed...)
	})
}

// count writes down how much waits for each endpoint, for people to see, and drops the
// queues of those that were removed.
func (d *Dispatcher) count(ctx context.Context) error {
	// An endpoint is stored before it has a queue: one that had a queue before the store
	// was asked, and is not there, was removed.
	hooks, err := d.Queue.Hooks(ctx)
	if err != nil {
		return err
	}
	endpoints, err := d.Store.Webhooks(ctx)
	if err != nil {
		return err
	}
	var failed []error
	for _, id := range hooks {
		if !slices.ContainsFunc(endpoints, func(e Endpoint) bool { return e.ID == id }) {
			failed = append(failed, d.Queue.DropHook(ctx, id))
		}
	}
	for _, e := range endpoints {
		failed = append(failed, d.countOne(ctx, e))
	}
	return errors.Join(failed...)
}

func (d *Dispatcher) countOne(ctx context.Context, e Endpoint) error {
	if err := d.Queue.OpenHook(ctx, e.ID); err != nil {
		return err
	}
	n, err := d.Queue.HookWaiting(ctx, e.ID)
	if err != nil || n == e.Waiting {
		return err
	}
	return d.change(ctx, e.ID, func(e *Endpoint) { e.Waiting = n })
}

func (d *Dispatcher) trim(ctx context.Context) error {
	return d.Store.TrimWebhooks(ctx, keptDeliveries, time.Now().Add(-KeptFor))
}

// change writes what the dispatcher knows of an endpoint; one that is gone is no error.
func (d *Dispatcher) change(ctx context.Context, id EndpointID, change func(*Endpoint)) error {
	_, err := d.Store.ChangeWebhook(ctx, id, func(e *Endpoint) error {
		change(e)
		return nil
	})
	return missingIsFine(err)
}

// put brings events of a batch into the queues of the endpoints that want them; of the
// batch an endpoint that falls behind catches up from since on. An error says that one
// could not even fall behind: the others have theirs then, and know it by its id when it is
// put again.
func (d *Dispatcher) put(ctx context.Context, endpoints []Endpoint, kind OrderKind, since time.Time, events []Event) error {
	var failed []error
	for _, e := range endpoints {
		if err := d.putOne(ctx, e, kind, since, events); err != nil {
			failed = append(failed, fmt.Errorf("webhook %d: %w", e.ID, err))
		}
	}
	return errors.Join(failed...)
}

// putOne is put for one endpoint.
func (d *Dispatcher) putOne(ctx context.Context, e Endpoint, kind OrderKind, since time.Time, events []Event) error {
	var messages []Message
	for _, v := range events {
		if e.Wants(v.Type) {
			messages = append(messages, Message{Key: v.ID, Body: v.body()})
		}
	}
	if len(messages) == 0 {
		return nil
	}
	a := arrear{e.ID, kind}
	if behind, err := d.leaveOut(ctx, a, since); behind || err != nil {
		return err
	}
	err := d.enqueue(ctx, e, messages)
	if err == nil || ctx.Err() != nil {
		return err
	}
	return d.fallBehind(ctx, a, since, err)
}

// enqueue brings messages into an endpoint's queue, and counts those that a full one did
// not take.
func (d *Dispatcher) enqueue(ctx context.Context, e Endpoint, messages []Message) error {
	if err := d.Queue.OpenHook(ctx, e.ID); err != nil {
		return err
	}
	taken, err := d.Queue.PutHook(ctx, e.ID, messages)
	if taken < len(messages) && isFull(err) {
		return d.dropped(ctx, e, int64(len(messages)-taken))
	}
	return err
}

// dropped writes down that a full queue took no more.
func (d *Dispatcher) dropped(ctx context.Context, e Endpoint, n int64) error {
	now := time.Now()
	return d.change(ctx, e.ID, func(e *Endpoint) {
		if e.Dropped == 0 {
			e.DroppedSince = now
			d.Log.Error("webhook: the endpoint's queue is full, and it is told no more until there is room; replay from then on when it is well", "webhook", e.ID, "url", e.URL, "since", now)
		}
		e.Dropped += n
	})
}
