package ratelimit

import (
	"context"
	"sync/atomic"
	"time"
)

// line lets callers pass one by one, in the order in which they came. The first in the
// line waits for its slot; the others wait for the first.
type line struct {
	first   chan struct{} // holds one token while somebody is the first
	changed chan struct{} // tells the first that slots may have moved
	waiting atomic.Int32  // callers in the line
}

func newLine() line {
	return line{first: make(chan struct{}, 1), changed: make(chan struct{}, 1)}
}

// pass blocks until take gives a slot. take reports how long to wait before asking
// again; 0 means that the slot was taken.
func (l *line) pass(ctx context.Context, take func() time.Duration) error {
	l.waiting.Add(1)
	defer l.waiting.Add(-1)
	select {
	case l.first <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-l.first }()
	if err := ctx.Err(); err != nil {
		return err
	}
	wait := take()
	if wait <= 0 {
		return nil
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for wait > 0 {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-timer.C:
		case <-l.changed:
		}
		if wait = take(); wait > 0 {
			timer.Reset(wait)
		}
	}
	return nil
}

// change lets the first in the line ask again.
func (l *line) change() {
	select {
	case l.changed <- struct{}{}:
	default:
	}
}
