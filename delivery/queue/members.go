package queue

import (
	"context"
	"encoding/hex"
	"fmt"
	"hash/fnv"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Members are the senders that are alive. Each has a key in the leases' bucket that
// expires unless it is renewed, with its kind as the value, and sees those of the others.
// It is safe for concurrent use.
//
// Membership shares out work that anybody may do and one does best: two that believe
// the same lane to be theirs, for a moment, do no harm.
type Members struct {
	q    *Queue
	key  string
	kind string
	stop context.CancelFunc
	work sync.WaitGroup

	mu    sync.RWMutex
	heard map[string]heard // of the others, by key
}

// heard is when a member renewed last, and what it is.
type heard struct {
	at   time.Time
	kind string
}

// Join makes this process a member until Leave. Members of a kind can do the same work.
func (q *Queue) Join(ctx context.Context, kind string) (*Members, error) {
	m := &Members{q: q, key: "member." + hex.EncodeToString([]byte(q.opt.Name)), kind: kind, heard: map[string]heard{}}
	ctx, m.stop = context.WithCancel(ctx)
	if err := m.renew(ctx); err != nil {
		m.stop()
		return nil, err
	}
	watcher, err := q.leases.Watch(ctx, "member.*")
	if err != nil {
		m.stop()
		return nil, fmt.Errorf("queue: following the members: %w", err)
	}
	m.work.Go(func() { m.follow(watcher) })
	m.work.Go(func() {
		defer func() { _ = watcher.Stop() }()
		m.keep(ctx)
	})
	return m, nil
}

// Leave tells the others that they may share out what was this member's.
func (m *Members) Leave() {
	m.stop()
	m.work.Wait()
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if err := m.q.leases.Purge(ctx, m.key, jetstream.PurgeTTL(m.q.opt.LeaseTTL)); err != nil {
		m.q.opt.Log.Debug("queue: did not take leave, the membership expires", "error", err)
	}
}

// renew publishes to the bucket's subject because KeyValue.Put would set no TTL.
func (m *Members) renew(ctx context.Context) error {
	_, err := m.q.js.PublishMsg(ctx,
		&nats.Msg{Subject: "$KV." + leasesBucket + "." + m.key, Data: []byte(m.kind)},
		jetstream.WithMsgTTL(m.q.opt.LeaseTTL))
	if err != nil {
		return fmt.Errorf("queue: joining the members: %w", err)
	}
	return nil
}

func (m *Members) keep(ctx context.Context) {
	tick := time.NewTicker(m.q.opt.LeaseTTL / 3)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if err := m.renew(ctx); err != nil && ctx.Err() == nil {
				m.q.opt.Log.Warn("queue: the membership was not renewed, trying again", "error", err)
			}
		}
	}
}

func (m *Members) follow(w jetstream.KeyWatcher) {
	for entry := range w.Updates() {
		if entry == nil { // all that was there at the start has been seen
			continue
		}
		if entry.Key() == m.key { // we are here, whatever the server forgot
			continue
		}
		m.mu.Lock()
		if entry.Operation() == jetstream.KeyValuePut {
			m.heard[entry.Key()] = heard{time.Now(), string(entry.Value())}
		} else {
			delete(m.heard, entry.Key())
		}
		m.mu.Unlock()
	}
}

// Mine reports whether a piece of work is this member's: one of each kind has it. Among
// them it falls to the member whose name and its own together have the highest hash, so
// that one who comes or goes moves only what becomes, or was, his (Thaler and
// Ravishankar, 1998).
func (m *Members) Mine(work string) bool {
	m.mu.RLock()
	defer m.mu.RUnlock()
	own := claim(work, m.key)
	for key, other := range m.heard {
		if other.kind != m.kind || !m.alive(other) {
			continue
		}
		if c := claim(work, key); c > own || c == own && key > m.key {
			return false
		}
	}
	return true
}

// alive reports whether a member may be alive still. The server, or the connection to it,
// may be gone at the moment at which it would tell of an expiry.
func (m *Members) alive(other heard) bool { return time.Since(other.at) <= 2*m.q.opt.LeaseTTL }

// Others are the kinds of the other members that are alive.
func (m *Members) Others() []string {
	m.mu.RLock()
	defer m.mu.RUnlock()
	var kinds []string
	for _, other := range m.heard {
		if m.alive(other) {
			kinds = append(kinds, other.kind)
		}
	}
	return kinds
}

// claim is a member's claim to a piece of work. FNV alone hardly mixes what comes last,
// so its sum is multiplied through once more.
func claim(work, member string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(work))
	h.Write([]byte{0})
	h.Write([]byte(member))
	sum := h.Sum64()
	sum = (sum ^ sum>>33) * 0xff51afd7ed558ccd
	sum = (sum ^ sum>>33) * 0xc4ceb9fe1a85ec53
	return sum ^ sum>>33
}
