package webhook

import "time"

// Hurry makes a dispatcher wait less.
func (d *Dispatcher) Hurry(delay, request, tryFor, disableAfter time.Duration) {
	d.pace = pace{func(int) time.Duration { return delay }, request, tryFor, disableAfter, delay}
}
