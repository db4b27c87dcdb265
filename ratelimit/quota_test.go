package ratelimit

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// Processes use a day's allowance up and never more, although clocks differ, requests
// are lost and a process dies; the next day begins anew.
func TestQuotaIsExactForAllProcessesTogether(t *testing.T) {
	for _, allowed := range []int64{1, 7, 50, 1000, 20_000} {
		t.Run(fmt.Sprint(allowed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				time.Sleep(time.Hour) // it is the same day for all
				for day := range 2 {
					var took atomic.Int64
					var all sync.WaitGroup
					for i := range 5 {
						skewed := time.Duration(i*50-100) * time.Millisecond
						q := &Quota{bucket: w, now: func() time.Time { return time.Now().Add(skewed) }}
						dies := rand.Int64N(allowed + 1)
						all.Go(func() {
							for took.Load() < allowed {
								ok, err := q.Take(t.Context(), "source@site", allowed)
								if ok {
									took.Add(1)
								}
								if i == 0 && took.Load() > dies {
									return // without giving back
								}
								if !ok && err == nil {
									break
								}
								time.Sleep(rand.N(time.Second))
							}
							if err := q.Close(t.Context()); err != nil {
								t.Log(err)
							}
						})
					}
					all.Wait()
					last := &Quota{bucket: w, now: time.Now}
					for ok := true; ok; {
						var err error
						if ok, err = last.Take(t.Context(), "source@site", allowed); ok {
							took.Add(1)
						} else if err != nil {
							ok = true // a request was lost
						}
					}
					if n := took.Load(); n > allowed || n < allowed*95/100 {
						t.Errorf("on day %d %d of %d were taken", day, n, allowed)
					}
					time.Sleep(24 * time.Hour)
				}
			})
		})
	}
}

// A day that is used up costs no request for each message; a higher allowance holds at
// once. A request whose answer is lost costs the block that it took.
func TestQuotaAsksRarely(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		q := &Quota{bucket: w, now: time.Now}
		took := 0
		for range 10_000 {
			if ok, _ := q.Take(t.Context(), "a", 1000); ok {
				took++
			}
		}
		if took < 950 || took > 1000 || w.requests > 1500 {
			t.Errorf("%d of 1000 taken with %d requests", took, w.requests)
		}
		if ok, err := q.Take(t.Context(), "a", 2000); !ok && err == nil {
			t.Error("a raised allowance was not seen")
		}
		w.away = true
		if ok, err := q.Take(t.Context(), "b", 10); ok || err == nil {
			t.Errorf("without NATS Take returned %v, %v", ok, err)
		}
	})
}

// A new source that sends to a million small sites is not remembered at all of them.
func TestQuotaForgetsKeysOfWhichItHasNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := &Quota{bucket: newWorld(), now: time.Now}
		take := func(key string, allowed int64) {
			for {
				if _, err := q.Take(t.Context(), key, allowed); err == nil {
					return // else a request was lost
				}
			}
		}
		take("much is left", 10_000)
		for n := range 2 * sweepQuotas {
			take(fmt.Sprint(n), 10)
		}
		kept, left := 0, int64(0)
		q.keys.Range(func(key, v any) bool {
			kept++
			if key == "much is left" {
				left = v.(*allowance).left
			}
			return true
		})
		if kept > sweepQuotas+1 || left != 99 {
			t.Errorf("%d of %d keys are kept, and %d messages of the one block that was taken", kept, 2*sweepQuotas+1, left)
		}
	})
}

// What is given back on its day may be taken again, by anybody; not more, and not on
// another day.
func TestQuotaTakesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		q := &Quota{bucket: w, now: time.Now}
		take := func() (n int) {
			for {
				ok, err := q.Take(t.Context(), "source@site", 5)
				switch {
				case ok:
					n++
				case err == nil:
					return n
				}
			}
		}
		if n := take(); n != 5 {
			t.Fatalf("%d of 5 were taken", n)
		}
		yesterday := time.Now()
		q.GiveBack("source@site", time.Now())
		q.GiveBack("source@site", time.Now())
		if n := take(); n != 2 {
			t.Errorf("%d were taken of 2 that were given back", n)
		}
		time.Sleep(24 * time.Hour)
		q.GiveBack("source@site", yesterday)
		if n := take(); n != 5 {
			t.Errorf("%d of 5 were taken on the next day", n)
		}
	})
}
