package delivery

import (
	"testing"
	"time"

	"broadside/ratelimit"
)

// The connections that one path has all of are shared when another needs some: half of
// them end for it, and no more.
func TestSiblingsShareEvenly(t *testing.T) {
	gate := ratelimit.NewLocal(time.Now).Open("site", ratelimit.Limits{Rate: 1, Connections: 6}, func() {})
	s := &Sender{crowd: newCrowd(9)}
	st := &site{sender: s, gate: gate, siblings: siblings{starving: map[*path]bool{}, leaving: map[*path]int{}, coming: map[*path]int{}}}
	a, b := &path{Sender: s, site: st, conns: 6}, &path{Sender: s, site: st}
	b.waiting[0] = make([]routed, 9)
	st.paths = []*path{a, b}
	for range 6 {
		gate.TryAcquire()
	}
	if b.conns = 1; st.enter(b) {
		t.Fatal("seven connections, six are allowed")
	}
	b.conns = 0
	ended := 0
	for range 10 {
		if st.makeRoom(a, time.Now()) {
			ended++
		}
	}
	if ended != 3 {
		t.Errorf("%d of 6 connections end for the other path, want 3", ended)
	}
}

// twoPaths makes two paths with work to a site that allows so many connections.
func twoPaths(connections int) (st *site, a, b *path) {
	limiter := ratelimit.NewLocal(time.Now)
	s := &Sender{crowd: newCrowd(5)}
	gate := limiter.Open("site", ratelimit.Limits{Rate: 1, Connections: connections}, func() {})
	st = &site{sender: s, gate: gate, siblings: siblings{starving: map[*path]bool{}, leaving: map[*path]int{}, coming: map[*path]int{}}}
	for _, source := range []string{"a", "b"} {
		own := limiter.Open(source, ratelimit.Limits{Rate: 1, Connections: 5}, func() {})
		p := &path{Sender: s, site: st, renewed: time.Now().Add(time.Hour), gates: gates{gate, own}}
		p.waiting[0] = make([]routed, 3)
		st.paths = append(st.paths, p)
	}
	return st, st.paths[0], st.paths[1]
}

// enter opens a connection of a path, as grow does.
func enter(p *path) bool {
	p.conns++
	if p.enter() {
		return true
	}
	p.conns--
	return false
}

// Of one connection, two paths have turns, and no path is waited for that needs none.
func TestSiblingsTakeTurns(t *testing.T) {
	st, a, b := twoPaths(1)
	s := st.sender
	leave := func(p *path) {
		p.gates.release()
		s.crowd.leave()
		p.conns--
	}
	if !enter(a) || enter(b) {
		t.Fatal("the first path has the connection, and the second has none")
	}
	now := time.Now()
	if st.makeRoom(a, now) {
		t.Error("a connection ends that has just begun")
	}
	if !st.makeRoom(a, now.Add(-busyTurn)) {
		t.Error("a connection stays that has had its turn")
	}
	if st.makeRoom(a, now.Add(-busyTurn)) {
		t.Error("another one makes room for the same need")
	}
	st.madeRoom(a)
	leave(a)
	if enter(a) || !enter(b) {
		t.Error("the room that was made for the second path went to the first")
	}
	leave(b)
	b.waiting[0] = nil
	if !enter(a) {
		t.Error("a path waits for one that needs no connection")
	}
	if st.makeRoom(a, now.Add(-busyTurn)) {
		t.Error("a connection ends for nobody")
	}
}

// A path that wanted a connection of the site, and may have none more by its own limit
// since, keeps no other from those that are left.
func TestASiblingAtItsOwnLimitKeepsNobody(t *testing.T) {
	st, a, b := twoPaths(2)
	if !enter(a) || !enter(b) || enter(b) {
		t.Fatal("each path has a connection, and the second is refused another")
	}
	if !st.starving[b] {
		t.Fatal("the second path is not waited for")
	}
	b.gates[1].SetLimits(ratelimit.Limits{Rate: 1, Connections: 1})
	st.gate.SetLimits(ratelimit.Limits{Rate: 1, Connections: 5})
	if enter(b) {
		t.Fatal("the second path has more than its own limit")
	}
	for n := range 3 {
		if !enter(a) {
			t.Fatalf("the first path has %d connections and gets no more, though nobody else can use them", n+1)
		}
	}
	if st.makeRoom(a, time.Now().Add(-busyTurn)) {
		t.Error("a connection ends for a path that can have no more")
	}
}
