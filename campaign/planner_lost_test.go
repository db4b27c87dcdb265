package campaign_test

import (
	"context"
	"maps"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"broadside/campaign"
	"broadside/delivery/queue"
)

// Jobs that senders gave back during a pause are fed again after it, all others stay
// as they are.
func TestPause(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const n = 3000
	run := w.startTo(n, "t0.example", "gmail.com")
	s := w.taker()
	var sent atomic.Int64
	s.outcome = func(j campaign.Job) (campaign.Event, bool) {
		if sent.Add(1) == n/4 {
			if _, err := w.service.Pause(context.Background(), "all", ""); err != nil {
				t.Error(err)
			}
			// Its lane's other jobs come after the news.
			for known := campaign.RunRunning; known == campaign.RunRunning; {
				known = must(s.runs.Status(context.Background(), run.ID))(t).State
				runtime.Gosched()
			}
		}
		return accepted(j), true
	}
	w.record()
	w.run(w.planner().Run)
	stop := w.take(s, usedLanes...)
	eventually(t, "all jobs are given back", func() bool {
		_, dropped := s.jobs()
		return dropped > 0 && w.depth(run) == 0
	})
	stop()
	before := s.takenBy()
	if len(before) >= n {
		t.Fatal("the pause came after the end")
	}
	if got := w.state(run); got != campaign.RunPaused {
		t.Errorf("a paused run is %s", got)
	}
	must(w.service.Resume(context.Background(), "all"))(t)
	w.take(s, usedLanes...)
	w.reached(run, n)
	s.each(t, n, 1)
}

// A job that is given back without a pause is fed again when all others are done, and
// again, until it has an outcome.
func TestOrphans(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const n = 1500 / scale
	run := w.startTo(n, "t0.example")
	s := w.taker()
	s.outcome = func(j campaign.Job) (campaign.Event, bool) {
		s.mu.Lock()
		defer s.mu.Unlock()
		return accepted(j), j.Contact%100 != 0 || s.dropped[j.Recipient] == 2
	}
	w.record()
	w.take(s, usedLanes...)
	w.run(w.planner().Run)
	w.reached(run, n)
	s.each(t, n, 1)
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.dropped) != n/100 {
		t.Errorf("%d recipients were given back, want %d", len(s.dropped), n/100)
	}
	for who, times := range s.dropped {
		if times != 2 {
			t.Errorf("contact %d was given back %d times", who.Contact, times)
		}
	}
}

// While a sender holds one of the lane's jobs nobody knows whether others were given
// back or not: the lane is not read again.
func TestNoRewindWhileJobsAreHeld(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const n = 20
	run := w.startTo(n, "t0.example")
	w.record()
	p, q := w.watchedBy(time.Now)
	w.run(p.Run)
	source := must(w.queue.Source(t.Context(), campaign.TailLane, queue.BulkJobs))(t)
	held := w.hold(source, n)
	// All but two have outcomes; one of the two is given back.
	var events []campaign.Event
	for _, d := range held[2:] {
		events = append(events, accepted(d.Job))
	}
	w.tell(events...)
	ack(t, held[1:]...)
	eventually(t, "the ledger knows the others", func() bool { return w.counts(run).Accepted == n-2 })
	q.rounds(t, 20)
	const packet = 16
	if depth := w.depth(run); depth != packet {
		t.Fatalf("the queue holds %d jobs, want the packet of the one in hand", depth)
	}
	w.tell(accepted(held[0].Job))
	ack(t, held[0])
	last := w.hold(source, 1)
	if last[0].Job.Contact != held[1].Job.Contact {
		t.Errorf("contact %d was fed again, want %d", last[0].Job.Contact, held[1].Job.Contact)
	}
	w.tell(accepted(last[0].Job))
	ack(t, last[0])
	w.finished(run)
}

// hold takes n jobs and keeps them.
func (w *world) hold(source *queue.Source, n int) []queue.Delivery {
	w.t.Helper()
	var held []queue.Delivery
	eventually(w.t, "the jobs are there", func() bool {
		err := source.Fetch(context.Background(), n-len(held), time.Second, func(d queue.Delivery) { held = append(held, d) })
		if err != nil {
			w.t.Fatal(err)
		}
		return len(held) >= n
	})
	return held[:n] // jobs come in packets: what is more stays in this hand
}

