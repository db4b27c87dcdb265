package webhook

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"broadside/campaign"
)

// lines is how many requests one endpoint gets at a time.
const lines = 4

// pace is how long things are waited for.
type pace struct {
	delay        func(tries int) time.Duration // until the next attempt
	request      time.Duration                 // for a whole request, from the look-up of the name to the answer
	tryFor       time.Duration                 // a delivery, from when the event came into the queue
	disableAfter time.Duration                 // of nothing but failures
	clickRest    time.Duration                 // of a click since it was written down, until whose end others may show it as a machine's
}

var usual = pace{
	delay: backoff, request: 15 * time.Second, tryFor: 3 * 24 * time.Hour, disableAfter: 5 * 24 * time.Hour,
	clickRest: campaign.AtOnceWithin + 5*time.Second, // which recording may take
}

// handOver is when an event comes again whose delivery was cut off because this dispatcher
// ends. At once it would go to a line that has asked for one and does not take it any more.
const handOver = time.Second

// The delay after a failure, and the longest.
const (
	firstDelay = 5 * time.Second
	mostDelay  = 6 * time.Hour
)

// backoff is the delay after so many attempts: 5 s, three times as much after each, 6 h
// at most.
func backoff(tries int) time.Duration {
	delay := firstDelay
	for i := 1; i < tries && delay < mostDelay; i++ {
		delay *= 3
	}
	return min(delay, mostDelay)
}

// jittered is a delay a tenth longer or shorter, so that what failed together does not
// come again together.
func jittered(d time.Duration) time.Duration {
	return d + time.Duration((rand.Float64()-0.5)/5*float64(d))
}

// worker delivers what waits for one endpoint.
type worker struct {
	*Dispatcher
	endpoint atomic.Pointer[Endpoint] // as read last
	health   *health
	cancel   context.CancelFunc
	ended    chan struct{}
}

func newWorker(d *Dispatcher, e Endpoint) *worker {
	w := &worker{Dispatcher: d, ended: make(chan struct{}), health: newHealth(e.FailingSince)}
	w.endpoint.Store(&e)
	return w
}

func (w *worker) run(ctx context.Context) {
	defer close(w.ended)
	var all sync.WaitGroup
	for i := range lines {
		all.Go(func() { w.line(ctx, i == 0) })
	}
	all.Wait()
}

// line makes one request at a time. While the endpoint is ill only the first line asks
// how it is.
func (w *worker) line(ctx context.Context, first bool) {
	for ctx.Err() == nil {
		w.health.rest(ctx, first)
		if ctx.Err() != nil {
			return
		}
		p, err := w.Queue.NextHook(ctx, w.endpoint.Load().ID)
		if errors.Is(err, ErrEmpty) || ctx.Err() != nil && err != nil {
			continue
		}
		if err == nil {
			err = w.deliver(ctx, p)
		}
		if err != nil && ctx.Err() == nil {
			w.Log.Error("webhook: a delivery is tried again", "webhook", w.endpoint.Load().ID, "error", err)
			wait(ctx, time.Second)
		}
	}
}

// deliver sends a parcel, writes down what came of it, and only then lets go of it.
func (w *worker) deliver(ctx context.Context, p Parcel) error {
	e := w.endpoint.Load()
	event, err := parseBody(p.Body)
	if err != nil {
		return errors.Join(err, p.Done())
	}
	// It may have waited for days: nobody is told of who is gone meanwhile, nor was told.
	gone, err := w.Store.Gone(ctx, event.Data)
	if ctx.Err() != nil {
		return p.Later(handOver)
	}
	if err != nil {
		return errors.Join(err, p.Later(firstDelay))
	}
	if gone {
		if err := w.Store.ForgetDelivery(ctx, e.ID, event.ID); err != nil {
			return errors.Join(err, p.Later(firstDelay))
		}
		return p.Done()
	}
	letGo := p.keep(ctx)
	defer letGo()
	began := time.Now()
	a := w.post(ctx, e, event.ID, p.Body)
	if ctx.Err() != nil && !a.ok() {
		return p.Later(handOver)
	}
	took := time.Since(began)
	delivery := Delivery{
		Endpoint: e.ID, Event: event.ID, Type: event.Type, At: event.At, Address: strings.ToLower(event.Data.Email), About: event.Data,
		State: Delivered, Attempts: p.Tries, Tried: began, Took: took, Status: a.status, Answer: a.text, Error: a.failure, Body: p.Body,
	}
	var delay time.Duration
	if !a.ok() {
		delay = max(jittered(w.pace.delay(p.Tries)), min(a.retryAfter, mostDelay))
		delivery.State, delivery.Next = Retrying, began.Add(took+delay)
		if delivery.Next.Sub(p.Put) > w.pace.tryFor || a.gone() {
			delivery.State, delivery.Next = Failed, time.Time{}
		}
	}
	// Once there is an answer, it is kept, also when this process is stopping.
	ctx = context.WithoutCancel(ctx)
	recorded := w.records.put(ctx, delivery)
	if err := w.judge(ctx, e, a); err != nil {
		recorded = errors.Join(recorded, err)
	}
	switch {
	case delivery.State == Retrying:
		return errors.Join(recorded, p.Later(delay))
	case delivery.State == Failed && recorded != nil:
		return errors.Join(recorded, p.Later(firstDelay)) // or nobody would know of it
	}
	return errors.Join(recorded, p.Done())
}

// judge keeps the endpoint's health, and ends what has failed for days.
func (w *worker) judge(ctx context.Context, e *Endpoint, a answer) error {
	if a.ok() {
		if w.health.well() {
			w.Log.Info("webhook: the endpoint is well again", "webhook", e.ID, "url", e.URL)
			return w.change(ctx, e.ID, func(e *Endpoint) { e.FailingSince = time.Time{} })
		}
		return nil
	}
	now := time.Now()
	since, fresh := w.health.ill(now)
	if fresh {
		w.Log.Warn("webhook: the endpoint fails; its events are tried again", "webhook", e.ID, "url", e.URL, "failure", a.failure)
		if err := w.change(ctx, e.ID, func(e *Endpoint) { e.FailingSince = now }); err != nil {
			w.health.well() // so that the next failure is written down
			return err
		}
	}
	switch {
	case a.gone():
		return w.disable(ctx, e, "it answered 410 Gone")
	case now.Sub(since) > w.pace.disableAfter:
		return w.disable(ctx, e, fmt.Sprintf("it has failed since %s, last with: %s", campaign.Noted(since), a.failure))
	}
	return nil
}

// disable ends the telling, unless a person resumed it while the failure was on its way:
// then its time begins anew.
func (w *worker) disable(ctx context.Context, e *Endpoint, why string) error {
	resumed := false
	err := w.change(ctx, e.ID, func(e *Endpoint) {
		if resumed = e.FailingSince.IsZero(); !resumed && e.State == Active {
			e.State, e.Why = Disabled, why
		}
	})
	if err != nil {
		return err
	}
	if resumed {
		w.health.well()
		return nil
	}
	w.Log.Error("webhook: the endpoint is told nothing any more; resume it when it is well, and replay what it missed", "webhook", e.ID, "url", e.URL, "why", why)
	return nil
}
