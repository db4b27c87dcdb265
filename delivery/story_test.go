package delivery_test

import (
	"testing"
	"time"

	"broadside/campaign"
	"broadside/delivery"
	"broadside/delivery/smtptest"
)

func TestEverybodyGetsOneCopy(t *testing.T) {
	w := newWorld(t, setting{}, shop("plain", smtptest.Behaviour{}), shop("secure", smtptest.Behaviour{StartTLS: true}))
	w.people(300, "plain.example")
	w.people(200, "secure.example")
	run := w.launch(nil)
	w.engine()
	expect(t, w.finish(run), campaign.Counts{Planned: 500, Accepted: 500})
	if n := w.saw("").Duplicates; n != 0 {
		t.Errorf("%d copies too many", n)
	}
}

func TestRefusalsAreAboutTheirRecipient(t *testing.T) {
	w := newWorld(t, setting{}, shop("strict", smtptest.Behaviour{Replies: []smtptest.Reply{
		{Stage: smtptest.AtRcpt, Recipient: "p0002@strict.example", Code: 550, Text: "5.1.1 user unknown"},
		{Stage: smtptest.AtRcpt, Recipient: "p0003@strict.example", Code: 452, Text: "4.2.2 mailbox over quota", Times: 1},
	}}))
	w.people(5, "strict.example")
	run := w.launch(nil)
	w.engine()
	expect(t, w.finish(run), campaign.Counts{Planned: 5, Accepted: 4, Bounced: 1})
	if row := w.only(run, campaign.Bounced); row.Email != "p0002@strict.example" || row.Reason != campaign.UserUnknown || row.Code != 550 || row.Attempts != 1 {
		t.Errorf("the bounce is %+v", row)
	}
	h := w.history("p0003@strict.example")
	if len(h) == 0 || h[0].State != campaign.Deferred || h[0].Reason != campaign.MailboxFull || h[0].Code != 452 {
		t.Errorf("the full mailbox has the history %+v", h)
	}
}

func TestGreylistingIsWaitedOut(t *testing.T) {
	w := newWorld(t, setting{}, shop("grey", smtptest.Behaviour{Greylist: 500 * time.Millisecond}))
	w.people(50, "grey.example")
	run := w.launch(nil)
	w.engine()
	w.eventually("people are deferred", func() bool { c := w.counts(run); return c.Deferred > 0 || c.Accepted > 0 })
	expect(t, w.finish(run), campaign.Counts{Planned: 50, Accepted: 50})
	if h := w.history("p0001@grey.example"); len(h) == 0 || h[0].Reason != campaign.Greylisted {
		t.Errorf("history %+v", h)
	}
	if tries := w.saw("grey").Transactions; tries != 100 {
		t.Errorf("%d transactions for 50 people, want two for each", tries)
	}
}

func TestWhoCannotBeReachedInTimeIsGivenUp(t *testing.T) {
	longerThanNews := delivery.RetryPolicy{First: 2 * time.Minute, Most: 2 * time.Minute}
	w := newWorld(t, setting{retry: longerThanNews}, shop("full", smtptest.Behaviour{MailboxFull: 1}))
	w.people(3, "full.example")
	run := w.launch(func(s *campaign.Spec) { s.GiveUp = campaign.Duration(time.Minute) })
	w.engine()
	expect(t, w.finish(run), campaign.Counts{Planned: 3, Bounced: 3})
	for _, row := range w.rows(run, campaign.Bounced) {
		if row.Reason != campaign.GivenUp || row.Attempts != 1 || row.Code != 452 {
			t.Errorf("%s: %s after %d attempts, code %d", row.Email, row.Reason, row.Attempts, row.Code)
		}
	}
}

// Suppression is looked at when sending, not only when planning.
func TestSuppressedAfterPlanningIsSkipped(t *testing.T) {
	w := newWorld(t, setting{}, shop("plain", smtptest.Behaviour{}))
	w.people(10, "plain.example")
	run := w.launch(nil)
	w.plan()
	w.eventually("all are in the queue", func() bool { return w.queued() == 10 })
	_, err := w.store.Suppress(t.Context(), []campaign.Suppression{{Email: "p0004@plain.example", Reason: "manual", At: time.Now()}})
	w.ok(err)
	w.deliver()
	expect(t, w.finish(run), campaign.Counts{Planned: 10, Accepted: 9, Skipped: 1})
	if row := w.only(run, campaign.Skipped); row.Email != "p0004@plain.example" || row.Reason != campaign.Suppressed {
		t.Errorf("skipped: %+v", row)
	}
	if n := w.saw("plain").Transactions; n != 9 {
		t.Errorf("%d transactions, want 9", n)
	}
}

