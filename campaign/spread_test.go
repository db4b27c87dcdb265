package campaign

import (
	"math"
	"strings"
	"testing"
	"time"

	"broadside/campaign/schedule"
)

// Over its time a lane is fed evenly, however many it has, and all of it in the end; a
// pause in the midst is made up over the rest, not at once.
func TestSpreader(t *testing.T) {
	for _, total := range []int64{1, 7, 1000, 3_000_000} {
		for _, pause := range []time.Duration{0, 20 * time.Minute} {
			const length = 2 * time.Hour
			now := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
			began, end := now, now.Add(length)
			var s spreader
			unfed, most := total, int64(0)
			for ; now.Before(end); now = now.Add(time.Second) {
				if at := now.Sub(began); at > 30*time.Minute && at < 30*time.Minute+pause {
					continue
				}
				s.allow(unfed, end.Sub(now), now)
				n := s.room()
				s.fed(n)
				unfed -= n
				most = max(most, n)
				want := float64(total) * (1 - now.Sub(began).Seconds()/length.Seconds())
				if off := math.Abs(float64(unfed) - want); pause == 0 && total > 10 && off > 3+float64(total)/100 {
					t.Fatalf("of %d, %d are left after %s, want %.0f", total, unfed, now.Sub(began), want)
				}
			}
			s.allow(unfed, 0, now)
			if unfed -= s.room(); unfed != 0 {
				t.Errorf("%d of %d are left at the end", unfed, total)
			}
			even := float64(total) / length.Seconds()
			if limit := 2 + int64(even*spreadMost.Seconds()*1.5); most > limit {
				t.Errorf("of %d, %d were fed at once, want at most %d (pause %s)", total, most, limit, pause)
			}
		}
	}
}

func TestSpreadUntil(t *testing.T) {
	r := Run{Started: time.Date(2026, 11, 27, 18, 0, 0, 0, time.UTC)} // a Friday
	if !r.SpreadUntil().IsZero() {
		t.Error("it is not spread")
	}
	r.Spec.Spread = Duration(4 * time.Hour)
	if got := r.SpreadUntil().Sub(r.Started); got != 4*time.Hour {
		t.Errorf("it ends after %s", got)
	}
	r.Spec.Window = schedule.Window{Days: "mon-fri", From: "08:00", To: "20:00", Zone: "UTC"}
	if got, want := r.SpreadUntil(), time.Date(2026, 11, 30, 10, 0, 0, 0, time.UTC); !got.Equal(want) {
		t.Errorf("it ends %s, want %s", got, want)
	}
	for d, good := range map[time.Duration]bool{0: true, time.Minute: false, 10 * time.Minute: true, 168 * time.Hour: true, 169 * time.Hour: false} {
		s := Spec{Spread: Duration(d)}.WithDefaults()
		err := s.Validate()
		if told := err != nil && strings.Contains(err.Error(), "spread: "); told == good {
			t.Errorf("%s: %v", d, err)
		}
	}
}

// With waves the last is what is spread, from when it was opened.
func TestSpreadUntilOfWaves(t *testing.T) {
	started := moment(t, "2026-11-23T08:00:00Z")
	r := Run{Started: started, Spec: Spec{Spread: Duration(4 * time.Hour)}}
	for name, c := range map[string]struct {
		waves Waves
		want  time.Time
	}{
		"none":           {want: started.Add(4 * time.Hour)},
		"too small":      {waves: Waves{Kind: NoWaves}, want: started.Add(4 * time.Hour)},
		"a canary first": {waves: Waves{Kind: CanaryWaves}},
		"the rest":       {waves: Waves{Kind: ABWaves, Open: 2, Opened: started.Add(3 * time.Hour)}, want: started.Add(7 * time.Hour)},
	} {
		if got := (Status{Run: r, Waves: WaveStatus{Waves: c.waves}}).SpreadUntil(); !got.Equal(c.want) {
			t.Errorf("%s: until %s, want %s", name, got, c.want)
		}
	}
}
