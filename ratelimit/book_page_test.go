package ratelimit

import (
	"math/rand/v2"
	"testing"
	"time"
)

// aReply is a step that counts one reply of its own.
func aReply(at time.Time) change {
	id := rand.Uint64()
	re := Reaction{Name: "busy", Hits: 50, Rate: 1, For: time.Hour}
	return func(r Record) (Record, bool) { return r.react(at, hundred, re, Reply{Began: at}, id) }
}

// with is a record after a step, as another sender writes it.
func with(t *testing.T, r Record, c change) Record {
	t.Helper()
	next, ok := c(r)
	if !ok {
		t.Fatal("the step changed nothing")
	}
	next.Write = rand.Uint64() | 1
	return next
}

// The bucket keeps the last record of a key alone: the watch may never say that ours was
// written, only what another sender has made of it since.
func TestWatchSkipsOurOwnWrite(t *testing.T) {
	t.Parallel()
	at := time.Now()
	p := &page{}
	p.change(aReply(at), true)
	ours, rev, _ := p.toWrite(1)
	if rev != 0 {
		t.Fatalf("written over revision %d", rev)
	}
	p.learn(with(t, ours, aReply(at)), 2, false) // before the answer to ours, revision 1
	if n := len(p.now().Hits); n != 2 {
		t.Errorf("%d replies are counted before the answer, want 2", n)
	}
	p.wrote(ours, 1)
	if n := len(p.now().Hits); n != 2 {
		t.Errorf("%d replies are counted after the answer, want 2", n)
	}

	p.change(aReply(at), true)
	if r, rev, ok := p.toWrite(2); !ok || rev != 2 || len(r.Hits) != 3 {
		t.Errorf("the next write is of %d replies over revision %d, want 3 over 2", len(r.Hits), rev)
	}
}

// A step that came while the record was on its way is still to be written.
func TestStepAmidTheWrite(t *testing.T) {
	t.Parallel()
	at := time.Now()
	p := &page{}
	p.change(aReply(at), true)
	ours, _, _ := p.toWrite(1)
	p.change(aReply(at), true)
	p.learn(with(t, ours, aReply(at)), 2, false)
	p.wrote(ours, 1)
	if r, rev, ok := p.toWrite(2); !ok || rev != 2 || len(r.Hits) != 3 {
		t.Errorf("the next write (%v) is of %d replies over revision %d, want 3 over 2", ok, len(r.Hits), rev)
	}
}

// The answer to a write is lost, and before it is tried again another sender has written
// over it.
func TestLostAnswerCountsOnce(t *testing.T) {
	t.Parallel()
	at := time.Now()
	p := &page{}
	p.change(aReply(at), true)
	ours, _, _ := p.toWrite(1)
	p.toWrite(2) // again, and refused
	p.learn(with(t, ours, aReply(at)), 2, true)
	if n := len(p.now().Hits); n != 2 {
		t.Errorf("%d replies are counted, want 2", n)
	}
	if _, _, ok := p.toWrite(3); ok {
		t.Error("what the bucket has is written again")
	}
}
