package queue

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
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
		l, ok := q.takeLease(ctx, name)
		if !ok {
			return nil
		}
		q.opt.Log.Debug("queue: leading", "lease", name)
		err := q.leadOnce(ctx, l, work)
		if ctx.Err() != nil {
			return nil
		}
		q.opt.Log.Warn("queue: stopped leading, trying again", "lease", name, "error", err)
		pause(ctx, q.opt.LeaseTTL/6)
	}
	return nil
}

// lease is a lease that this process holds.
type lease struct {
	name string
	rev  uint64
	// stopBy is when its holder stops unless it was renewed: at two thirds of the TTL,
	// counted from before it was written, so that a third is left for stopping.
	stopBy time.Time
}

// held makes the lease that was asked for at a time and granted since.
func (q *Queue) held(name string, rev uint64, asked time.Time) *lease {
	return &lease{name: name, rev: rev, stopBy: asked.Add(q.opt.LeaseTTL * 2 / 3)}
}

// takeLease waits for the lease; false when ctx ended first.
func (q *Queue) takeLease(ctx context.Context, name string) (*lease, bool) {
	for ctx.Err() == nil {
		asked := time.Now()
		rev, err := q.leases.Create(ctx, name, []byte(q.opt.Name), jetstream.KeyTTL(q.opt.LeaseTTL))
		if err == nil {
			return q.held(name, rev, asked), true
		}
		if !errors.Is(err, jetstream.ErrKeyExists) && ctx.Err() == nil {
			q.opt.Log.Warn("queue: the lease cannot be read, trying again", "lease", name, "error", err)
		} else if entry, err := q.leases.Get(ctx, name); err == nil && string(entry.Value()) == q.opt.Name {
			// Ours, from before a restart.
			asked = time.Now()
			if rev, err := q.renewLease(ctx, name, entry.Revision()); err == nil {
				return q.held(name, rev, asked), true
			}
		}
		pause(ctx, q.opt.LeaseTTL/6)
	}
	return nil, false
}

// renewLease writes the lease again with a fresh TTL. It publishes to the bucket's
// subject because KeyValue.Update would drop the TTL.
func (q *Queue) renewLease(ctx context.Context, name string, rev uint64) (uint64, error) {
	ack, err := q.js.PublishMsg(ctx,
		&nats.Msg{Subject: "$KV." + leasesBucket + "." + name, Data: []byte(q.opt.Name)},
		jetstream.WithMsgTTL(q.opt.LeaseTTL), jetstream.WithExpectLastSequencePerSubject(rev))
	if err != nil {
		return 0, fmt.Errorf("queue: renewing lease %s: %w", name, err)
	}
	return ack.Sequence, nil
}

// leadOnce works under a lease, which is renewed three times in its life, until the
// work ends or the lease cannot be renewed in time.
func (q *Queue) leadOnce(ctx context.Context, l *lease, work func(context.Context) error) error {
	workCtx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	done := make(chan error, 1)
	go func() { done <- work(workCtx) }()
	wait := time.NewTimer(q.opt.LeaseTTL / 3)
	defer wait.Stop()
	for {
		select {
		case err := <-done:
			q.releaseLease(ctx, l)
			return err
		case <-wait.C:
		}
		asked := time.Now()
		renewCtx, cancel := context.WithDeadline(workCtx, l.stopBy)
		rev, err := q.renewLease(renewCtx, l.name, l.rev)
		cancel()
		switch {
		case err == nil:
			l = q.held(l.name, rev, asked)
			wait.Reset(q.opt.LeaseTTL / 3)
		case ctx.Err() == nil && (wrongSequence(err) || !time.Now().Before(l.stopBy)):
			stop(errLeaseLost)
			<-done
			return fmt.Errorf("%w: %w", errLeaseLost, err)
		default:
			wait.Reset(min(q.opt.LeaseTTL/12, max(time.Until(l.stopBy), 0)))
		}
	}
}

// releaseLease lets the next holder start at once.
func (q *Queue) releaseLease(ctx context.Context, l *lease) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	if err := q.leases.Delete(ctx, l.name, jetstream.LastRevision(l.rev)); err != nil {
		q.opt.Log.Debug("queue: lease not released, it expires", "lease", l.name, "error", err)
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
