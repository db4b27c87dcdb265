package ratelimit

import (
	"math"
	"testing"
	"testing/synctest"
	"time"
)

func TestSiteKeepsItsRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewSite(50, time.Now)
		start := time.Now()
		for range 505 {
			if err := s.Wait(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		// Five at once, then 500 at 20 ms each.
		if took := time.Since(start); took < 10*time.Second || took > 10*time.Second+time.Millisecond {
			t.Errorf("505 messages at 50/s took %v, want 10 s", took)
		}
	})
}

func TestSiteSlowsDownAndRecovers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewSite(100, time.Now)
		time.Sleep(10 * time.Second)
		began := time.Now()
		s.Throttled(began)
		if r := s.Rate(); r != 50 {
			t.Errorf("after one throttling reply the rate is %v, want 50", r)
		}
		for range 20 { // replies to messages that were under way
			s.Throttled(began)
		}
		time.Sleep(calm)
		s.Throttled(began)
		if r := s.Rate(); math.Abs(r-60) > 0.01 {
			t.Errorf("two seconds of recovery give %v, want 60", r)
		}
		s.Throttled(time.Now())
		if r := s.Rate(); math.Abs(r-30) > 0.01 {
			t.Errorf("a second throttling gives %v, want 30", r)
		}
		time.Sleep(time.Minute)
		if r := s.Rate(); r != 100 {
			t.Errorf("a minute later the rate is %v, want the ceiling", r)
		}
		for range 100 {
			time.Sleep(calm)
			s.Throttled(time.Now())
		}
		if r := s.Rate(); r < floor {
			t.Errorf("the rate fell to %v, below the floor", r)
		}
	})
}
