package ratelimit

import (
	"testing"
	"testing/synctest"
	"time"
)

var gmail = Reaction{Name: "rate", Stop: true, For: 10 * time.Minute, Probe: true}

// Gmail's rule for 4.7.28, as it stands: no mail for ten minutes or more, then one
// connection; failure: ten minutes more; success: one connection more at a time.
func TestGmailsTenMinutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := source()
		allowed := func() Allowance { return l.Allowed(time.Now(), hundred) }
		refused := func(began time.Time) {
			l.React(time.Now(), hundred, gmail, Reply{Began: began, Text: "421-4.7.28 unusual rate"})
		}
		stoppedFor := func(d time.Duration) {
			t.Helper()
			if a := allowed(); time.Until(a.Until) != d || a.Why != "421-4.7.28 unusual rate" {
				t.Fatalf("stopped for %v (%s), want %v", time.Until(a.Until), a.Why, d)
			}
		}
		connections := func(n int) {
			t.Helper()
			if a := allowed(); !a.Until.IsZero() || a.Connections != n {
				t.Fatalf("allowed %+v, want %d connections now", a, n)
			}
		}
		began := time.Now()
		time.Sleep(time.Second)
		refused(began)
		stoppedFor(10 * time.Minute)
		// What was under way ends in its own time; the ten minutes begin with the last of it.
		time.Sleep(3 * time.Second)
		refused(began)
		stoppedFor(10 * time.Minute)
		time.Sleep(4 * time.Second)
		l.Sent(time.Now(), hundred, began)
		stoppedFor(10 * time.Minute)

		time.Sleep(10*time.Minute - time.Nanosecond)
		stoppedFor(time.Nanosecond)
		time.Sleep(time.Nanosecond)
		connections(1)

		// The probe fails: another ten minutes. A generic refusal is a failure too.
		began = time.Now()
		time.Sleep(time.Second)
		refused(began)
		stoppedFor(10 * time.Minute)
		time.Sleep(10 * time.Minute)
		connections(1)
		l.Throttled(time.Now().Add(time.Second), hundred, Reply{Began: time.Now(), Text: "421-4.7.28 unusual rate"})
		time.Sleep(time.Second)
		stoppedFor(10 * time.Minute)
		time.Sleep(10 * time.Minute)

		// It succeeds: one more at a time, and only messages that began since count.
		for n := 1; n < 5; n++ {
			connections(n)
			began = time.Now()
			time.Sleep(probeStep)
			l.Sent(time.Now(), hundred, began)
			for range 50 {
				l.Sent(time.Now(), hundred, began)
			}
			connections(n + 1)
		}
		if a := allowed(); a.Until.After(time.Now()) || l.Record().Stop != (Stop{}) {
			t.Errorf("the probe is not over: %+v", l.Record().Stop)
		}

		// Later: at the next refusal it all begins again.
		time.Sleep(time.Hour)
		refused(time.Now())
		stoppedFor(10 * time.Minute)
	})
}

func TestProbeStopsAgainWhileItGrows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := source()
		l.React(time.Now(), hundred, gmail, Reply{Began: time.Now()})
		time.Sleep(10 * time.Minute)
		l.Sent(time.Now(), hundred, time.Now())
		time.Sleep(probeStep)
		l.Sent(time.Now(), hundred, time.Now())
		if a := l.Allowed(time.Now(), hundred); a.Connections != 3 {
			t.Fatalf("%d connections after two successes, want 3", a.Connections)
		}
		l.React(time.Now(), hundred, gmail, Reply{Began: time.Now()})
		if a := l.Allowed(time.Now(), hundred); time.Until(a.Until) != 10*time.Minute {
			t.Errorf("a failure among three connections: %+v", a)
		}
		time.Sleep(10 * time.Minute)
		if a := l.Allowed(time.Now(), hundred); a.Connections != 1 {
			t.Errorf("%d connections after the second stop, want 1", a.Connections)
		}
	})
}
