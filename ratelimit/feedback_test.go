package ratelimit

import (
	"math"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"
)

var hundred = Limits{Rate: 100, Connections: 5}

// source is a key of a book in memory.
func source() Learned { return NewBook().Key(Source, "192.0.2.1", "google") }

func rateOf(l Learned, limits Limits) float64 { return l.Allowed(time.Now(), limits).Rate }

func close2(a, b float64) bool { return math.Abs(a-b) < 0.01 }

func TestUnknownKeyHasItsLimits(t *testing.T) {
	l := source()
	if a := l.Allowed(time.Now(), hundred); a != (Allowance{Rate: 100, Connections: 5}) {
		t.Errorf("allowed %+v, want the limits", a)
	}
	l.Sent(time.Now(), hundred, time.Now())
	if n := testing.AllocsPerRun(100, func() {
		l := l.book.Key(Source, "192.0.2.1", "google")
		l.Allowed(time.Now(), hundred)
		l.Sent(time.Now(), hundred, time.Now())
	}); n != 0 {
		t.Errorf("an unknown key costs %v allocations", n)
	}
	for key := range l.book.All() {
		t.Errorf("%v is kept, and nothing is known of it", key)
	}
}

func TestRefusalsOfOneEpochCountOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := source()
		throttled := func(began time.Time) { l.Throttled(time.Now(), hundred, Reply{Began: began, Text: "421 slow down"}) }
		began := time.Now()
		time.Sleep(time.Second)
		throttled(began)
		a := l.Allowed(time.Now(), hundred)
		if !close2(a.Rate, 70) || a.Why != "421 slow down" {
			t.Errorf("after a refusal %+v, want 70 per second", a)
		}
		for range 20 { // replies to messages that were under way
			throttled(began)
		}
		time.Sleep(epoch)
		throttled(began) // so was this one
		if r := rateOf(l, hundred); r < 70 {
			t.Errorf("replies to attempts from before the decrease have taken the rate to %v", r)
		}
		before := rateOf(l, hundred)
		l.Sent(time.Now(), hundred, time.Now())
		throttled(time.Now())
		if r := rateOf(l, hundred); !close2(r, before*keep) {
			t.Errorf("a second epoch takes %v to %v, want %v", before, r, before*keep)
		}
	})
}

func TestRateComesBackWithTimeAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := source()
		l.Throttled(time.Now(), hundred, Reply{Began: time.Now().Add(-time.Second)})
		last, written := rateOf(l, hundred), *l.book.find(l.key).record.Load()
		for range 60 {
			time.Sleep(time.Second)
			r := rateOf(l, hundred)
			if r < last || r > last*1.05 {
				t.Fatalf("in a second from %v to %v", last, r)
			}
			last = r
		}
		if !close2(last, 100) {
			t.Errorf("a minute later the rate is %v, want 100", last)
		}
		// The operator's limit moves, and the rate with it.
		if r := rateOf(l, Limits{Rate: 30}); r != 30 {
			t.Errorf("under a limit of 30 the rate is %v", r)
		}
		if r := rateOf(l, Limits{Rate: 1000}); !close2(r, 100) {
			t.Errorf("with the limit raised to 1,000 the rate jumps to %v, want 100 at first", r)
		}
		time.Sleep(forgotten)
		if r := rateOf(l, Limits{Rate: 1000}); r != 1000 {
			t.Errorf("long after the refusal the rate is %v", r)
		}
		if !l.Record().same(written) {
			t.Error("the record was written while nothing happened")
		}
		l.book.sweep(time.Now())
		if l.book.find(l.key) != nil {
			t.Error("a key that is fully recovered is kept")
		}
	})
}

// A site whose window is full takes nothing, however slowly it comes: what is sent
// meanwhile is halved again and again, and starts as after one decrease when a message
// is taken.
func TestClosedSiteOpensAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := source()
		var began time.Time
		for range 38 {
			began = time.Now()
			time.Sleep(time.Second)
			l.Throttled(time.Now(), hundred, Reply{Began: began})
		}
		if r := rateOf(l, hundred); r < 2 || r > 4 {
			t.Errorf("after 38 seconds of refusals %v per second, want few", r)
		}
		l.Sent(time.Now(), hundred, began.Add(-time.Minute)) // from before
		if r := rateOf(l, hundred); r > 4 {
			t.Errorf("a message from before has opened the site: %v per second", r)
		}
		l.Sent(time.Now(), hundred, time.Now())
		if r := rateOf(l, hundred); r < 40 || r > 70 {
			t.Errorf("when it opens %v per second, want about half of a hundred", r)
		}
	})
}

