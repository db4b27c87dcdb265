package queue

import (
	"testing"
	"time"

	"broadside/campaign"
)

func TestARetryComesWhenItIsDue(t *testing.T) {
	q := newQueue(t)
	src := must[*Source](t)(q.Source(t.Context(), lane, RetryJobs))
	job := jobsFor(lane, 1, 7, 7)[0]
	job.Attempt, job.FirstTried, job.Resent = 2, time.UnixMilli(1_800_000_000_000), true
	due := time.Now().Add(700 * time.Millisecond)
	if err := q.Retry(t.Context(), job, due); err != nil {
		t.Fatal(err)
	}
	if !must[bool](t)(q.HasRetry(t.Context(), job.Recipient)) {
		t.Error("the schedule is not known")
	}
	d := take(t, src, 1)[0]
	if early := time.Until(due); early > 0 {
		t.Errorf("it came %v early", early)
	}
	if !same(d.Job, job) || d.Again {
		t.Errorf("it is %+v (again %v), want %+v", d.Job, d.Again, job)
	}
	if must[bool](t)(q.HasRetry(t.Context(), job.Recipient)) {
		t.Error("what has come due is still scheduled")
	}
	if err := d.Ack(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the retry is gone", func() bool { return len(depth(t, q).Retries) == 0 })
}

func TestARecipientHasOneSchedule(t *testing.T) {
	q := newQueue(t)
	src := must[*Source](t)(q.Source(t.Context(), lane, RetryJobs))
	job := jobsFor(lane, 1, 7, 7)[0]
	for attempt := range uint16(3) {
		job.Attempt = attempt + 2
		if err := q.Retry(t.Context(), job, time.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	neighbour := campaign.Recipient{Run: 1, Lane: lane, Contact: 77}
	if must[bool](t)(q.HasRetry(t.Context(), neighbour)) {
		t.Error("a schedule is known of a contact who has none")
	}
	// The last one replaces the others, also when it is due earlier.
	job.Attempt = 9
	if err := q.Retry(t.Context(), job, time.Now().Add(-time.Second)); err != nil {
		t.Fatal(err)
	}
	if d := take(t, src, 1)[0]; d.Job.Attempt != 9 {
		t.Errorf("attempt %d came, want 9", d.Job.Attempt)
	}
	nothingMore(t, src)
	if must[bool](t)(q.HasRetry(t.Context(), job.Recipient)) {
		t.Error("an older schedule is left")
	}
}
