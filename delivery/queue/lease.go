package queue

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// A lease lives for leaseTTL and is renewed three times as often. Its holder stops
// before others may take it: at two thirds of the TTL without a renewal.
const (
	leaseTTL   = 6 * time.Second
	leaseRenew = leaseTTL / 3
	leaseStop  = 2 * leaseTTL / 3
)

// errLeaseLost ends the work of a holder that could not renew in time.
var errLeaseLost = errors.New("lease lost")

// Lead runs work whenever this process holds the named lease, until ctx is done.
// work returns when its context is done; when it returns by itself, the lease is
// given up, and taken again after a pause. Two holders never overlap unless their
// clocks run at different speeds; what they write is guarded by compare-and-swap all
// the same.
func (q *Queue) Lead(ctx context.Context, name string, work func(context.Context) error) error {
	for ctx.Err() == nil {
		rev, err := q.takeLease(ctx, name)
		if err != nil {
			return err
		}
		if ctx.Err() != nil {
			return nil
		}
		q.opt.Log.Debug("queue: leading", "lease", name)
		err = q.leadOnce(ctx, name, rev, work)
		if err != nil && ctx.Err() == nil {
			q.opt.Log.Warn("queue: stopped leading, trying again", "lease", name, "error", err)
			pause(ctx, time.Second)
		}
	}
	return nil
}

// takeLease waits for the lease.
func (q *Queue) takeLease(ctx context.Context, name string) (uint64, error) {
	for {
		rev, err := q.leases.Create(ctx, name, []byte(q.opt.Name), jetstream.KeyTTL(leaseTTL))
		if err == nil {
			return rev, nil
		}
		if ctx.Err() != nil {
			return 0, nil
		}
		if !errors.Is(err, jetstream.ErrKeyExists) {
			q.opt.Log.Warn("queue: the lease cannot be read, trying again", "lease", name, "error", err)
		} else if entry, err := q.leases.Get(ctx, name); err == nil && string(entry.Value()) == q.opt.Name {
			// Ours, from before a restart.
			if rev, err := q.renewLease(ctx, name, entry.Revision()); err == nil {
				return rev, nil
			}
		}
		pause(ctx, leaseRenew/2)
	}
}

// renewLease writes the lease again with a fresh TTL. It publishes to the bucket's
// subject because KeyValue.Update would drop the TTL.
func (q *Queue) renewLease(ctx context.Context, name string, rev uint64) (uint64, error) {
	ack, err := q.js.PublishMsg(ctx,
		&nats.Msg{Subject: "$KV." + leasesBucket + "." + name, Data: []byte(q.opt.Name)},
		jetstream.WithMsgTTL(leaseTTL), jetstream.WithExpectLastSequencePerSubject(rev))
	if err != nil {
		return 0, fmt.Errorf("queue: renewing lease %s: %w", name, err)
	}
	return ack.Sequence, nil
}

func (q *Queue) leadOnce(ctx context.Context, name string, rev uint64, work func(context.Context) error) error {
	workCtx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	done := make(chan error, 1)
	go func() { done <- work(workCtx) }()
	tick := time.NewTicker(leaseRenew)
	defer tick.Stop()
	renewed := time.Now()
	for {
		select {
		case err := <-done:
			q.releaseLease(ctx, name, rev)
			return err
		case <-tick.C:
		}
		renewCtx, cancel := context.WithTimeout(workCtx, leaseRenew)
		next, err := q.renewLease(renewCtx, name, rev)
		cancel()
		if err == nil {
			rev, renewed = next, time.Now()
			continue
		}
		if ctx.Err() == nil && time.Since(renewed) >= leaseStop {
			stop(errLeaseLost)
			<-done
			return fmt.Errorf("%w: %w", errLeaseLost, err)
		}
	}
}

// releaseLease lets the next holder start at once.
func (q *Queue) releaseLease(ctx context.Context, name string, rev uint64) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	if err := q.leases.Delete(ctx, name, jetstream.LastRevision(rev)); err != nil {
		q.opt.Log.Debug("queue: lease not released, it expires", "lease", name, "error", err)
	}
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
