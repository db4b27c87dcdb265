package ratelimit

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

const (
	quotasBucket = "broadside_quotas"
	// quotaKept is how long a day's count is kept: while any process may call it today.
	quotaKept = 48 * time.Hour
	// quotaParts is how many blocks a day's rest is worth: what a process that dies has
	// taken and not used is at most one of them.
	quotaParts = 100
	// askAgain is how long a day is believed to be used up: others may give back.
	askAgain = 10 * time.Second
)

// Quota counts what keys are allowed in a day (UTC), for all processes together: never
// more than the allowance. Processes take blocks of it from the NATS bucket
// broadside_quotas, which become smaller towards its end. It is safe for concurrent use.
type Quota struct {
	bucket bucket
	now    func() time.Time
	keys   sync.Map     // of *allowance by key
	made   atomic.Int64 // allowances so far
}

// allowance is what this process has taken of a key's day and not used yet.
type allowance struct {
	mu    sync.Mutex
	day   string
	left  int64     // of the last block
	of    int64     // the allowance that it was taken from
	full  int64     // the allowance that was used up
	until time.Time // when to ask again
	gone  bool      // from the keys
}

// sweepQuotas is after how many new keys the old ones are looked through: new sources
// send to as many sites as there are.
const sweepQuotas = 4096

// OpenQuota opens the bucket, making it if need be; now is time.Now outside of tests.
func OpenQuota(ctx context.Context, js jetstream.JetStream, replicas int, now func() time.Time) (*Quota, error) {
	b, err := openBucket(ctx, js, quotasBucket, quotaKept, replicas)
	if err != nil {
		return nil, err
	}
	return &Quota{bucket: b, now: now}, nil
}

// Take counts one message against today's allowance of a key; false when it is used up.
// Most calls use what an earlier one took; one in some hundred asks NATS, for at most a
// second, and an error says that NATS didn't answer: nothing was counted.
func (q *Quota) Take(ctx context.Context, key string, allowed int64) (bool, error) {
	now := q.now()
	day := now.UTC().Format(time.DateOnly)
	a := q.lock(key, day, now)
	defer a.mu.Unlock()
	if day != a.day {
		a.day, a.left, a.until = day, 0, time.Time{}
	}
	if allowed < a.of {
		a.left = 0 // it may be more than there is now
	}
	if a.left == 0 {
		if allowed <= a.full && now.Before(a.until) {
			return false, nil
		}
		taken, err := q.take(ctx, dayKey(key, a.day), func(count int64) int64 {
			return min(max((allowed-count)/quotaParts, 1), max(allowed-count, 0))
		})
		if err != nil {
			return false, fmt.Errorf("quota of %s: %w", key, err)
		}
		if taken == 0 {
			a.full, a.until = allowed, now.Add(askAgain)
			return false, nil
		}
		a.left, a.of = taken, allowed
	}
	a.left--
	return true, nil
}

// GiveBack takes back one message that was counted against a key's allowance at a time;
// what was counted on another day is over.
func (q *Quota) GiveBack(key string, at time.Time) {
	now := q.now()
	day := now.UTC().Format(time.DateOnly)
	if at.UTC().Format(time.DateOnly) != day {
		return
	}
	a := q.lock(key, day, now)
	defer a.mu.Unlock()
	if day != a.day {
		a.day, a.left = day, 0
	}
	a.left++
	a.until = time.Time{}
}

// lock returns what this process has of a key, locked.
func (q *Quota) lock(key, day string, now time.Time) *allowance {
	for {
		v, ok := q.keys.Load(key)
		if !ok {
			if v, ok = q.keys.LoadOrStore(key, &allowance{}); !ok && q.made.Add(1)%sweepQuotas == 0 {
				q.sweep(day, now)
			}
		}
		a := v.(*allowance)
		a.mu.Lock()
		if !a.gone {
			return a
		}
		a.mu.Unlock()
	}
}

// sweep forgets the keys of which this process has nothing. One that is in use stays.
func (q *Quota) sweep(day string, now time.Time) {
	q.keys.Range(func(key, v any) bool {
		a := v.(*allowance)
		if a.mu.TryLock() {
			if a.gone = a.day != day || a.left == 0 && !now.Before(a.until); a.gone {
				q.keys.Delete(key)
			}
			a.mu.Unlock()
		}
		return true
	})
}

func dayKey(key, day string) string { return bucketKey(key) + "/" + day }

// take adds to a count what block makes of it, and returns that.
func (q *Quota) take(ctx context.Context, key string, block func(count int64) int64) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTime)
	defer cancel()
	for {
		value, revision, err := q.bucket.get(ctx, key)
		if err != nil {
			return 0, err
		}
		var count int64
		if revision != 0 {
			if count, err = strconv.ParseInt(string(value), 10, 64); err != nil {
				return 0, fmt.Errorf("the count in %s cannot be read; delete the key to begin the day again: %w", quotasBucket, err)
			}
		}
		n := block(count)
		if n == 0 {
			return 0, nil
		}
		if _, err = q.bucket.put(ctx, key, strconv.AppendInt(nil, count+n, 10), revision); !errors.Is(err, errConflict) {
			return n, err
		}
	}
}

// Close gives back what was taken today and not used, as far as NATS answers.
func (q *Quota) Close(ctx context.Context) error {
	today := q.now().UTC().Format(time.DateOnly)
	var all []error
	q.keys.Range(func(key, v any) bool {
		a := v.(*allowance)
		a.mu.Lock()
		defer a.mu.Unlock()
		if a.left > 0 && a.day == today {
			left := a.left
			a.left = 0
			_, err := q.take(ctx, dayKey(key.(string), a.day), func(count int64) int64 { return -min(left, count) })
			all = append(all, err)
		}
		return ctx.Err() == nil
	})
	return errors.Join(all...)
}
