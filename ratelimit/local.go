package ratelimit

import (
	"context"
	"sync"
	"time"
)

// Local keeps the limits of one process that shares them with nobody.
type Local struct {
	now func() time.Time

	mu    sync.Mutex
	gates map[string]*localGate // those that are open, or whose next slot is still to come
	sweep int                   // at how many gates to look for those that can be forgotten
}

// NewLocal makes a limiter; now is time.Now outside of tests.
func NewLocal(now func() time.Time) *Local {
	return &Local{now: now, gates: map[string]*localGate{}, sweep: leastSweep}
}

// leastSweep is how many gates may be there before any is forgotten.
const leastSweep = 256

// Open implements Limiter.
func (l *Local) Open(key string, limits Limits, wake func()) Gate {
	l.mu.Lock()
	g := l.gates[key]
	if g == nil {
		if len(l.gates) >= l.sweep {
			l.forget()
		}
		g = &localGate{now: l.now, line: newLine()}
		l.gates[key] = g
	}
	g.reopen(wake)
	l.mu.Unlock()
	g.SetLimits(limits)
	return g
}

// forget drops the closed gates that could let a message through at once: a new one
// would do the same. The others remember when the next message may leave.
func (l *Local) forget() {
	now := l.now()
	for key, g := range l.gates {
		if g.forgettable(now) {
			delete(l.gates, key)
		}
	}
	l.sweep = max(2*len(l.gates), leastSweep)
}

// localGate is the gate of one key. All fields below mu are guarded by it.
type localGate struct {
	now  func() time.Time
	line line

	mu      sync.Mutex
	wake    func()
	opened  int // how often more than closed
	limits  Limits
	apart   time.Duration // between two messages
	last    time.Time     // the slot of the last message
	held    int           // connections
	leaving int           // of them: told by Over to close
	wanted  bool          // TryAcquire has said no since the last wake
}

func (g *localGate) reopen(wake func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.wake = wake
	g.opened++
}

func (g *localGate) forgettable(now time.Time) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.opened == 0 && g.held == 0 && g.until(now) <= 0
}

// Close implements Gate.
func (g *localGate) Close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.opened--
}

// SetLimits implements Gate.
func (g *localGate) SetLimits(l Limits) {
	g.mu.Lock()
	if l == g.limits {
		g.mu.Unlock()
		return
	}
	g.limits, g.apart = l, spacing(l.Rate)
	g.unlockAndWake(g.held > l.Connections || g.wanted && g.held < l.Connections)
	g.line.change()
}

// Wait implements Gate.
func (g *localGate) Wait(ctx context.Context) error { return g.line.pass(ctx, g.take) }

// take uses the slot that is due, or tells how long it is until the next.
func (g *localGate) take() time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.now()
	if wait := g.until(now); wait > 0 {
		return wait
	}
	// Time that nobody used is lost, but for what timers are late by.
	slot := now.Add(-late)
	if due := g.last.Add(g.apart); due.After(slot) {
		slot = due
	}
	g.last = slot
	return 0
}

// until is how long it is until the next message may leave.
func (g *localGate) until(now time.Time) time.Duration {
	switch {
	case g.apart == never:
		return never
	case g.last.IsZero():
		return 0
	}
	return g.apart - now.Sub(g.last)
}

// TryAcquire implements Gate.
func (g *localGate) TryAcquire() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.held >= g.limits.Connections {
		g.wanted = true
		return false
	}
	g.held++
	return true
}

// Rest implements Gate. Within a process, who has connections knows which of them rest.
func (g *localGate) Rest() {}

// Resume implements Gate.
func (g *localGate) Resume() {}

// Release implements Gate.
func (g *localGate) Release() {
	g.mu.Lock()
	g.held--
	g.leaving = max(g.leaving-1, 0)
	g.unlockAndWake(g.wanted && g.held < g.limits.Connections)
}

// Over implements Gate.
func (g *localGate) Over() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.held-g.leaving <= max(g.limits.Connections, 0) {
		return false
	}
	g.leaving++
	return true
}

// unlockAndWake releases the lock before it calls wake, which may call the gate.
func (g *localGate) unlockAndWake(due bool) {
	wake := g.wake
	if due {
		g.wanted = false
	}
	g.mu.Unlock()
	if due {
		wake()
	}
}
