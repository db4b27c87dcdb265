package delivery

import (
	"testing"
	"testing/synctest"
	"time"

	"broadside/campaign"
	"broadside/delivery/queue"
	"broadside/ratelimit"
)

var sharedLane = &lane{name: campaign.TailLane}

func job(class queue.Class, n int) routed {
	return routed{item: &item{Delivery: queue.Delivery{Job: campaign.Job{Attempt: uint16(n)}}, class: class, lane: sharedLane}}
}

// Express goes before everything; of the rest two in ten are retries while both wait.
func TestWhoseTurnItIs(t *testing.T) {
	p := &path{}
	for n := range 100 {
		for _, class := range []queue.Class{queue.BulkJobs, queue.RetryJobs} {
			p.waiting[class] = append(p.waiting[class], job(class, n))
		}
	}
	for n := range 5 {
		p.waiting[queue.ExpressJobs] = append(p.waiting[queue.ExpressJobs], job(queue.ExpressJobs, n))
	}
	var order []queue.Class
	next := [3]uint16{}
	for it, ok := p.pop(); ok; it, ok = p.pop() {
		order = append(order, it.class)
		if it.Job.Attempt != next[it.class] {
			t.Fatalf("class %d: job %d came, want %d", it.class, it.Job.Attempt, next[it.class])
		}
		next[it.class]++
	}
	if len(order) != 205 || p.backlog() != 0 {
		t.Fatalf("%d of 205 jobs came, %d are left", len(order), p.backlog())
	}
	for i, class := range order[:5] {
		if class != queue.ExpressJobs {
			t.Errorf("job %d is of class %d, before express", i, class)
		}
	}
	retries := 0
	for _, class := range order[5:105] {
		if class == queue.RetryJobs {
			retries++
		}
	}
	if retries != 20 {
		t.Errorf("%d of 100 were retries, want 20", retries)
	}
}

// A connection without work waits for its idle time; a job that comes wakes it at once.
func TestAnIdleConnectionWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &path{Sender: &Sender{crowd: newCrowd(1)}, conns: 1}
		began := time.Now()
		if _, ok := p.next(10*time.Second, nil); ok || time.Since(began) != 10*time.Second {
			t.Errorf("a connection without work went on after %v: %v", time.Since(began), ok)
		}
		time.AfterFunc(3*time.Second, func() { p.add(job(queue.BulkJobs, 7)) })
		began = time.Now()
		if it, ok := p.next(10*time.Second, nil); !ok || it.Job.Attempt != 7 || time.Since(began) != 3*time.Second {
			t.Errorf("the job came after %v: %v", time.Since(began), ok)
		}
		time.AfterFunc(3*time.Second, p.stop)
		began = time.Now()
		if _, ok := p.next(time.Hour, nil); ok || time.Since(began) != 3*time.Second {
			t.Errorf("a connection of a stopped site went on after %v: %v", time.Since(began), ok)
		}
	})
}

// When fewer connections are allowed the idle ones end at once, as many as are too many.
func TestIdleConnectionsBeyondTheLimitEnd(t *testing.T) {
	gate := ratelimit.NewLocal(time.Now).Open("site", ratelimit.Limits{Rate: 1, Connections: 5}, func() {})
	p := &path{Sender: &Sender{crowd: newCrowd(5)}, renewed: time.Now().Add(time.Hour), gates: gates{gate}}
	for range 5 {
		gate.TryAcquire()
		p.takers = append(p.takers, &taker{path: p, job: make(chan routed, 1)})
	}
	gate.SetLimits(ratelimit.Limits{Rate: 1, Connections: 1})
	p.adjust()
	if len(p.takers) != 1 {
		t.Errorf("%d connections stay open, want the one that is allowed", len(p.takers))
	}
}
