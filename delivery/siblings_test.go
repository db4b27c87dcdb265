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

// Of one connection, two paths have turns, and no path is waited for that needs none.
func TestSiblingsTakeTurns(t *testing.T) {
	limiter := ratelimit.NewLocal(time.Now)
	s := &Sender{crowd: newCrowd(5)}
	gate := limiter.Open("site", ratelimit.Limits{Rate: 1, Connections: 1}, func() {})
	st := &site{sender: s, gate: gate, siblings: siblings{starving: map[*path]bool{}, leaving: map[*path]int{}, coming: map[*path]int{}}}
	var paths [2]*path
	for i, source := range []string{"a", "b"} {
		own := limiter.Open(source, ratelimit.Limits{Rate: 1, Connections: 5}, func() {})
		paths[i] = &path{Sender: s, site: st, renewed: time.Now().Add(time.Hour), gates: gates{gate, own}}
		paths[i].waiting[0] = make([]routed, 3)
		st.paths = append(st.paths, paths[i])
	}
	a, b := paths[0], paths[1]
	enter := func(p *path) bool {
		p.conns++
		if p.enter() {
			return true
		}
		p.conns--
		return false
	}
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
