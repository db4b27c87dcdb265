package delivery

import (
	"testing"
	"time"

	"broadside/campaign"
)

// A retry of a run that waits for its window is put off once, until that opens, however
// long it takes; one that a person has paused asks again soon.
func TestPausedUntil(t *testing.T) {
	now := time.Date(2026, 11, 27, 20, 0, 0, 0, time.UTC)
	opens := now.Add(60 * time.Hour)
	for _, c := range []struct {
		name        string
		status      campaign.RunStatus
		least, most time.Time
	}{
		{"outside its window", campaign.RunStatus{State: campaign.RunPaused, Until: opens}, opens, opens.Add(reopening)},
		{"by a person", campaign.RunStatus{State: campaign.RunPaused}, now.Add(whilePaused), now.Add(2 * whilePaused)},
		{"it should have opened", campaign.RunStatus{State: campaign.RunPaused, Until: now}, now.Add(whilePaused), now.Add(2 * whilePaused)},
		{"closed by our own clock", campaign.RunStatus{State: campaign.RunRunning, Until: now}, now.Add(whilePaused), now.Add(2 * whilePaused)},
	} {
		for range 100 {
			if got := pausedUntil(c.status, now); got.Before(c.least) || got.After(c.most) {
				t.Fatalf("%s: due %s, want %s to %s", c.name, got, c.least, c.most)
			}
		}
	}
}
