package smtptest

// window finds the most events in any 1 s and any 10 s, at a resolution of 1 ms:
// its windows are 1,000 and 10,000 consecutive milliseconds.
type window struct {
	counts         []uint32 // of the last 10 s, at index ms modulo its length; nil before the first event
	newest         int64    // the last ms that was counted
	second, ten    int      // events in the windows that end at newest
	peak1s, peak10 int
}

const (
	shortWindow = 1000
	longWindow  = 10 * shortWindow
)

// add counts an event at a time in ms ≥ 0; a time before the newest one counts as
// the newest.
func (w *window) add(ms int64) {
	if w.counts == nil {
		w.counts = make([]uint32, longWindow)
		w.newest = ms
	}
	w.advance(ms)
	w.counts[w.newest%longWindow]++
	w.second++
	w.ten++
	w.peak1s = max(w.peak1s, w.second)
	w.peak10 = max(w.peak10, w.ten)
}

func (w *window) advance(ms int64) {
	if ms-w.newest >= longWindow {
		clear(w.counts)
		w.second, w.ten, w.newest = 0, 0, ms
		return
	}
	for w.newest < ms {
		w.newest++
		w.second -= int(w.counts[(w.newest+longWindow-shortWindow)%longWindow])
		oldest := &w.counts[w.newest%longWindow]
		w.ten -= int(*oldest)
		*oldest = 0
	}
}
