package webhook

import (
	"testing"
	"time"
)

// A fact rests from the look that found it, however much later others are found.
func TestRest(t *testing.T) {
	const pause = 15 * time.Second
	began := time.Now()
	var r rest
	for _, step := range []struct {
		after      time.Duration
		last, over int64
	}{
		{0, 7, 0},
		{5 * time.Second, 9, 0},
		{14 * time.Second, 9, 0},
		{15 * time.Second, 0, 7}, // all others were told meanwhile
		{19 * time.Second, 12, 7},
		{20 * time.Second, 12, 9},
		{time.Minute, 13, 12},
		{61 * time.Second, 13, 12},
		{75 * time.Second, 13, 13},
	} {
		r.look(began.Add(step.after), step.last, pause)
		if got := r.over.Load(); got != step.over {
			t.Errorf("after %s: over up to %d, want %d", step.after, got, step.over)
		}
	}
	if len(r.looks) > 2 {
		t.Errorf("%d looks are remembered", len(r.looks))
	}
}