// A site that took a tenth of what came will not take seven tenths.
func TestDecreaseGoesToWhatWasTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := source()
		l.Throttled(time.Now(), hundred, Reply{Began: time.Now()})
		time.Sleep(epoch)
		for i := range 40 {
			if i%4 == 0 {
				l.Sent(time.Now(), hundred, time.Now())
			} else {
				l.Throttled(time.Now().Add(-time.Second), hundred, Reply{Began: time.Now()}) // within the epoch
			}
		}
		before := rateOf(l, hundred)
		l.Throttled(time.Now(), hundred, Reply{Began: time.Now()})
		if r := rateOf(l, hundred); r < before*keep*0.2 || r > before*keep*0.3 {
			t.Errorf("a quarter of %v was taken: %v per second now, want 0.7 of that", before, r)
		}
	})
}

func TestRateFallsToTheFloorAndComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := source()
		for range 1000 {
			time.Sleep(epoch)
			l.Throttled(time.Now(), hundred, Reply{Began: time.Now()})
		}
		if r := rateOf(l, hundred); r != floorRate {
			t.Errorf("refusals for half an hour leave %v per second, want %v", r, floorRate)
		}
		if r := rateOf(l, Limits{Rate: 0.05}); r != 0.05 {
			t.Errorf("with a limit below the floor %v", r)
		}
		time.Sleep(forgotten - time.Second)
		if r := rateOf(l, hundred); r < 75 {
			t.Errorf("twelve minutes later %v per second, want the limit, nearly", r)
		}
	})
}

// Whatever happens, in whatever order and by whichever clock, the rate stays between
// the floor and the ceiling, and connections between 0 and the limit.
func TestAllowedStaysWithinItsBounds(t *testing.T) {
	for seed := range uint64(300) {
		rnd := rand.New(rand.NewPCG(seed, 3))
		l, now := source(), time.Unix(1_800_000_000, 0)
		for step := range 200 {
			now = now.Add(time.Duration(rnd.ExpFloat64() * math.Pow(10, float64(rnd.IntN(6))) * float64(10*time.Millisecond)))
			limits := Limits{Rate: math.Pow(10, 4*rnd.Float64()-2), Connections: 1 + rnd.IntN(20)}
			if rnd.IntN(20) == 0 {
				limits.Rate = math.Inf(1)
			}
			clock := now.Add(time.Duration(rnd.IntN(400)-200) * time.Millisecond)
			reply := Reply{Began: clock.Add(-time.Duration(rnd.IntN(5000)) * time.Millisecond)}
			re := Reaction{Name: string('a' + rune(rnd.IntN(3))), Hits: rnd.IntN(4), For: time.Duration(rnd.IntN(3600)) * time.Second}
			switch rnd.IntN(3) {
			case 0:
				re.Rate = floorRate + rnd.Float64()
			case 1:
				re.Connections = 1 + rnd.IntN(3)
			case 2:
				re.Stop, re.Probe = true, rnd.IntN(2) == 0
			}
			switch rnd.IntN(5) {
			case 0, 1:
				l.Throttled(clock, limits, reply)
			case 2:
				l.React(clock, limits, re, reply)
			case 3:
				l.Sent(clock, limits, reply.Began)
			case 4:
				l.book.sweep(clock)
			}
			a := l.Allowed(now, limits)
			if !(a.Rate >= min(floorRate, limits.Rate) && a.Rate <= limits.Rate) {
				t.Fatalf("seed %d, step %d: %v per second is allowed of %v", seed, step, a.Rate, limits.Rate)
			}
			if a.Connections < 1 || a.Connections > limits.Connections {
				t.Fatalf("seed %d, step %d: %d connections are allowed of %d", seed, step, a.Connections, limits.Connections)
			}
			if a.Until.Sub(now) > 2*time.Hour {
				t.Fatalf("seed %d, step %d: stopped for %v by reactions of an hour", seed, step, a.Until.Sub(now))
			}
		}
	}
}
