package delivery

import (
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"broadside/campaign"
)

// A process that stood still for longer than the queue waits sends nothing of what it had:
// others may have sent it meanwhile. What it takes afterwards is its own.
func TestWhatIsLostByStandingStill(t *testing.T) { // X15
	synctest.Test(t, func(t *testing.T) {
		h := newHand(time.Minute, nil, slog.New(slog.DiscardHandler))
		renew := func() []*item {
			due := h.due(time.Now())
			h.kept(time.Now())
			return due
		}
		take := func(contact campaign.ContactID) *item {
			it := &item{taken: time.Now()}
			it.Job.Contact = contact
			if !h.add(it) {
				t.Fatalf("job %d is in hand already", contact)
			}
			return it
		}
		first := take(1)
		for range 10 { // as it should be
			time.Sleep(h.every)
			if due := renew(); len(due) != 1 || h.lost(first) {
				t.Fatalf("%d claims are renewed, and the only one is lost: %v", len(due), h.lost(first))
			}
		}
		second := take(2)
		time.Sleep(h.wait + time.Second)
		if !h.lost(first) || !h.lost(second) {
			t.Error("before anything was renewed, jobs that others may have would be sent")
		}
		third := take(3)
		if due := renew(); len(due) != 0 {
			t.Errorf("%d claims that ran out are renewed", len(due))
		}
		time.Sleep(h.every)
		if due := renew(); len(due) != 1 || due[0] != third {
			t.Errorf("%d claims are renewed, want that on the third job", len(due))
		}
		if !h.lost(first) || !h.lost(second) || h.lost(third) {
			t.Error("jobs that others may have would be sent, or one that nobody else has would not")
		}
		// Cut off: what is said goes no further than this process.
		fourth := take(4)
		for range 5 {
			time.Sleep(h.every)
			h.due(time.Now())
		}
		if !h.lost(third) || !h.lost(fourth) {
			t.Error("jobs whose claims nobody heard renewed would be sent")
		}
	})
}
