package ratelimit

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestReactionActsAtItsHits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := source()
		ts03 := Reaction{Name: "TS03", Hits: 3, Rate: 10.0 / 60, For: 30 * time.Minute}
		hit := func() { l.React(time.Now(), hundred, ts03, Reply{Began: time.Now(), Text: "421 TS03"}) }
		slow := func() bool { return rateOf(l, hundred) < 1 }
		hit()
		time.Sleep(40 * time.Minute)
		hit()
		time.Sleep(25 * time.Minute) // the first one is more than an hour old
		hit()
		if slow() {
			t.Fatal("acted on two hits in an hour, want three")
		}
		time.Sleep(time.Minute)
		hit()
		if a := l.Allowed(time.Now(), hundred); !close2(a.Rate, 10.0/60) || a.Why != "421 TS03" {
			t.Fatalf("after three hits %+v", a)
		}
		time.Sleep(30 * time.Minute)
		if r := rateOf(l, hundred); !close2(r, 70) {
			t.Errorf("after its time the rate is %v, want 70: as after a refusal", r)
		}
		hit()
		if slow() {
			t.Error("hits from before it acted count again")
		}
	})
}

func TestReactionsStack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := source()
		react := func(re Reaction) {
			l.React(time.Now(), hundred, re, Reply{Began: time.Now(), Text: re.Name})
			time.Sleep(time.Second)
		}
		react(Reaction{Name: "slow", Rate: 1, For: 30 * time.Minute})
		react(Reaction{Name: "slower", Rate: 0.5, For: 10 * time.Minute})
		react(Reaction{Name: "few", Connections: 1, For: time.Hour})
		if a := l.Allowed(time.Now(), hundred); a.Rate != 0.5 || a.Connections != 1 || !a.Until.IsZero() {
			t.Errorf("three reactions: %+v", a)
		}
		time.Sleep(45 * time.Minute)
		if a := l.Allowed(time.Now(), hundred); a.Rate < 1 || a.Connections != 1 {
			t.Errorf("45 minutes later: %+v", a)
		}
		react(Reaction{Name: "blocked", Stop: true, For: 4 * time.Hour})
		react(Reaction{Name: "busy", Stop: true, For: 15 * time.Minute})
		if a := l.Allowed(time.Now(), hundred); time.Until(a.Until) < 4*time.Hour-time.Minute {
			t.Errorf("a shorter stop has shortened a longer one: %+v", a)
		}
		time.Sleep(4 * time.Hour)
		if a := l.Allowed(time.Now(), hundred); !a.Until.IsZero() || a.Connections != 5 {
			t.Errorf("after the stop: %+v", a)
		}
	})
}

// A block for hours among replies that fail a probe of minutes is not lost.
func TestLongerStopReplacesAProbe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := source()
		l.React(time.Now(), hundred, gmail, Reply{Began: time.Now()})
		time.Sleep(10 * time.Minute)
		l.React(time.Now(), hundred, Reaction{Name: "blocked", Stop: true, For: 4 * time.Hour}, Reply{Began: time.Now(), Text: strings.Repeat("block ", 100)})
		if a := l.Allowed(time.Now(), hundred); time.Until(a.Until) != 4*time.Hour || len(a.Why) != whyKept {
			t.Errorf("stopped for %v by %q, want 4 h and the beginning of the reply", time.Until(a.Until), a.Why)
		}
	})
}

func TestPauseHoldsUntilItIsResumed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBook()
		var changed []Key
		b.OnChange(func(k Key) { changed = append(changed, k) })
		site := b.Key(WholeSite, "", "google")
		site.Pause(Pause{Since: time.Now(), Why: "talking to them"})
		time.Sleep(1000 * time.Hour)
		if a := site.Allowed(time.Now(), hundred); a.Until != endless || a.Why != "paused by a person: talking to them" {
			t.Errorf("paused: %+v", a)
		}
		b.sweep(time.Now())
		site.Resume()
		site.Resume()
		if a := site.Allowed(time.Now(), hundred); !a.Until.IsZero() || a.Why != "" {
			t.Errorf("resumed: %+v", a)
		}
		site.Pause(Pause{Since: time.Now(), Until: time.Now().Add(time.Hour)})
		time.Sleep(time.Hour)
		if a := site.Allowed(time.Now(), hundred); !a.Until.IsZero() {
			t.Errorf("after its hour: %+v", a)
		}
		if len(changed) != 3 {
			t.Errorf("told of %v, want three changes", changed)
		}
	})
}

func TestAllowancesTogetherAreTheStricterOfEach(t *testing.T) {
	now := time.Now()
	slow := Allowance{Rate: 1, Connections: 5, Why: "slow"}
	stop := Allowance{Until: now, Rate: 100, Connections: 1, Why: "stop"}
	for _, a := range []Allowance{slow.And(stop), stop.And(slow)} {
		if a != (Allowance{Until: now, Rate: 1, Connections: 1, Why: "stop"}) {
			t.Errorf("together %+v", a)
		}
	}
	free := Allowance{Rate: 100, Connections: 5}
	if a := free.And(slow); a != slow {
		t.Errorf("with a free one %+v, want %+v", a, slow)
	}
}
