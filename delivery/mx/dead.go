package mx

import (
	"net/netip"
	"sync"
	"time"
)

const (
	// maxDeadFor is the longest that an address is left alone.
	maxDeadFor = 15 * time.Minute
	// maxDead bounds the memory of dead addresses.
	maxDead = 1 << 16
)

// deadHosts remembers addresses that could not be connected to, so that many jobs
// for a dead host cost a few dials (RFC 5321 §4.5.4.1).
type deadHosts struct {
	first time.Duration

	mu    sync.Mutex
	addrs map[netip.Addr]death
}

// death is a period of leaving an address alone.
type death struct {
	until time.Time
	wait  time.Duration
}

// failed begins a period, twice as long as the last one if that is not long over.
// Failures within a period are of dials that had begun before: they count once.
func (d *deadHosts) failed(addr netip.Addr) {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := time.Now()
	last, known := d.addrs[addr]
	if known && now.Before(last.until) {
		return
	}
	wait := d.first
	if known && now.Before(last.until.Add(2*last.wait)) {
		wait = min(2*last.wait, maxDeadFor)
	}
	if !known && len(d.addrs) >= maxDead {
		d.sweep(now)
	}
	d.addrs[addr] = death{now.Add(wait), wait}
}

// until returns when an address may be tried, zero if it may be now.
func (d *deadHosts) until(addr netip.Addr) time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.addrs) == 0 {
		return time.Time{}
	}
	if last, known := d.addrs[addr]; known && time.Now().Before(last.until) {
		return last.until
	}
	return time.Time{}
}

// sweep makes room: what is over goes, and everything if nothing is.
func (d *deadHosts) sweep(now time.Time) {
	for addr, last := range d.addrs {
		if !now.Before(last.until) {
			delete(d.addrs, addr)
		}
	}
	if len(d.addrs) >= maxDead {
		clear(d.addrs)
	}
}
