package campaign_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"broadside/campaign"
)

// expiries notes what is asked of it, and fails once.
type expiries struct {
	start time.Time
	fail  campaign.Data
	asked []string
}

func (e *expiries) Expire(_ context.Context, kind campaign.Data, before time.Time) (int64, error) {
	e.asked = append(e.asked, fmt.Sprintf("%s: %s at %s", time.Since(before), kind, time.Since(e.start)))
	if kind == e.fail {
		e.fail = ""
		return 1, errors.New("disk full")
	}
	return 2, nil
}

// Each kind of data goes daily at its own age; a failure keeps no other kind, and is
// tried again after an hour.
func TestRetentionIsAppliedDaily(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &expiries{start: time.Now(), fail: campaign.AttemptData}
		k := campaign.Keeper{Store: store, Log: slog.New(slog.DiscardHandler), Retention: campaign.Retention{campaign.AttemptData: 2 * time.Hour, campaign.AuditData: 3 * time.Hour, campaign.ContactData: 0}}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- k.Run(ctx) }()
		time.Sleep(26 * time.Hour)
		synctest.Wait()
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		want := []string{
			"2h0m0s: attempts at 0s", "3h0m0s: audit at 0s",
			"2h0m0s: attempts at 1h0m0s", "3h0m0s: audit at 1h0m0s",
			"2h0m0s: attempts at 25h0m0s", "3h0m0s: audit at 25h0m0s",
		}
		if !slices.Equal(store.asked, want) {
			t.Errorf("asked %q", store.asked)
		}
	})
}
