package track

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"broadside/campaign"
)

// queue is what a test's writer writes to.
type queue struct {
	mu    sync.Mutex
	away  bool
	takes time.Duration
	hits  map[string][]campaign.Hit // by id: what comes twice is there once
	order []string
	tried int
}

func (q *queue) publish(ctx context.Context, id string, hits []campaign.Hit) error {
	select {
	case <-time.After(q.takes):
	case <-ctx.Done():
		return ctx.Err()
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.tried++
	if q.away {
		return errors.New("no responders")
	}
	if _, known := q.hits[id]; !known {
		q.order = append(q.order, id)
	}
	if q.hits == nil {
		q.hits = map[string][]campaign.Hit{}
	}
	q.hits[id] = hits
	return nil
}

func (q *queue) set(away bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.away = away
}

// all are the durable hits' contacts, in order.
func (q *queue) all() []campaign.ContactID {
	q.mu.Lock()
	defer q.mu.Unlock()
	var all []campaign.ContactID
	for _, id := range q.order {
		for _, h := range q.hits[id] {
			all = append(all, h.Contact)
		}
	}
	return all
}

// lines are what was logged.
type lines struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) count(words string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.b.String(), words)
}

func run(t *testing.T, q *queue) (w *Writer, log *lines, stop func()) {
	log = &lines{}
	w = NewWriter(q.publish, slog.New(slog.NewTextHandler(log, nil)))
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { w.Run(ctx) })
	return w, log, func() {
		cancel()
		running.Wait()
	}
}

// While one group is being written the next one gathers, and nobody waits for more than
// two writes.
func TestHitsAreWrittenInGroups(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := &queue{takes: time.Millisecond}
		w, _, stop := run(t, q)
		began := time.Now()
		var readers sync.WaitGroup
		for c := range campaign.ContactID(1000) {
			readers.Go(func() {
				durable, wait := w.Add(campaign.Hit{Contact: c})
				if !wait {
					t.Error("nobody waits")
				}
				<-durable
			})
		}
		readers.Wait()
		if took := time.Since(began); took > 2*time.Millisecond || len(q.all()) != 1000 || len(q.order) > 2 {
			t.Errorf("%d hits in %d groups took %s", len(q.all()), len(q.order), took)
		}
		stop()
	})
}

// The queue is away: hits are held, no reader waits, the log says so once; when it is
// back all of them are there, once, in order.
func TestQueueAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := &queue{away: true}
		w, log, stop := run(t, q)
		first, wait := w.Add(campaign.Hit{Contact: 1})
		if !wait {
			t.Error("the first reader does not wait")
		}
		time.Sleep(time.Minute)
		if _, wait := w.Add(campaign.Hit{Contact: 2}); wait {
			t.Error("readers wait for a queue that is away")
		}
		for c := range campaign.ContactID(heldMost) {
			w.Add(campaign.Hit{Contact: c + 3})
		}
		q.set(false)
		<-first
		time.Sleep(time.Minute)
		if all := q.all(); len(all) != heldMost || all[0] != 1 || all[1] != 2 || all[heldMost-1] != heldMost {
			t.Errorf("%d hits", len(all))
		}
		if log.count("not durable;") != 1 || log.count("durable again") != 1 || log.count("lost=2") != 1 {
			t.Errorf("log:\n%s", log.b.String())
		}
		if durable, wait := w.Add(campaign.Hit{}); !wait {
			t.Error("nobody waits any more")
		} else {
			<-durable
		}
		stop()
	})
}

// What was added before the end is written before the end, or said to be lost.
func TestWriterEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := &queue{takes: time.Second}
		w, log, stop := run(t, q)
		w.Add(campaign.Hit{Contact: 1})
		synctest.Wait()
		w.Add(campaign.Hit{Contact: 2})
		stop()
		if all := q.all(); len(all) != 2 || log.count("lost") != 0 {
			t.Errorf("%v\n%s", all, log.b.String())
		}
		q = &queue{away: true}
		w, log, stop = run(t, q)
		w.Add(campaign.Hit{})
		began := time.Now()
		stop()
		if took := time.Since(began); took != endTime || log.count("hits are lost") != 1 || log.count("hits=1") != 1 {
			t.Errorf("ended after %s\n%s", took, log.b.String())
		}
	})
}
