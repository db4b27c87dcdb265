package delivery_test

import (
	"testing"
	"time"

	"broadside/campaign"
	"broadside/delivery"
	"broadside/delivery/smtptest"
)

// A server that dies between firing a schedule and forgetting it fires it again; a
// sender that dies after giving a retry back leaves both. Either way there are two
// retries for one attempt, and the second is a new message to the queue.
func TestARetryThatComesTwiceIsSentOnce(t *testing.T) {
	w := newWorld(t, setting{},
		shop("grey", smtptest.Behaviour{Greylist: 500 * time.Millisecond}),
		shop("full", smtptest.Behaviour{MailboxFull: 1})) // keeps the run open
	w.list("readers", "ann@grey.example", "bob@full.example")
	run := w.launch(nil)
	w.engine()
	w.eventually("Ann has it", func() bool { return w.counts(run).Accepted == 1 })
	ann := w.only(run, campaign.Accepted)
	again := campaign.Job{Recipient: ann.Recipient, Attempt: ann.Attempts, Email: ann.Email, Attributes: []byte(`{}`), FirstTried: time.Now()}
	w.ok(w.queue.Retry(t.Context(), again, time.Now()))
	lane := campaign.LaneRun{Lane: ann.Lane, Run: run.ID}
	w.eventually("the second one is gone", func() bool {
		scheduled, err := w.queue.HasRetry(t.Context(), ann.Recipient)
		w.ok(err)
		depth, err := w.queue.Depth(t.Context())
		w.ok(err)
		return !scheduled && depth.Retries[lane] == 0
	})
	if n := w.copies(ann); n != 1 {
		t.Errorf("Ann got %d copies", n)
	}
	w.agree(run)
}

// S17: who is given up after a connection lost behind the final dot is in doubt, not bounced.
func TestGivenUpInDoubtIsUnknown(t *testing.T) {
	never := delivery.RetryPolicy{First: time.Hour, Most: time.Hour}
	w := newWorld(t, setting{retry: never}, shop("drop", smtptest.Behaviour{DropAfterDot: 1}))
	w.people(3, "drop.example")
	run := w.launch(func(s *campaign.Spec) { s.GiveUp = campaign.Duration(time.Minute) })
	w.engine()
	expect(t, w.finish(run), campaign.Counts{Planned: 3, Unknown: 3})
	if n := w.saw("drop").Accepted; n != 3 {
		t.Errorf("%d messages were sent to 3 people", n)
	}
}
