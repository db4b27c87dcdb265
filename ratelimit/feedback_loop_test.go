package ratelimit

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// receiver takes so many messages in each of its windows and refuses the others; it
// never says how many.
type receiver struct {
	window time.Duration
	takes  int

	began             time.Time
	inWindow          int
	accepted, refused int
}

func (r *receiver) take(now time.Time) bool {
	if now.Sub(r.began) >= r.window {
		r.began, r.inWindow = now.Truncate(r.window), 0
	}
	if r.inWindow >= r.takes {
		r.refused++
		return false
	}
	r.inWindow++
	r.accepted++
	return true
}

// run has senders use the receiver for a time, each at its share of the rate that the
// book allows. A reply takes a fifth of a second.
func (r *receiver) run(l Learned, senders int, limits Limits, length time.Duration) {
	var mu sync.Mutex
	var wg, replies sync.WaitGroup
	end := time.Now().Add(length)
	for i := range senders {
		wg.Go(func() {
			time.Sleep(time.Duration(i) * 3 * time.Millisecond)
			for time.Now().Before(end) {
				began := time.Now()
				mu.Lock()
				taken := r.take(began)
				mu.Unlock()
				replies.Go(func() {
					time.Sleep(200 * time.Millisecond)
					if taken {
						l.Sent(time.Now(), limits, began)
					} else {
						l.Throttled(time.Now(), limits, Reply{Began: began, Text: "421 too fast"})
					}
				})
				time.Sleep(time.Duration(float64(senders) / l.Allowed(time.Now(), limits).Rate * float64(time.Second)))
			}
		})
	}
	wg.Wait()
	replies.Wait()
}

// A site that silently takes 37 messages per second, where we may send 100, is used
// well and refuses few, whether it counts in seconds or in minutes. Finding the limit
// costs some refusals more.
func TestLoopFindsAHiddenLimit(t *testing.T) {
	for name, c := range map[string]struct {
		site     receiver
		limit    float64 // ours
		senders  int
		use      float64 // at least, of what the site takes
		refusals float64 // at most, of what is sent
		search   int     // refusals at most until it is found
	}{
		"seconds":     {receiver{window: time.Second, takes: 37}, 100, 1, 0.9, 0.003, 200},
		"two senders": {receiver{window: time.Second, takes: 37}, 100, 2, 0.88, 0.003, 200},
		"ten seconds": {receiver{window: 10 * time.Second, takes: 370}, 100, 2, 0.9, 0.005, 800},
		"minutes":     {receiver{window: time.Minute, takes: 2220}, 100, 2, 0.95, 0.04, 2000},
		"slow":        {receiver{window: time.Minute, takes: 30}, 100, 1, 0.95, 0.1, 1500},
		// Five in a second are uneven: two senders at 4.5 sometimes make six.
		"far below": {receiver{window: time.Second, takes: 5}, 1000, 2, 0.7, 0.02, 2500},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const search, length = 10 * time.Minute, time.Hour
				site, limits, l := c.site, Limits{Rate: c.limit, Connections: 5}, source()
				site.run(l, c.senders, limits, search)
				found := site.refused
				site.accepted, site.refused = 0, 0
				site.run(l, c.senders, limits, length)
				takes := float64(site.takes) * length.Seconds() / site.window.Seconds()
				use := float64(site.accepted) / takes
				refusals := float64(site.refused) / float64(site.accepted+site.refused)
				t.Logf("%.1f %% of what the site takes is used, %.2f %% of the messages are refused; %d while the limit was found", 100*use, 100*refusals, found)
				if use < c.use {
					t.Errorf("%.1f %% of what the site takes is used, want %.0f %%", 100*use, 100*c.use)
				}
				if refusals > c.refusals {
					t.Errorf("%.2f %% of the messages are refused, want %.1f %% at most", 100*refusals, 100*c.refusals)
				}
				if found > c.search {
					t.Errorf("%d messages were refused while the limit was found, want %d at most", found, c.search)
				}
			})
		})
	}
}
