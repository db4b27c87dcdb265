package ratelimit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	sitesBucket = "broadside_sites"
	// writeTimeout is how long a write waits for its answer, and writePause how long
	// the writer rests after one that failed.
	writeTimeout = 2 * time.Second
	writePause   = 250 * time.Millisecond
	// sweepEvery is how often what no longer matters is deleted, and markersKept how long
	// the bucket tells late watchers of it.
	sweepEvery  = time.Minute
	markersKept = time.Hour
)

// keeper ties a book to its KV bucket: one goroutine follows what others write, one
// writes what was learned here. Each key is a record in JSON, changed by
// compare-and-swap only.
type keeper struct {
	book *Book
	conn *nats.Conn
	kv   jetstream.KeyValue
	ctx  context.Context // done when the book is closed
	stop context.CancelFunc
	done sync.WaitGroup
	wake chan struct{}

	mu    sync.Mutex
	dirty map[*page]bool
}

// OpenBook opens the book that all processes of a cluster share, making its bucket if
// it is new. All that is in it is known when OpenBook returns. The caller closes the
// book before the connection of js. now is time.Now outside of tests.
func OpenBook(ctx context.Context, js jetstream.JetStream, replicas int, log *slog.Logger, now func() time.Time) (*Book, error) {
	kv, err := js.CreateOrUpdateKeyValue(ctx, jetstream.KeyValueConfig{
		Bucket: sitesBucket, Replicas: max(replicas, 1), LimitMarkerTTL: markersKept,
		Description: "what was learned of sites from their replies, and which ones are paused",
	})
	if err != nil {
		return nil, fmt.Errorf("bucket %s: %w", sitesBucket, err)
	}
	b := NewBook()
	b.log, b.now = log, now
	k := &keeper{book: b, conn: js.Conn(), kv: kv, wake: make(chan struct{}, 1), dirty: map[*page]bool{}}
	k.ctx, k.stop = context.WithCancel(context.WithoutCancel(ctx))
	watcher, err := kv.WatchAll(k.ctx)
	if err != nil {
		k.stop()
		return nil, fmt.Errorf("bucket %s: following it: %w", sitesBucket, err)
	}
	b.keeper = k
	known := make(chan struct{})
	k.done.Go(func() { k.follow(watcher, sync.OnceFunc(func() { close(known) })) })
	k.done.Go(k.run)
	select {
	case <-known:
		return b, nil
	case <-ctx.Done():
		b.Close()
		return nil, fmt.Errorf("bucket %s: reading it: %w", sitesBucket, ctx.Err())
	}
}

// Close writes what is still to be written, waiting for no more than seconds, and ends
// the book's goroutines. It may be asked after that, and closed again.
func (b *Book) Close() {
	if b.keeper == nil {
		return
	}
	b.keeper.stop()
	b.keeper.done.Wait()
}

// follow takes in what the bucket says until the book is closed; known is called when
// all that was there has been seen. After each loss of the connection it reads all of
// the bucket again: the client would notice only seconds later that it missed some.
func (k *keeper) follow(w jetstream.KeyWatcher, known func()) {
	connected := k.conn.StatusChanged(nats.CONNECTED)
	defer k.conn.RemoveStatusListener(connected)
	for {
		k.read(w, connected, known)
		_ = w.Stop()
		for range w.Updates() { // until it has stopped
		}
		var err error
		for w, err = k.kv.WatchAll(k.ctx); err != nil; w, err = k.kv.WatchAll(k.ctx) {
			if !k.rest() {
				return
			}
		}
	}
}

// read takes in what a watcher says until the connection is made anew, or the book is
// closed.
func (k *keeper) read(w jetstream.KeyWatcher, connected <-chan nats.Status, known func()) {
	for {
		select {
		case <-k.ctx.Done():
			return
		case <-connected:
			return
		case entry, ok := <-w.Updates():
			if !ok {
				return
			}
			if entry == nil {
				known()
				continue
			}
			k.learn(entry, false)
		}
	}
}

