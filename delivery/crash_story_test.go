package delivery_test

import (
	"testing"
	"time"

	"broadside/campaign"
	"broadside/delivery/smtptest"
)

// The crash matrix of a deferral: its sender makes the event durable, then the schedule,
// then it acknowledges the job. Wherever it dies, the person gets one copy.
func TestADeferralSurvivesItsSender(t *testing.T) {
	w := newWorld(t, setting{ackWait: time.Second}, shop("plain", smtptest.Behaviour{}))
	w.people(40, "plain.example")
	run := w.launch(nil)
	stop := w.plan()
	w.eventually("all are in the queue", func() bool { return w.queued() == 40 })
	stop()
	const nothing, event, schedule, acknowledged = 0, 1, 2, 3 // is durable when it dies
	due := time.Now().Add(5 * time.Second)
	for i, d := range w.takeAll(40) {
		reached := i % 4
		if reached >= event {
			w.ok(w.queue.PublishEvents(t.Context(), []campaign.Event{{
				Recipient: d.Job.Recipient, Attempt: 1, State: campaign.Deferred, Reason: campaign.Greylisted,
				Code: 451, At: time.Now(), Due: due,
			}}))
		}
		if reached >= schedule {
			next := d.Job
			next.Attempt, next.FirstTried = 2, time.Now()
			w.ok(w.queue.Retry(t.Context(), next, due))
		}
		if reached >= acknowledged {
			w.ok(d.Ack())
		}
	}
	w.engine()
	c := w.finish(run)
	// Of those about whom nothing is known, nobody can tell whether they got a copy.
	expect(t, c, campaign.Counts{Planned: 40, Accepted: 40, Resent: 10})
	if saw := w.saw("plain"); saw.Accepted != 40 || saw.Duplicates != 0 {
		t.Errorf("%d copies arrived, %d too many", saw.Accepted, saw.Duplicates)
	}
	for _, row := range w.rows(run, campaign.Accepted) {
		if want := uint16(2); !row.Resent && row.Attempts != want {
			t.Errorf("%s was accepted at attempt %d, want %d", row.Email, row.Attempts, want)
		}
	}
}
