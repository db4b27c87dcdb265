package ratelimit

import (
	"testing"
	"time"
)

// T3: a step down is remembered for its time, and only a longer way down replaces it.
func TestFallback(t *testing.T) {
	b := NewBook()
	site := b.Key(WholeSite, "", "mx.example")
	now := time.Now()
	if n := site.Fallback(now); n != 0 {
		t.Fatalf("%d steps down before any failure", n)
	}
	for _, steps := range []int{1, 2, 1} {
		site.FallBack(now, steps, 24*time.Hour)
	}
	if n := site.Fallback(now.Add(23 * time.Hour)); n != 2 {
		t.Errorf("%d steps down, want 2", n)
	}
	later := now.Add(25 * time.Hour)
	if n := site.Fallback(later); n != 0 {
		t.Errorf("%d steps down a day later, want none", n)
	}
	if site.FallBack(later, 1, time.Hour); site.Fallback(later) != 1 {
		t.Error("a new failure starts with the old steps")
	}
	if a := site.Allowed(now, Limits{Rate: 5, Connections: 2}); a.Rate != 5 || a.Connections != 2 || !a.Until.IsZero() {
		t.Errorf("encryption has changed the limits: %+v", a)
	}
	site.Pause(Pause{Since: later})
	site.Resume()
	if site.Fallback(later) != 1 {
		t.Error("a person's pause has made it forgotten")
	}
}
