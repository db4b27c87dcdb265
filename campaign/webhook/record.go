package webhook

import (
	"context"
	"sync"
)

// recorder writes deliveries down: those that come while it writes go together into the
// next transaction.
type recorder struct {
	store Store

	writing sync.Mutex // held by the one who writes
	mu      sync.Mutex // guards open and its list
	open    *batch     // takes deliveries
}

// batch is deliveries that are written together, by the first of their owners whose
// turn it is.
type batch struct {
	list    []Delivery
	written bool // guarded by recorder.writing, as err
	err     error
}

// put returns when the delivery is written down.
func (r *recorder) put(ctx context.Context, d Delivery) error {
	r.mu.Lock()
	if r.open == nil {
		r.open = &batch{}
	}
	b := r.open
	b.list = append(b.list, d)
	r.mu.Unlock()

	r.writing.Lock()
	defer r.writing.Unlock()
	if b.written {
		return b.err
	}
	r.mu.Lock()
	r.open = nil // b, since batches are written in order
	r.mu.Unlock()
	b.err, b.written = r.store.RecordDeliveries(ctx, b.list), true
	return b.err
}
