package webhook

import (
	"sync/atomic"
	"time"
)

// rest is which clicks have waited for long enough since they were written down: not since
// they were made, or one that is recorded late would be told before those that show it as a
// machine's. Facts are numbered as they are written, so that what is there at a look was
// written before it. Another dispatcher begins anew.
type rest struct {
	looks []look // that are not over yet, in order
	over  atomic.Int64
}

// look is the last fact that was there at a time.
type look struct {
	at   time.Time
	last int64
}

// look notes the last fact that there is, and moves over to what was there so long before.
func (r *rest) look(now time.Time, last int64, pause time.Duration) {
	r.looks = append(r.looks, look{now, last})
	for len(r.looks) > 0 && now.Sub(r.looks[0].at) >= pause {
		r.over.Store(max(r.over.Load(), r.looks[0].last))
		r.looks = r.looks[1:]
	}
}
