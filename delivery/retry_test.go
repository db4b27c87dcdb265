package delivery

import (
	"testing"
	"time"
)

// S16: the delay doubles from First to Most, and a crowd deferred at one moment is
// spread over ±10 %.
func TestRetryDelays(t *testing.T) {
	p := RetryPolicy{}.withDefaults()
	for _, tt := range []struct {
		attempt uint16
		want    time.Duration
	}{
		{0, time.Minute}, {1, time.Minute}, {2, 2 * time.Minute}, {3, 4 * time.Minute}, {7, 64 * time.Minute},
		{8, 2 * time.Hour}, {9, 2 * time.Hour}, {65535, 2 * time.Hour},
	} {
		least, most := time.Duration(1<<62), time.Duration(0)
		for range 2000 {
			d := p.delay(tt.attempt)
			least, most = min(least, d), max(most, d)
		}
		if least < tt.want*9/10 || most > tt.want*11/10 {
			t.Errorf("attempt %d: %v to %v, want %v ± 10 %%", tt.attempt, least, most, tt.want)
		}
		if least > tt.want*92/100 || most < tt.want*108/100 {
			t.Errorf("attempt %d: %v to %v is hardly spread", tt.attempt, least, most)
		}
	}
}