func (k *keeper) learn(entry jetstream.KeyValueEntry, asked bool) {
	key, err := parseKey(entry.Key())
	if err != nil {
		k.book.log.Warn("sites: a key of the bucket is not ours, left alone", "key", entry.Key())
		return
	}
	var r Record
	if entry.Operation() == jetstream.KeyValuePut {
		if err := json.Unmarshal(entry.Value(), &r); err != nil {
			k.book.log.Warn("sites: what was learned of a key cannot be read, and is learned anew", "key", key.String(), "error", err)
			r = Record{}
		}
	}
	changed, gone := k.book.page(key).learn(r, entry.Revision(), asked)
	for gone {
		changed, gone = k.book.page(key).learn(r, entry.Revision(), asked)
	}
	if changed {
		k.book.changed(key)
	}
}

// mark has a page written soon.
func (k *keeper) mark(p *page) {
	k.mu.Lock()
	k.dirty[p] = true
	k.mu.Unlock()
	k.poke()
}

func (k *keeper) poke() {
	select {
	case k.wake <- struct{}{}:
	default:
	}
}

func (k *keeper) marked() []*page {
	k.mu.Lock()
	defer k.mu.Unlock()
	list := make([]*page, 0, len(k.dirty))
	for p := range k.dirty {
		list = append(list, p)
	}
	clear(k.dirty)
	return list
}

// run writes until the book is closed, and then once more.
func (k *keeper) run() {
	sweep := time.NewTicker(sweepEvery)
	defer sweep.Stop()
	away := false
	for {
		select {
		case <-k.ctx.Done():
			if err := k.writeAll(); err != nil {
				k.book.log.Warn("sites: what was learned last is not written and will be learned again", "error", err)
			}
			return
		case <-sweep.C:
			k.book.sweep(k.book.now())
			continue
		case <-k.wake:
		}
		err := k.writeAll()
		if err != nil && !away {
			k.book.log.Warn("sites: the bucket cannot be written, going on with what this process knows", "error", err)
		} else if err == nil && away {
			k.book.log.Info("sites: the bucket is written again")
		}
		if away = err != nil; away {
			k.rest()
			k.poke()
		}
	}
}

// rest waits a moment before what failed is tried again; false when the book is closed.
func (k *keeper) rest() bool {
	t := time.NewTimer(writePause)
	defer t.Stop()
	select {
	case <-k.ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// writeAll writes the marked pages; after a failure the rest stay marked.
func (k *keeper) writeAll() error {
	pages := k.marked()
	for i, p := range pages {
		if err := k.write(p); err != nil {
			for _, p := range pages[i:] {
				k.mark(p)
			}
			return err
		}
	}
	return nil
}

// write brings a page's pending steps into the bucket. When another sender was
// faster, they are taken again from what it wrote.
func (k *keeper) write(p *page) error {
	ctx, cancel := context.WithTimeout(context.Background(), writeTimeout)
	defer cancel()
	name := p.key.name()
	for {
		r, rev, ok := p.toWrite(rand.Uint64() | 1)
		if !ok {
			return nil
		}
		newRev, err := k.put(ctx, name, r, rev)
		if err == nil {
			if p.wrote(r, newRev) {
				k.book.changed(p.key)
			}
			return nil
		}
		if !errors.Is(err, jetstream.ErrKeyRevisionMismatch) && !errors.Is(err, jetstream.ErrKeyExists) {
			return err
		}
		if err := k.refresh(ctx, p, name); err != nil {
			return err
		}
	}
}

// put writes a record over a revision, or takes it out if it is empty.
func (k *keeper) put(ctx context.Context, name string, r Record, rev uint64) (uint64, error) {
	if r.empty() && rev == 0 {
		return 0, nil
	}
	if r.empty() {
		return rev, k.kv.Purge(ctx, name, jetstream.LastRevision(rev), jetstream.PurgeTTL(markersKept))
	}
	value, err := json.Marshal(r)
	if err != nil {
		return 0, fmt.Errorf("record of %s: %w", name, err)
	}
	if rev == 0 {
		return k.kv.Create(ctx, name, value)
	}
	return k.kv.Update(ctx, name, value, rev)
}

// refresh asks for what the bucket has. A replica may answer that is a little behind:
// then the next write fails too, and it is asked again.
func (k *keeper) refresh(ctx context.Context, p *page, name string) error {
	entry, err := k.kv.Get(ctx, name)
	switch {
	case err == nil:
		k.learn(entry, true)
	case errors.Is(err, jetstream.ErrKeyNotFound):
		if changed, _ := p.learn(Record{}, 0, true); changed { // not gone: it has pending steps
			k.book.changed(p.key)
		}
	default:
		return err
	}
	return ctx.Err()
}
