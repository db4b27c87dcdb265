package queue

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"broadside/campaign"
)

func retrySubject(who campaign.Recipient) string {
	return "rat." + who.Lane.String() + "." + strconv.FormatInt(int64(who.Run), 10) + "." + strconv.FormatInt(int64(who.Contact), 10)
}

// Retry implements campaign.JobQueue: when it returns nil the schedule (ADR-51) is
// durable. Callers jitter due: all schedules of one moment fire under one lock.
func (q *Queue) Retry(ctx context.Context, j campaign.Job, due time.Time) error {
	msg := &nats.Msg{
		Subject: retrySubject(j.Recipient),
		Header: nats.Header{
			// jetstream.WithScheduleAt would cut the fraction of the second off, and the
			// jitter with it.
			jetstream.ScheduleHeader:       {"@at " + due.UTC().Format(time.RFC3339Nano)},
			jetstream.ScheduleTargetHeader: {"rdue." + j.Lane.String() + "." + strconv.FormatInt(int64(j.Run), 10)},
		},
		Data: appendJob(nil, &j),
	}
	if _, err := q.js.PublishMsg(ctx, msg); err != nil {
		return fmt.Errorf("queue: scheduling a retry of contact %d in run %d: %w", j.Contact, j.Run, explain(err))
	}
	return nil
}

// HasRetry implements campaign.JobQueue.
func (q *Queue) HasRetry(ctx context.Context, who campaign.Recipient) (bool, error) {
	_, err := q.retry.GetLastMsgForSubject(ctx, retrySubject(who))
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("queue: looking for the retry of contact %d in run %d: %w", who.Contact, who.Run, err)
	}
	return true, nil
}
