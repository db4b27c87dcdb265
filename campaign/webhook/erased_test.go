package webhook_test

import (
	"testing"
	"time"

	"broadside/campaign"
	"broadside/campaign/webhook"
)

// Nobody is told of who was erased: not what waited in a queue, nor what a replay finds.
func TestErasedIsNotTold(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	began := time.Now()
	r := w.receiver(nil, webhook.Accepted, webhook.Unsubscribed, webhook.Suppressed)
	must(w.desk.Pause(ctx, r.id))(t)
	w.dispatch(nil)
	for i := range w.who {
		w.outcome(i, campaign.Accepted)
	}
	if err := w.db.Unsubscribe(ctx, w.who[0].ID, w.list, began); err != nil {
		t.Fatal(err)
	}
	must(w.db.Suppress(ctx, []campaign.Suppression{{Email: "ann@example.org", Reason: "manual", At: began}, {Email: "eve@example.org", Reason: "manual", At: began}}))(t)
	w.eventually(func() bool {
		n, err := w.queue.HookWaiting(ctx, r.id)
		return err == nil && n == int64(len(w.who))+3
	})
	must(w.db.Erase(ctx, "Ann@example.org", time.Now()))(t)

	told := func() {
		t.Helper()
		emails := map[string]int{}
		for range 3 {
			emails[r.next().Email]++
		}
		if emails["bob@example.org"] != 1 || emails["cid@example.org"] != 1 || emails["eve@example.org"] != 1 {
			t.Errorf("told of %v", emails)
		}
		w.eventually(func() bool {
			n, err := w.queue.HookWaiting(ctx, r.id)
			return err == nil && n == 0
		})
		r.quiet()
	}
	must(w.desk.Resume(ctx, r.id))(t)
	told()
	if err := w.desk.ReplaySince(ctx, r.id, began.Add(-time.Second)); err != nil {
		t.Fatal(err)
	}
	told()
	for _, d := range must(w.db.Deliveries(ctx, webhook.DeliveryFilter{Endpoint: r.id}, 0, 100))(t) {
		if d.Address == "ann@example.org" {
			t.Errorf("a delivery about an erased person is kept: %+v", d)
		}
	}
}