func ack(t testing.TB, held ...queue.Delivery) {
	t.Helper()
	for _, d := range held {
		if err := d.Ack(); err != nil {
			t.Fatal(err)
		}
	}
}

// The queue's disk is lost in the middle of a run, with jobs, markers, outcomes that
// the ledger has and all states: the run goes on, and who has an outcome in the ledger
// gets nothing more.
func TestQueueLost(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const n = 4500 / scale
	run := w.startTo(n, "t0.example", "t1.example", "gmail.com")
	s := w.taker()
	stopPlanner, stopRecorder := w.run(w.planner().Run), w.record()
	stopTaker := w.take(s, campaign.TailLane)
	eventually(t, "a lane's part of the audience has its mail", func() bool { return w.counts(run).Accepted == n/3 })
	stopPlanner()
	stopTaker()
	stopRecorder()
	recorded := s.takenBy()
	w.loseQueue()

	// The recorder comes last: until it has noticed, the ledger's checkpoint, which is
	// beyond the end of the new stream, must not pass for "caught up".
	w.run(w.planner().Run)
	w.take(s, usedLanes...)
	w.record()
	w.reached(run, n)
	s.each(t, n, 1)
	after := s.takenBy()
	maps.DeleteFunc(after, func(who campaign.Recipient, _ int) bool { return recorded[who] == 0 })
	for who, jobs := range after {
		if jobs != 1 {
			t.Errorf("contact %d had its outcome, and then %d jobs", who.Contact, jobs-1)
		}
	}
}

// lostRetry defers first attempts to a time long past, and forgets to schedule their
// retries, as a sender does that dies in between; accepts all others.
func lostRetry(j campaign.Job) (campaign.Event, bool) {
	e := accepted(j)
	if j.Attempt == 1 {
		e.State, e.Reason, e.Due = campaign.Deferred, campaign.Greylisted, time.Now().Add(-time.Hour)
	}
	return e, true
}

// Retries that the queue has lost are scheduled again, however many, each once.
func TestRetriesLost(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const n = 1300 / scale // more than two pages
	run := w.startTo(n, "t0.example", "gmail.com")
	s := w.sends(lostRetry)
	p := w.plannerBy(func() time.Time { return time.Now().Add(-10 * time.Second) }) // its retries are due at once
	p.Grace = 100 * time.Millisecond
	w.run(p.Run)
	w.reached(run, n)
	s.each(t, n, 2)
}

// A retry that was made, but of which the ledger doesn't know yet, is not lost; nor is
// one that waits in the queue, scheduled or due.
func TestRetriesNotLost(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const n = 4
	run := w.startTo(n, "t0.example", "gmail.com")
	s := w.taker()
	s.outcome = lostRetry
	stopRecorder := w.record()
	stopTaker := w.take(s, usedLanes...)
	p := w.planner()
	p.Grace = time.Hour // it does nothing about retries
	stopPlanner := w.run(p.Run)
	eventually(t, "all are deferred", func() bool { return w.counts(run).Deferred == n })
	stopPlanner()
	stopTaker()
	stopRecorder()

	// One lane's retries are scheduled for later, the other's were made.
	var made []campaign.Event
	for who := range s.takenBy() {
		job := campaign.Job{Recipient: who, Attempt: 2}
		if who.Lane == campaign.LaneGoogle {
			if err := w.queue.Retry(t.Context(), job, time.Now().Add(time.Hour)); err != nil {
				t.Fatal(err)
			}
			continue
		}
		made = append(made, accepted(job))
	}
	w.tell(made...)
	p, q := w.watchedBy(time.Now)
	p.Grace = 10 * time.Millisecond
	w.run(p.Run)
	q.rounds(t, 20)
	w.record()
	eventually(t, "the ledger knows what was made", func() bool { return w.counts(run).Accepted == int64(len(made)) })
	q.rounds(t, 20)
	for who := range s.takenBy() {
		scheduled := must(w.queue.HasRetry(t.Context(), who))(t)
		if scheduled != (who.Lane == campaign.LaneGoogle) {
			t.Errorf("contact %d of lane %s: scheduled %t", who.Contact, who.Lane, scheduled)
		}
	}
	if jobs := must(w.queue.Depth(t.Context()))(t).Retries; len(jobs) != 0 {
		t.Errorf("retries that are due: %v", jobs)
	}
}
