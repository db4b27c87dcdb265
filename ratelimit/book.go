package ratelimit

import (
	"hash/maphash"
	"iter"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// shelves divide the book, so that many connections can look into it at once.
const shelves = 64

// Book keeps what was learned of keys from replies, and what people have paused. What
// this process learns holds here at once; a book over a bucket tells the other senders
// within milliseconds, and keeps it over restarts. While the server is away, each
// process goes on with what it knows and learns. It is safe for concurrent use.
type Book struct {
	log    *slog.Logger
	now    func() time.Time
	seed   maphash.Seed
	shelf  [shelves]shelf
	notify atomic.Pointer[func(Key)]
	keeper *keeper // nil: in memory only
}

type shelf struct {
	mu    sync.RWMutex
	pages map[Key]*page
}

// NewBook returns a book in memory, for a process that shares nothing and forgets
// with its end.
func NewBook() *Book {
	b := &Book{log: slog.New(slog.DiscardHandler), now: time.Now, seed: maphash.MakeSeed()}
	for i := range b.shelf {
		b.shelf[i].pages = map[Key]*page{}
	}
	return b
}

// OnChange calls f for each key whose record has changed, here or by another process,
// also when its pause was lifted. f must return at once and may ask the book. The last
// f is called alone.
func (b *Book) OnChange(f func(Key)) { b.notify.Store(&f) }

// Key returns what was learned of a value of a kind at a site. It costs nothing to
// make, and keeps nothing for a key of which nothing is known.
func (b *Book) Key(kind Kind, value, site string) Learned {
	return Learned{b, Key{kind, value, site}}
}

// All yields the keys of which something is known, in no order. A record that has not
// changed is the same pointer as before; it must not be changed.
func (b *Book) All() iter.Seq2[Key, *Record] {
	return func(yield func(Key, *Record) bool) {
		for i := range b.shelf {
			for _, p := range b.shelf[i].list() {
				if r := p.record.Load(); r != nil && !yield(p.key, r) {
					return
				}
			}
		}
	}
}

func (s *shelf) list() []*page {
	s.mu.RLock()
	defer s.mu.RUnlock()
	list := make([]*page, 0, len(s.pages))
	for _, p := range s.pages {
		list = append(list, p)
	}
	return list
}

func (b *Book) shelfOf(key Key) *shelf {
	return &b.shelf[maphash.Comparable(b.seed, key)%shelves]
}

// find returns a key's page, or nil.
func (b *Book) find(key Key) *page {
	s := b.shelfOf(key)
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.pages[key]
}

// page returns a key's page, a new one if there is none.
func (b *Book) page(key Key) *page {
	if p := b.find(key); p != nil {
		return p
	}
	s := b.shelfOf(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	p, ok := s.pages[key]
	if !ok {
		p = &page{key: key}
		s.pages[key] = p
	}
	return p
}

// change takes a step of a key, here at once and in the bucket as soon as may be.
func (b *Book) change(key Key, c change) {
	p := b.page(key)
	changed, gone := p.change(c, b.keeper != nil)
	for gone {
		p = b.page(key)
		changed, gone = p.change(c, b.keeper != nil)
	}
	if !changed {
		return
	}
	b.changed(key)
	if b.keeper != nil {
		b.keeper.mark(p)
	}
}

func (b *Book) changed(key Key) {
	if f := b.notify.Load(); f != nil {
		(*f)(key)
	}
}

// sweep forgets what no longer matters.
func (b *Book) sweep(now time.Time) {
	for i := range b.shelf {
		s := &b.shelf[i]
		for _, p := range s.list() {
			if r := p.record.Load(); r != nil && r.spent(now) {
				b.change(p.key, func(r Record) (Record, bool) { return Record{}, !r.empty() && r.spent(now) })
			}
			s.remove(p)
		}
	}
}

// remove takes a page off the shelf if it is blank.
func (s *shelf) remove(p *page) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p.blank() {
		delete(s.pages, p.key)
	}
}
