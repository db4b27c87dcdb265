package delivery

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// Nobody takes more than there is; who needs several waits for all of them.
func TestRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRoom(10, 10)
		for _, want := range []int{4, 4, 2} {
			n := r.acquire(t.Context(), 1, 4)
			if n != want {
				t.Errorf("room for %d, want %d", n, want)
			}
			for range n {
				r.take()
			}
		}
		for i := range 3 {
			time.AfterFunc(time.Duration(i+1)*time.Second, func() { r.done(time.Now()) })
		}
		began := time.Now()
		if n := r.acquire(t.Context(), 3, 4); n != 3 || time.Since(began) != 3*time.Second {
			t.Errorf("room for %d after %v, want 3 after 3 s", n, time.Since(began))
		}
		r.release(2) // one of the three has come
		r.take()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if n := r.acquire(ctx, 3, 4); n != 0 {
			t.Errorf("room for %d, want none", n)
		}
		if n := r.acquire(t.Context(), 1, 4); n != 2 {
			t.Errorf("room for %d, want the 2 that were left", n)
		}
	})
}

// A sender holds what it gets done in two seconds, so that it leaves the rest to others.
func TestRoomFollowsThePace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRoom(64, 256)
		work := func(perSecond int, last time.Duration) {
			for range int(last.Seconds() * float64(perSecond)) {
				time.Sleep(time.Second / time.Duration(perSecond))
				r.acquire(t.Context(), 1, 1)
				r.take()
				r.done(time.Now())
			}
		}
		for _, c := range []struct{ perSecond, low, high int }{{50, 98, 100}, {10, 64, 64}, {1000, 256, 256}, {80, 158, 160}} {
			work(c.perSecond, 3*time.Second)
			if n := r.free(); n < c.low || n > c.high {
				t.Errorf("at %d/s there is room for %d, want %d", c.perSecond, n, c.high)
			}
		}
	})
}
