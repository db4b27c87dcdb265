package meter

import (
	"math/bits"
	"sync/atomic"
	"time"
)

// Durations are counted in buckets: fine for each power of two of microseconds, up to
// somewhat over an hour. A quantile is so at most one part in fine wrong.
const (
	fine    = 16
	fineLog = 4
	powers  = 32
	buckets = (powers-fineLog)*fine + fine
)

// histogram counts durations. Many may add at once.
type histogram [buckets]atomic.Uint64

func (h *histogram) add(d time.Duration) { h[bucketOf(d)].Add(1) }

// bucketOf maps 0…15 µs to themselves, and then sixteen buckets to each power of two.
func bucketOf(d time.Duration) int {
	us := uint64(max(d.Microseconds(), 0))
	if us < fine {
		return int(us)
	}
	shift := bits.Len64(us) - fineLog - 1
	return min((shift+1)*fine+int(us>>shift)-fine, buckets-1)
}

// middle is the duration in the middle of a bucket.
func middle(bucket int) time.Duration {
	if bucket < fine {
		return time.Duration(bucket) * time.Microsecond
	}
	shift := bucket/fine - 1
	low := uint64(fine+bucket%fine) << shift
	return time.Duration(low+(1<<shift)/2) * time.Microsecond
}

// Counts are how many durations fell in each bucket; buckets after the last that is not
// empty are left out.
type Counts []uint64

func (h *histogram) counts() Counts {
	c := make(Counts, 0, buckets)
	for i := range h {
		if n := h[i].Load(); n > 0 {
			c = append(c, make(Counts, i-len(c))...)
			c = append(c, n)
		}
	}
	return c
}

// add adds the counts of others.
func (c Counts) add(other Counts) Counts {
	if len(other) > len(c) {
		c = append(c, make(Counts, len(other)-len(c))...)
	}
	for i, n := range other {
		c[i] += n
	}
	return c
}

// since is what came after an earlier reading of the same histogram.
func (c Counts) since(before Counts) Counts {
	later := append(Counts(nil), c...)
	for i, n := range before {
		later[i] -= n
	}
	return later
}

// Quantile is the duration that a part q, 0 to 1, of all did not exceed; 0 when there are
// none.
func (c Counts) Quantile(q float64) time.Duration {
	var all uint64
	for _, n := range c {
		all += n
	}
	if all == 0 {
		return 0
	}
	rank := min(uint64(q*float64(all)), all-1)
	for i, n := range c {
		if n > rank {
			return middle(i)
		}
		rank -= n
	}
	return 0
}
