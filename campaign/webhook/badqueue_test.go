package webhook_test

import (
	"context"
	"errors"
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
	return q.Queue.PutHook(ctx, id, messages)
}

// An endpoint whose queue fails holds up no other, and is told everything once it is well.
func TestOneQueueIsBad(t *testing.T) {
	w := newWorld(t)
	bad := w.receiver(nil, webhook.Accepted, webhook.Suppressed)
	other := w.receiver(nil, webhook.Accepted, webhook.Suppressed)
	q := &badQueue{Queue: w.queue, of: bad.id}
	w.dispatch(func(d *webhook.Dispatcher) { d.Queue = q })
	w.outcome(0, campaign.Accepted)
	must(w.db.Suppress(t.Context(), []campaign.Suppression{{Email: "eve@example.org", Reason: "manual", At: time.Now()}}))(t)
	both := func(r *receiver) {
		t.Helper()
		told := map[webhook.Type]bool{}
		for len(told) < 2 { // some twice
			told[r.next().Type] = true
		}
	}
	both(other)
	q.well.Store(true)
	both(bad)
}
