package ratelimit

import (
	"testing"
	"testing/synctest"
	"time"
)

// Without NATS nobody exceeds anything, and everything goes on when it is back.
func TestSharedWithoutNATS(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		l := Limits{Rate: 50, Connections: 6}
		a := w.process(t, "a", l, 6, 10*time.Millisecond, -100*time.Millisecond)
		b := w.process(t, "b", l, 6, 10*time.Millisecond, 100*time.Millisecond)
		start := time.Now()
		time.Sleep(10 * time.Second)
		w.set(func() { w.away = true })
		gone := time.Now()
		time.Sleep(time.Minute)
		if n := w.sent.between(gone.Add(furthest), time.Now()); n > 0 {
			t.Errorf("%d messages left while NATS was away", n)
		}
		if n := w.open.Load(); n != 0 {
			t.Errorf("%d connections are open although nobody could renew them", n)
		}
		w.set(func() { w.away = false })
		back := time.Now()
		time.Sleep(13 * time.Second)
		if n := w.sent.between(back.Add(3*time.Second), time.Now()); n < 450 {
			t.Errorf("%d messages left in the ten seconds after NATS was back", n)
		}
		w.sent.neverAbove(t, l.Rate, start, time.Now())
		w.neverMore(t, 6)
		a.stop()
		b.stop()
	})
}

// A bucket that loses its memory lets nobody send too much: slots and connections that
// were given before are waited for.
func TestSharedAfterTheBucketIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		l := Limits{Rate: 50, Connections: 6}
		a := w.process(t, "a", l, 6, 10*time.Millisecond, -100*time.Millisecond)
		b := w.process(t, "b", l, 6, 10*time.Millisecond, 100*time.Millisecond)
		start := time.Now()
		time.Sleep(10 * time.Second)
		w.set(func() {
			w.values, w.revision, w.last = map[string][]byte{}, map[string]uint64{}, 0
		})
		time.Sleep(10 * time.Second)
		w.set(func() { w.values["site"] = []byte("{") })
		time.Sleep(20 * time.Second)
		end := time.Now()
		w.sent.neverAbove(t, l.Rate, start, end)
		if n := w.sent.between(end.Add(-5*time.Second), end); n < 237 {
			t.Errorf("%d messages in 5 s at 50/s", n)
		}
		w.neverMore(t, 6)
		a.stop()
		b.stop()
	})
}
