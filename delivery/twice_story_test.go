package delivery_test

import (
	"testing"
	"time"

	"broadside/campaign"
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
