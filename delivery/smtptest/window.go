package smtptest

import "time"

// window finds the most events in any second and any ten seconds, exactly: of the
// windows that hold most, one ends with an event. It keeps the events of the last ten
// seconds.
type window struct {
	events         []time.Duration // a ring with len a power of two: event n is at n modulo len
	next           int             // number of the next event
	second, ten    int             // numbers of the first events in the windows that end now
	peak1s, peak10 int
}

// add counts an event; a time before the newest one counts as the newest.
func (w *window) add(at time.Duration) {
	if w.next > w.ten {
		at = max(at, w.at(w.next-1))
	}
	for w.second < w.next && at-w.at(w.second) >= time.Second {
		w.second++
	}
	for w.ten < w.next && at-w.at(w.ten) >= 10*time.Second {
		w.ten++
	}
	if w.next-w.ten == len(w.events) {
		w.grow()
	}
	w.events[w.next&(len(w.events)-1)] = at
	w.next++
	w.peak1s = max(w.peak1s, w.next-w.second)
	w.peak10 = max(w.peak10, w.next-w.ten)
}

func (w *window) at(n int) time.Duration { return w.events[n&(len(w.events)-1)] }

func (w *window) grow() {
	larger := make([]time.Duration, max(2*len(w.events), 64))
	for n := w.ten; n < w.next; n++ {
		larger[n&(len(larger)-1)] = w.at(n)
	}
	w.events = larger
}
