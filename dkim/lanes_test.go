package dkim

import (
	"bytes"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/binary"
	"runtime"
	"sync"
	"testing"

	"broadside/dkim/rsa8"
)

// lanes is a lane backend and crypto/rsa with the same key. Without AVX-512 IFMA the
// test says that it has nothing to test.
func lanes(t *testing.T) (*laneBackend, rsaBackend) {
	t.Helper()
	key := generate(t, "r", RSA2048).private.(*rsa.PrivateKey)
	batch, ok := rsa8.New(key)
	if !ok {
		t.Skip("NOT TESTED: this processor has no AVX-512 IFMA, which package rsa8 needs")
	}
	return newLaneBackend(batch), rsaBackend{key}
}

func digestOf(n int) (digest [sha256.Size]byte) {
	return sha256.Sum256(binary.BigEndian.AppendUint64(nil, uint64(n)))
}

// checkLane signs with both backends.
func checkLane(t *testing.T, b *laneBackend, plain rsaBackend, n int) {
	t.Helper()
	digest := digestOf(n)
	got, err := b.sign(nil, &digest)
	if err != nil {
		t.Error(err)
	}
	want, err := plain.sign(nil, &digest)
	if err != nil {
		t.Error(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("message %d: signature %x, want %x", n, got, want)
	}
}

// Every caller gets its own signature, however they come together.
func TestLanesConcurrently(t *testing.T) {
	b, plain := lanes(t)
	const callers, each = 24, 5
	var all sync.WaitGroup
	for c := range callers {
		all.Go(func() {
			for i := range each {
				checkLane(t, b, plain, c*each+i)
			}
		})
	}
	all.Wait()
	stats := b.batch.Stats()
	if stats.Signatures != callers*each || stats.Wrong != 0 || stats.Off {
		t.Errorf("%+v, want %d signatures and none wrong", stats, callers*each)
	}
	if b.working != 0 || len(b.waiting) != 0 {
		t.Errorf("%d work and %d wait when all are done", b.working, len(b.waiting))
	}
}

// One caller alone waits for nobody.
func TestLanesAlone(t *testing.T) {
	b, plain := lanes(t)
	checkLane(t, b, plain, 1)
	if got, want := b.batch.Stats(), (rsa8.Stats{Batches: 1, Signatures: 1}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// Who comes while the only worker is busy is signed together when it is done.
func TestLanesGather(t *testing.T) {
	b, plain := lanes(t)
	b.workers, b.working = 1, 1 // busy
	const callers = rsa8.Lanes + 1
	var all sync.WaitGroup
	for n := range callers {
		all.Go(func() { checkLane(t, b, plain, n) })
	}
	for waiting := 0; waiting < callers; runtime.Gosched() {
		b.mu.Lock()
		waiting = len(b.waiting)
		b.mu.Unlock()
	}
	b.leave()
	all.Wait()
	if got, want := b.batch.Stats(), (rsa8.Stats{Batches: 2, Signatures: callers}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

func TestLanesWanted(t *testing.T) {
	for _, tt := range []struct {
		workers, working, waiting int
		want                      bool
	}{
		{workers: 2, working: 0, waiting: 0, want: false},
		{workers: 2, working: 0, waiting: 1, want: true},
		{workers: 2, working: 1, waiting: 7, want: false},
		{workers: 2, working: 1, waiting: 8, want: true},
		{workers: 2, working: 2, waiting: 80, want: false},
		{workers: 1, working: 1, waiting: 8, want: false},
	} {
		b := &laneBackend{workers: tt.workers, working: tt.working}
		if got := b.wanted(tt.waiting); got != tt.want {
			t.Errorf("%+v: %v", tt, got)
		}
	}
}

// The backend changes what a signature costs, never what it is.
func TestBackendsSignTheSame(t *testing.T) {
	b, plain := lanes(t)
	key := &Key{Domain: testDomain, Selector: "r", private: plain.private}
	for name, msg := range goldens(t) {
		if refused(t, name) {
			continue
		}
		fast := Signer{keys: []signingKey{{Key: key, backend: b}}}
		slow := Signer{keys: []signingKey{{Key: key, backend: plain}}}
		if !bytes.Equal(signed(t, &fast, msg), signed(t, &slow, msg)) {
			t.Errorf("%s: the signatures differ", name)
		}
	}
}

func TestBackendNames(t *testing.T) {
	for want, key := range map[string]*Key{"crypto/rsa": rfcRSA(t), "ed25519": rfcEd25519(t)} {
		s := newSigner(t, key)
		if got := s.Backend(); got != want || s.Lanes() != (rsa8.Stats{}) {
			t.Errorf("Backend() = %q with %+v, want %q", got, s.Lanes(), want)
		}
	}
	b, _ := lanes(t)
	s := Signer{keys: []signingKey{{Key: rfcRSA(t), backend: b}}}
	signed(t, &s, dinner)
	if got := s.Backend(); got != "rsa8 (AVX-512 IFMA)" || s.Lanes().Signatures != 1 {
		t.Errorf("Backend() = %q with %+v", got, s.Lanes())
	}
}
