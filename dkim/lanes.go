package dkim

import (
	"crypto/sha256"
	"runtime"
	"sync"

	"broadside/dkim/rsa8"
)

// laneBackend signs with rsa8, up to eight messages in the time of one. It has no
// goroutines: a caller that is needed as a worker signs for all who wait, itself
// included, while the others sleep. A worker leaves after one batch and hands its
// place to the caller that waits longest, so that nobody works long for others, and
// nothing is left to stop.
type laneBackend struct {
	batch *rsa8.Batch

	workers int // at most

	mu      sync.Mutex
	working int        // at least one whenever somebody waits
	waiting []*request // by arrival
}

// request is a signature that a caller waits for.
type request struct {
	digest [sha256.Size]byte
	sig    [rsa8.Size]byte
	err    error
	turn   chan verdict // one, when it waits
}

// verdict is what a waiting caller wakes up to.
type verdict uint8

const (
	isSigned verdict = iota // a worker has filled in sig and err
	mustWork                // a worker's place is now the caller's
)

// newLaneBackend lets as many batches run at once as there are processors to run on.
func newLaneBackend(batch *rsa8.Batch) *laneBackend {
	return &laneBackend{batch: batch, workers: runtime.GOMAXPROCS(0)}
}

func (b *laneBackend) name() string {
	if b.batch.Stats().Off {
		return "crypto/rsa (rsa8 was wrong and is off)"
	}
	return "rsa8 (AVX-512 IFMA)"
}

func (b *laneBackend) sign(dst []byte, digest *[sha256.Size]byte) ([]byte, error) {
	r := &request{digest: *digest, turn: make(chan verdict, 1)}
	if b.enter(r) || <-r.turn == mustWork {
		b.work(r)
	}
	return append(dst, r.sig[:]...), r.err
}

// enter makes the caller a worker or queues its request.
func (b *laneBackend) enter(r *request) (works bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.wanted(1 + len(b.waiting)) {
		b.working++
		return true
	}
	b.waiting = append(b.waiting, r)
	return false
}

// wanted tells whether one more worker should sign what n callers wait for. The
// first always should. Others wait for a full batch: on half of one they would use
// up the processor time of eight signatures, and the one that works is soon free.
func (b *laneBackend) wanted(n int) bool {
	return n > 0 && b.working == 0 || n >= rsa8.Lanes && b.working < b.workers
}

// work signs one batch, r in it, and gives the place away.
func (b *laneBackend) work(r *request) {
	var room [rsa8.Lanes]*request
	batch := b.gather(append(room[:0], r))
	b.signBatch(batch)
	b.leave()
	for _, other := range batch[1:] {
		other.turn <- isSigned
	}
}

// gather fills a batch with those who wait. While it isn't full it lets other
// goroutines run as long as that brings more: on a busy machine they are about to
// ask for a signature, and on an idle one there are none and this costs nothing.
func (b *laneBackend) gather(batch []*request) []*request {
	for {
		before := len(batch)
		batch = b.take(batch)
		if len(batch) == rsa8.Lanes {
			return batch
		}
		runtime.Gosched()
		if batch = b.take(batch); len(batch) == before {
			return batch
		}
	}
}

// take moves waiting requests into a batch.
func (b *laneBackend) take(batch []*request) []*request {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := min(len(b.waiting), rsa8.Lanes-len(batch))
	batch = append(batch, b.waiting[:n]...)
	b.drop(n)
	return batch
}

// drop removes the first n who wait, keeping the slice's memory.
func (b *laneBackend) drop(n int) {
	rest := copy(b.waiting, b.waiting[n:])
	clear(b.waiting[rest:])
	b.waiting = b.waiting[:rest]
}

// leave hands the place on to who waits longest, if another worker is wanted.
func (b *laneBackend) leave() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.working--
	if !b.wanted(len(b.waiting)) {
		return
	}
	next := b.waiting[0]
	b.drop(1)
	b.working++
	next.turn <- mustWork
}

func (b *laneBackend) signBatch(batch []*request) {
	var digests [rsa8.Lanes][sha256.Size]byte
	var sigs [rsa8.Lanes][rsa8.Size]byte
	for i, r := range batch {
		digests[i] = r.digest
	}
	err := b.batch.Sign(sigs[:len(batch)], digests[:len(batch)])
	for i, r := range batch {
		r.sig, r.err = sigs[i], err
	}
}
