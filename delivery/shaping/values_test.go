package shaping

import (
	"testing"
	"time"
)

func TestTexts(t *testing.T) {
	for d, want := range map[time.Duration]string{
		30 * time.Second: "30s", 90 * time.Second: "1m30s", 20 * time.Minute: "20m", 10 * time.Hour: "10h", time.Hour + 30*time.Minute: "1h30m",
		24 * time.Hour: "24h", 100 * time.Millisecond: "100ms", time.Hour + time.Second: "1h0m1s",
	} {
		if got := spanText(d); got != want {
			t.Errorf("%d: %s, want %s", d, got, want)
		}
	}
	for _, text := range []string{"1/s", "100/s", "1/m", "90/m", "1/h", "5000/d", "1/d", "10000/s", "7/h"} {
		var r, again rate
		if err := r.UnmarshalText([]byte(text)); err != nil {
			t.Error(err)
		}
		written := rateText(r.perSecond)
		if err := again.UnmarshalText([]byte(written)); err != nil || again != r {
			t.Errorf("%s is written %s: %v", text, written, err)
		}
	}
}
