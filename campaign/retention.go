package campaign

import (
	"context"
	"fmt"
	"log/slog"
	"time"
)

// Data is a kind of data that is kept for a time (GDPR, article 5 (1) (e)).
type Data string

// The kinds.
const (
	// AttemptData is the tries of runs that have ended, with the servers' words; the
	// ledger keeps what became of each recipient.
	AttemptData Data = "attempts"
	// FeedbackData is bounces and complaints, by recipient; runs keep their counts.
	FeedbackData Data = "feedback"
	// TrackingData is who opened what and clicked where, since they last did; runs keep
	// their counts.
	TrackingData Data = "tracking"
	// SignUpData is who asked to join a list and did not confirm it.
	SignUpData Data = "signups"
	// ContactData is contacts that are in no list, not even as having left it, since
	// they were last changed, with what hangs on them.
	ContactData Data = "contacts"
	// WebhookData is the deliveries of events to webhooks.
	WebhookData Data = "webhooks"
	// AuditData is the audit log.
	AuditData Data = "audit"
)

// Kinds are all kinds of data that are kept for a time, in the order in which they go.
var Kinds = []Data{AttemptData, FeedbackData, TrackingData, SignUpData, ContactData, WebhookData, AuditData}

// Retention says how long each kind of data is kept; one that is missing or 0 is kept
// for ever.
type Retention map[Data]time.Duration

// RetentionStore deletes what is kept for long enough.
type RetentionStore interface {
	// Expire deletes data of a kind that is from before a time, some at a time so that
	// nobody waits for long, and returns how many rows went. When it fails, what went is
	// gone.
	Expire(ctx context.Context, kind Data, before time.Time) (int64, error)
}

// Apply deletes what is older than it may be at a time, and returns how much went of
// each kind. A kind that fails does not keep the others.
func (r Retention) Apply(ctx context.Context, store RetentionStore, now time.Time) (map[Data]int64, error) {
	gone := map[Data]int64{}
	var failed error
	for _, kind := range Kinds {
		if r[kind] <= 0 {
			continue
		}
		n, err := store.Expire(ctx, kind, now.Add(-r[kind]))
		gone[kind] = n
		if err != nil && failed == nil {
			failed = fmt.Errorf("retention of %s: %w", kind, err)
		}
	}
	return gone, failed
}

// Keeper applies a retention once a day.
type Keeper struct {
	Store     RetentionStore
	Retention Retention
	Log       *slog.Logger
}

// keepEvery is how often, and keepRetry when a day's work failed.
const (
	keepEvery = 24 * time.Hour
	keepRetry = time.Hour
)

// Run applies the retention now and once a day, until ctx is done.
func (k *Keeper) Run(ctx context.Context) error {
	for {
		next := keepEvery
		gone, err := k.Retention.Apply(ctx, k.Store, time.Now())
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			k.Log.Error("retention: some data is kept for longer than configured; trying again", "in", keepRetry, "error", err)
			next = keepRetry
		}
		for kind, n := range gone {
			if n > 0 {
				k.Log.Info("retention: deleted what was kept for long enough", "kind", kind, "rows", n)
			}
		}
		timer := time.NewTimer(next)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-timer.C:
		}
	}
}
