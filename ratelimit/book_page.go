package ratelimit

import (
	"sync"
	"sync/atomic"
)

// pendingKept bounds the steps that wait for a server that is away; the oldest go
// first, and what they did here stays until the server is back.
const pendingKept = 256

// page is what a book has of one key: the record as the bucket has it, and the steps
// that were taken here since. When another sender was faster, our steps are taken
// again from its record, so that both count.
type page struct {
	key    Key
	record atomic.Pointer[Record] // as it holds here; nil: nothing is known
	tally  tally

	mu      sync.Mutex
	gone    bool   // from its shelf
	base    Record // as in the bucket
	rev     uint64 // of base; 0: not there
	pending []change
	// written is the Write of the record that is under way to the bucket, and of how
	// many pending steps it tells; 0: none.
	written uint64
	steps   int
}

func (p *page) now() Record {
	if r := p.record.Load(); r != nil {
		return *r
	}
	return Record{}
}

func (p *page) set(r Record) {
	if r.empty() {
		p.record.Store(nil)
		return
	}
	p.record.Store(&r)
}

// change takes a step and, if keep is set, keeps it for the bucket; changed is false
// when it changed nothing, gone is true when the page is no longer the key's.
func (p *page) change(c change, keep bool) (changed, gone bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.gone {
		return false, true
	}
	r, ok := c(p.now())
	if !ok {
		return false, false
	}
	p.set(r)
	if !keep {
		return true, false
	}
	if len(p.pending) >= pendingKept {
		p.pending = p.pending[1:]
		p.steps = max(p.steps-1, 0)
	}
	p.pending = append(p.pending, c)
	return true, false
}

// learn takes a record of the bucket; changed tells whether something else holds now,
// gone as in change. A record that is not newer is taken only when it was asked for.
func (p *page) learn(r Record, rev uint64, asked bool) (changed, gone bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.gone {
		return false, true
	}
	if rev <= p.rev && !asked {
		return false, false
	}
	if p.written != 0 && r.Write == p.written { // ours: an answer that came late, or never
		p.confirm()
	}
	before := p.now()
	p.base, p.rev = r, rev
	p.again()
	return !before.same(p.now()), false
}

// again takes the pending steps from the base; those that do nothing there are done.
func (p *page) again() {
	r, left, steps := p.base, p.pending[:0], p.steps
	for i, c := range p.pending {
		next, ok := c(r)
		if ok {
			r, left = next, append(left, c)
		} else if i < steps {
			p.steps--
		}
	}
	clear(p.pending[len(left):])
	p.pending = left
	p.set(r)
}

// confirm drops the steps that the bucket has.
func (p *page) confirm() {
	p.pending = p.pending[p.steps:]
	p.written, p.steps = 0, 0
}

// blank takes the page out of use if it says nothing, here and in the bucket.
func (p *page) blank() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.gone = p.record.Load() == nil && len(p.pending) == 0 && p.base.empty()
	return p.gone
}

// toWrite is the record to be written over a revision, under an id of its own; false
// when there is nothing to be written.
func (p *page) toWrite(id uint64) (r Record, rev uint64, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.pending) == 0 {
		return Record{}, 0, false
	}
	p.written, p.steps = id, len(p.pending)
	r = p.now()
	r.Write = id
	return r, p.rev, true
}

// wrote notes that the bucket has a record; changed is as in learn. The watch may have
// been faster, with the record itself or with one that another sender has made of it
// since: that one stays, being newer, and has our steps.
func (p *page) wrote(r Record, rev uint64) (changed bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.written != r.Write {
		return false
	}
	p.confirm()
	if p.rev <= rev {
		p.base, p.rev = r, rev
		return false
	}
	before := p.now()
	p.again()
	return !before.same(p.now())
}