func TestPauseStopsWithinASecondAndResumeFinishes(t *testing.T) {
	w := newWorld(t, setting{}, shop("slow", smtptest.Behaviour{Latency: 10 * time.Millisecond}))
	w.people(1200, "slow.example")
	run := w.launch(nil)
	w.engine()
	for _, at := range []int64{100, 500} {
		w.eventually("mail flows", func() bool { return w.saw("slow").Accepted > at })
		_, err := w.service.Pause(t.Context(), "news", "test")
		w.ok(err)
		<-time.After(time.Second) // the promise: nothing after this
		before := w.saw("slow").Transactions
		<-time.After(500 * time.Millisecond)
		if after := w.saw("slow").Transactions; after != before {
			t.Errorf("%d transactions began more than a second after the pause", after-before)
		}
		if c := w.counts(run); c.Open() == 0 || !c.Balanced() {
			t.Errorf("paused at %+v: the story needs people who wait", c)
		}
		_, err = w.service.Resume(t.Context(), "news")
		w.ok(err)
	}
	expect(t, w.finish(run), campaign.Counts{Planned: 1200, Accepted: 1200})
	if n := w.saw("").Duplicates; n != 0 {
		t.Errorf("%d copies too many", n)
	}
}

func TestCancelledPeopleAreLeftInPeace(t *testing.T) {
	w := newWorld(t, setting{}, shop("slow", smtptest.Behaviour{Latency: 10 * time.Millisecond}))
	w.people(2000, "slow.example")
	run := w.launch(nil)
	w.engine()
	w.eventually("mail flows", func() bool { return w.saw("slow").Accepted > 100 })
	_, err := w.service.Cancel(t.Context(), "news", "test")
	w.ok(err)
	w.eventually("nobody is open", func() bool { return w.counts(run).Open() == 0 })
	w.eventually("what was in flight is recorded", func() bool { return w.counts(run).Accepted == w.saw("slow").Accepted })
	w.agree(run)
	c := w.counts(run)
	if c.Cancelled == 0 || c.Accepted+c.Cancelled != 2000 {
		t.Errorf("the balance is %+v", c)
	}
	w.eventually("the queue forgets the run", func() bool {
		d, err := w.queue.Depth(t.Context())
		w.ok(err)
		return len(d.Jobs)+len(d.Retries) == 0
	})
}

// An urgent campaign waits for nobody.
func TestExpressOvertakesBulk(t *testing.T) {
	w := newWorld(t, setting{}, shop("slow", smtptest.Behaviour{Latency: 10 * time.Millisecond}))
	w.people(1500, "slow.example")
	w.list("press", "anna@slow.example", "ben@slow.example", "carla@slow.example")
	bulk := w.launch(nil)
	w.engine()
	w.eventually("bulk flows", func() bool { return w.saw("slow").Accepted > 100 })
	express := w.launch(func(s *campaign.Spec) {
		s.Name, s.Lists, s.Priority = "alert", []string{"press"}, campaign.Express
	})
	expect(t, w.finish(express), campaign.Counts{Planned: 3, Accepted: 3})
	if c := w.counts(bulk); c.Accepted > 1000 {
		t.Errorf("express took so long that bulk is nearly done: %+v", c)
	}
	expect(t, w.finish(bulk), campaign.Counts{Planned: 1500, Accepted: 1500})
}

// What a stopping sender has sent is durable when it has stopped: the next one neither
// repeats nor loses any of it.
func TestAStoppedSenderLeavesNothingBehind(t *testing.T) {
	w := newWorld(t, setting{ackWait: 3 * time.Second}, shop("plain", smtptest.Behaviour{Latency: time.Millisecond}))
	w.people(1500, "plain.example")
	run := w.launch(nil)
	w.plan()
	for _, at := range []int64{200, 700} {
		stop := w.deliver()
		w.eventually("mail flows", func() bool { return w.saw("plain").Accepted > at })
		stop()
		end, err := w.queue.EventsEnd(t.Context())
		w.ok(err)
		w.eventually("the recorder has caught up", func() bool {
			at, err := w.store.Checkpoint(t.Context())
			w.ok(err)
			return at >= end
		})
		if sent, known := w.saw("plain").Accepted, w.counts(run).Accepted; sent != known {
			t.Errorf("%d messages were accepted, the outcomes of %d are known", sent, known)
		}
	}
	w.deliver()
	c := w.finish(run)
	if c.Accepted != 1500 {
		t.Errorf("the balance is %+v", c)
	}
	if n := w.saw("").Duplicates; n != 0 {
		t.Errorf("%d copies too many", n)
	}
}
