package delivery

import (
	"testing"
	"time"

	"broadside/campaign"
	"broadside/delivery/queue"
	"broadside/ratelimit"
)

// What a site may hold of a shared lane follows from what it sends and what room there is.
func TestShed(t *testing.T) {
	now := time.Now()
	for _, c := range []struct {
		name    string
		waiting int
		busy    time.Duration // jobs have been waiting for so long
		sent    int           // in the last two seconds
		allowed float64
		room    int
		paused  time.Duration
		keeps   int
	}{
		{name: "a site of which nothing is known yet", waiting: 200, busy: proving / 2, allowed: 100, keeps: 200},
		{name: "a slow one in a lane without room", waiting: 200, busy: proving, sent: 10, allowed: 100, keeps: 10},
		{name: "one that sends nothing", waiting: 200, busy: proving, allowed: 100, keeps: leastHeld},
		{name: "a slow one in a lane with room", waiting: 200, busy: proving, sent: 10, allowed: 100, room: 100, keeps: 50},
		{name: "a fast one", waiting: 200, busy: proving, sent: 300, allowed: 1000, keeps: 200},
		{name: "one that is allowed less than it took", waiting: 200, busy: proving, sent: 300, allowed: 20, keeps: 40},
		{name: "one that is left alone for a moment", waiting: 20, busy: proving / 2, paused: time.Second, allowed: 100, keeps: 20},
		{name: "one that is left alone for longer", waiting: 20, busy: proving / 2, paused: time.Minute, allowed: 100, room: 100, keeps: 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := &path{Sender: &Sender{}, allowed: ratelimit.Allowance{Rate: c.allowed}}
			p.overflow.busy = now.Add(-c.busy)
			p.overflow.began, p.overflow.sent = now.Add(-2*time.Second), c.sent
			if c.paused > 0 {
				p.trouble.until = now.Add(c.paused)
			}
			for n := range c.waiting {
				p.waiting[queue.BulkJobs] = append(p.waiting[queue.BulkJobs], job(queue.BulkJobs, n))
			}
			shed := p.shed(now, sharedLane, c.room)
			if p.backlog() != c.keeps || len(shed) != c.waiting-c.keeps {
				t.Fatalf("it keeps %d of %d and sheds %d, want %d kept", p.backlog(), c.waiting, len(shed), c.keeps)
			}
			for i, l := range shed {
				if l.due.Before(now.Add(max(tailHold, c.paused))) || c.sent > 0 && l.due.After(now.Add(furthest)) {
					t.Errorf("job %d is due after %v", i, l.due.Sub(now))
				}
				if delay := (RetryPolicy{}).withDefaults().delay(l.Job.Attempt); c.sent == 0 && l.due.Before(now.Add(delay/2)) {
					t.Errorf("attempt %d at a site that takes nothing is due after %v", l.Job.Attempt, l.due.Sub(now))
				}
				if i > 0 && l.due == shed[i-1].due {
					t.Errorf("jobs %d and %d have the same turn", i-1, i)
				}
			}
			for i, it := range p.waiting[queue.BulkJobs] {
				if it.Job.Attempt != uint16(i) {
					t.Fatalf("job %d waits at place %d: the first are to stay", it.Job.Attempt, i)
				}
			}
		})
	}
}

// A lane without room takes nothing from those that have some, and a large site's own
// lane keeps its jobs, whichever came first.
func TestShedOfOneLane(t *testing.T) {
	now := time.Now()
	own := &lane{name: campaign.LaneGoogle}
	p := &path{Sender: &Sender{}, allowed: ratelimit.Allowance{Rate: 1}}
	for n := range 300 {
		it := job(queue.BulkJobs, n)
		it.lane = []*lane{sharedLane, own, {name: campaign.TailLane + 1}}[n%3]
		p.waiting[queue.BulkJobs] = append(p.waiting[queue.BulkJobs], it)
	}
	if n := len(p.shed(now, own, 0)); n != 0 {
		t.Errorf("%d jobs of the site's own lane are sent away", n)
	}
	shed := p.shed(now, sharedLane, 0)
	for _, it := range shed {
		if it.lane != sharedLane {
			t.Fatal("a job of another lane is sent away")
		}
	}
	if len(shed) != 100-leastHeld || p.backlog() != 300-len(shed) {
		t.Errorf("%d jobs are sent away, %d are left", len(shed), p.backlog())
	}
}

// A pause that a person ends early is not waited for afterwards.
func TestTurnsAfterAPauseWithoutEnd(t *testing.T) {
	now, o := time.Now(), overflow{}
	for range 10 {
		if due := o.reserve(now, now.AddDate(1000, 0, 0), 1); due.Sub(now) > furthest {
			t.Fatalf("while the pause holds the turn is in %v", due.Sub(now))
		}
	}
	if due := o.reserve(now, now.Add(tailHold), 1); due.Sub(now) > time.Minute {
		t.Errorf("after the pause the turn is in %v", due.Sub(now))
	}
}

// Express stays the longest.
func TestShedBulkFirst(t *testing.T) {
	now := time.Now()
	p := &path{Sender: &Sender{}, allowed: ratelimit.Allowance{Rate: 1}}
	for _, class := range []queue.Class{queue.ExpressJobs, queue.BulkJobs, queue.RetryJobs} {
		for n := range 3 {
			p.waiting[class] = append(p.waiting[class], job(class, n))
		}
	}
	p.shed(now, sharedLane, 0)
	if len(p.waiting[queue.ExpressJobs]) != 3 || len(p.waiting[queue.RetryJobs]) != 1 || len(p.waiting[queue.BulkJobs]) != 0 {
		t.Errorf("left are %d express, %d retries and %d bulk", len(p.waiting[queue.ExpressJobs]), len(p.waiting[queue.RetryJobs]), len(p.waiting[queue.BulkJobs]))
	}
}

// A site's pace is that of the last seconds; what it did before a pause says nothing.
func TestPace(t *testing.T) {
	began := time.Now()
	o := overflow{}
	for n := range 100 {
		o.turn(began.Add(time.Duration(n) * 100 * time.Millisecond))
		o.sent++
	}
	end := began.Add(9900 * time.Millisecond)
	if got := o.pace(end); got < 9.5 || got > 10.5 {
		t.Errorf("ten messages a second are %v", got)
	}
	if got := o.pace(end.Add(2 * paceWindow)); got != 0 {
		t.Errorf("after a long pause the pace is %v", got)
	}
}
