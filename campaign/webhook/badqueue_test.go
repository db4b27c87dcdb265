package webhook_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"broadside/campaign"
	"broadside/campaign/webhook"
)

// badQueue fails for one endpoint until it is well.
type badQueue struct {
	webhook.Queue
	of   webhook.EndpointID
	well atomic.Bool
	slow func() // if set, before it takes something
}

var errBad = errors.New("its servers are down")

func (q *badQueue) OpenHook(ctx context.Context, id webhook.EndpointID) error {
	if id == q.of && !q.well.Load() {
		return errBad
	}
	return q.Queue.OpenHook(ctx, id)
}

func (q *badQueue) PutHook(ctx context.Context, id webhook.EndpointID, messages []webhook.Message) (int, error) {
	if id == q.of && !q.well.Load() {
		return 0, errBad
	}
	if id == q.of && q.slow != nil {
		q.slow()
	}
	return q.Queue.PutHook(ctx, id, messages)
}

// everything makes so many outcomes, in a message each, and as many facts and suppressions
// as there are contacts.
func (w *world) everything(attempts uint16) (events int) {
	w.Helper()
	ctx := context.Background()
	for i, c := range w.who {
		for attempt := range attempts {
			e := campaign.Event{Recipient: campaign.Recipient{Run: w.run.ID, Lane: campaign.TailLane, Contact: c.ID}, Attempt: attempt + 1, State: campaign.Deferred, At: time.Now()}
			if err := w.queue.PublishEvents(ctx, []campaign.Event{e}); err != nil {
				w.Fatal(err)
			}
		}
		if err := w.db.Unsubscribe(ctx, c.ID, w.list, time.Now()); err != nil {
			w.Fatal(err)
		}
		must(w.db.Suppress(ctx, []campaign.Suppression{{Email: fmt.Sprintf("eve%d@example.org", i), Reason: "manual", At: time.Now()}}))(w)
	}
	return len(w.who) * (int(attempts) + 2)
}

// hears waits until so many events came, however often each.
func (r *receiver) hears(events int) (times map[string]int) {
	r.w.Helper()
	times = map[string]int{}
	for len(times) < events {
		times[r.next().id]++
	}
	return times
}

var everyKind = []webhook.Type{webhook.Deferred, webhook.Unsubscribed, webhook.Suppressed}

// One of three endpoints has a queue that fails: the others are told of all that happens,
// once, as if nothing was, and it is told of everything once its queue is well, and goes on.
func TestOneQueueIsBad(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	bad := w.receiver(nil, everyKind...)
	others := []*receiver{w.receiver(nil, everyKind...), w.receiver(nil, everyKind...)}
	q := &badQueue{Queue: w.queue, of: bad.id}
	w.dispatch(func(d *webhook.Dispatcher) { d.Queue = q })
	events := w.everything(5)
	for _, r := range others {
		for id, n := range r.hears(events) {
			if n > 1 {
				t.Errorf("%s came %d times", id, n)
			}
		}
		r.quiet()
	}
	catchUps := map[webhook.OrderKind]int{}
	for _, o := range must(w.db.WebhookOrders(ctx))(t) {
		if o.Endpoint == bad.id {
			catchUps[o.Kind]++
		}
	}
	for _, kind := range []webhook.OrderKind{webhook.CatchUpOutcomes, webhook.CatchUpFacts, webhook.CatchUpSuppressions} {
		if n := catchUps[kind]; n < 1 || n > 2 { // however many batches were left out; a clock may be set back
			t.Errorf("%d orders to %s", n, kind)
		}
	}
	if len(bad.got) > 0 {
		t.Error("the bad queue is none")
	}
	q.well.Store(true)
	bad.hears(events)
	w.eventually(func() bool { return len(must(w.db.WebhookOrders(ctx))(t)) == 0 })
	must(w.db.Suppress(ctx, []campaign.Suppression{{Email: "late@example.org", Reason: "manual", At: time.Now()}}))(t)
	for _, r := range append(others, bad) {
		for told := false; !told; { // some of what was before comes twice to the bad one
			told = r.next().Email == "late@example.org"
		}
	}
}

