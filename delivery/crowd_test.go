package delivery

import (
	"testing"
	"time"

	"broadside/ratelimit"
)

// When there is no room, the connection that has been idle for longest makes some, for
// the path that has waited for longest.
func TestACrowdMakesRoom(t *testing.T) {
	s := &Sender{crowd: newCrowd(2)}
	limiter := ratelimit.NewLocal(time.Now)
	limits := ratelimit.Limits{Rate: 1000, Connections: 5}
	paths := map[string]*path{}
	for _, name := range []string{"a", "b", "c"} {
		paths[name] = &path{Sender: s, renewed: time.Now().Add(time.Hour), gates: gates{limiter.Open(name, limits, func() {})}}
	}
	idle := func(p *path) *taker {
		if !p.enter() {
			t.Fatal("no room for a connection that there is room for")
		}
		one := &taker{path: p, job: make(chan routed, 1)}
		p.takers = append(p.takers, one)
		s.crowd.rest(one)
		return one
	}
	first, second := idle(paths["a"]), idle(paths["b"])
	if paths["c"].enter() {
		t.Fatal("three connections, two are allowed")
	}
	if _, open := <-first.job; open || len(paths["a"].takers) != 0 {
		t.Error("the connection that was idle for longest was not dismissed")
	}
	select {
	case <-second.job:
		t.Error("one that was idle for less was dismissed too")
	default:
	}
	if got := s.crowd.starved; len(got) != 1 || got[0] != paths["c"] {
		t.Errorf("%d paths wait for room, want the one", len(got))
	}
	paths["a"].gates.release()
	s.crowd.leave()
	if len(s.crowd.starved) != 0 || !paths["c"].enter() {
		t.Error("the room that was made is not to be had")
	}
}

// For each path that has no room one busy connection ends, after its turn.
func TestBusyConnectionsTakeTurns(t *testing.T) {
	c := newCrowd(2)
	limits := ratelimit.Limits{Rate: 1, Connections: 5}
	gate := ratelimit.NewLocal(time.Now).Open("site", limits, func() {})
	p := &path{Sender: &Sender{crowd: c}, renewed: time.Now().Add(time.Hour), gates: gates{gate}}
	starved := &path{Sender: p.Sender, renewed: p.renewed, gates: p.gates}
	long := time.Now().Add(-busyTurn)
	for range 2 {
		if !p.enter() {
			t.Fatal("no room for a connection that there is room for")
		}
	}
	if c.makeRoom(long) {
		t.Fatal("somebody makes room where nobody waits")
	}
	starved.enter()
	if c.makeRoom(time.Now()) {
		t.Error("a connection ended before its turn did")
	}
	if !c.makeRoom(long) {
		t.Error("nobody makes room for a path that waits")
	}
	if c.makeRoom(long) {
		t.Error("two connections make room for one path")
	}
	c.leave()
	if !starved.enter() || c.makeRoom(long) {
		t.Error("the room that was made is not the path's")
	}
}