// catchingUp is an endpoint whose queue failed for the first outcome, and that is being
// brought it until letGo, beside one that hears of everything.
func (w *world) catchingUp() (bad, other *receiver, letGo func()) {
	bad, other = w.receiver(nil, webhook.Deferred), w.receiver(nil, webhook.Deferred, webhook.Bounced)
	catchesUp, goOn := make(chan bool, 1), make(chan bool)
	letGo = sync.OnceFunc(func() { close(goOn) })
	q := &badQueue{Queue: w.queue, of: bad.id, slow: sync.OnceFunc(func() {
		catchesUp <- true
		<-goOn
	})}
	w.dispatch(func(d *webhook.Dispatcher) { d.Queue = q })
	w.Cleanup(letGo)
	w.outcome(0, campaign.Deferred)
	other.next()
	q.well.Store(true)
	from(w, catchesUp)
	return bad, other, letGo
}

// What happens while an endpoint catches up, and is left out once more, is brought after.
func TestMissedWhileItCatchesUp(t *testing.T) {
	w := newWorld(t)
	bad, other, letGo := w.catchingUp()
	w.outcome(1, campaign.Deferred)
	other.next()
	letGo()
	bad.hears(2)
}

// What an endpoint came to want while it was catching up, and was left out of, is brought
// too.
func TestWantsMoreWhileItCatchesUp(t *testing.T) {
	w := newWorld(t)
	bad, other, letGo := w.catchingUp()
	must(w.db.ChangeWebhook(t.Context(), bad.id, func(e *webhook.Endpoint) error {
		e.Types = append(e.Types, webhook.Bounced)
		return nil
	}))(t)
	w.outcome(1, campaign.Bounced)
	other.next()
	letGo()
	bad.hears(2)
}

// The next dispatcher brings what an endpoint missed of one before.
func TestBehindWhenTheDispatcherDies(t *testing.T) {
	w := newWorld(t)
	bad, other := w.receiver(nil, everyKind...), w.receiver(nil, everyKind...)
	stop := w.dispatch(func(d *webhook.Dispatcher) { d.Queue = &badQueue{Queue: w.queue, of: bad.id} })
	events := w.everything(2)
	other.hears(events)
	w.eventually(func() bool { // the batches are done with, not only put
		return len(must(w.db.WebhookFacts(t.Context(), 0, 10))(t)) == 0
	})
	stop()
	w.dispatch(nil)
	bad.hears(events)
}

// A queue that fails now and then, also while an endpoint catches up, loses nothing.
func TestAQueueFailsAgainAndAgain(t *testing.T) {
	w := newWorld(t)
	r := w.receiver(nil, everyKind...)
	q := &badQueue{Queue: w.queue, of: r.id}
	w.dispatch(func(d *webhook.Dispatcher) { d.Queue = q })
	times, events := map[string]int{}, 0
	for attempt := range uint16(9) {
		q.well.Store(attempt%3 == 2)
		for _, c := range w.who {
			e := campaign.Event{Recipient: campaign.Recipient{Run: w.run.ID, Lane: campaign.TailLane, Contact: c.ID}, Attempt: attempt + 1, State: campaign.Deferred, At: time.Now()}
			if err := w.queue.PublishEvents(t.Context(), []campaign.Event{e}); err != nil {
				t.Fatal(err)
			}
			events++
		}
		if q.well.Load() { // and is used
			times[r.next().id]++
		}
	}
	for len(times) < events {
		times[r.next().id]++
	}
}

// What is not wanted any more is not owed: an endpoint that is disabled, and then resumed,
// is told of what happens.
func TestDisabledWhileBehind(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	r := w.receiver(nil, webhook.Deferred)
	q := &badQueue{Queue: w.queue, of: r.id}
	w.dispatch(func(d *webhook.Dispatcher) { d.Queue = q })
	w.outcome(0, campaign.Deferred)
	orders := func() int { return len(must(w.db.WebhookOrders(ctx))(t)) }
	w.eventually(func() bool { return orders() == 1 })
	must(w.db.ChangeWebhook(ctx, r.id, func(e *webhook.Endpoint) error { e.State = webhook.Disabled; return nil }))(t)
	w.eventually(func() bool { return orders() == 0 })
	q.well.Store(true)
	must(w.desk.Resume(ctx, r.id))(t)
	w.outcome(1, campaign.Deferred)
	for told := false; !told; {
		told = r.next().Contact == w.who[1].ID
	}
}
