package meter

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"
)

// A quantile is within a sixteenth of the exact one, whatever the durations.
func TestQuantiles(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for name, draw := range map[string]func() time.Duration{
		"microseconds": func() time.Duration { return time.Duration(random.IntN(40)) * time.Microsecond },
		"milliseconds": func() time.Duration { return time.Duration(random.ExpFloat64() * float64(5*time.Millisecond)) },
		"minutes":      func() time.Duration { return time.Duration(random.Int64N(int64(30 * time.Minute))) },
	} {
		var h histogram
		all := make([]time.Duration, 10_000)
		for i := range all {
			all[i] = draw()
			h.add(all[i])
		}
		slices.Sort(all)
		for _, q := range []float64{0, 0.5, 0.9, 0.99, 1} {
			want, got := all[min(int(q*10_000), 9999)], h.counts().Quantile(q)
			if off := (got - want).Abs(); off > want/fine+time.Microsecond {
				t.Errorf("%s: %v is %v, want %v", name, q, got, want)
			}
		}
	}
}

func TestBuckets(t *testing.T) {
	last := -1
	for d := time.Duration(0); d < 100*time.Hour; d += max(d/50, time.Microsecond) {
		b := bucketOf(d)
		if b < last || b > last+1 && last >= 0 || b >= buckets {
			t.Fatalf("%v is in bucket %d after %d", d, b, last)
		}
		last = b
	}
	if bucketOf(-time.Second) != 0 {
		t.Error("a clock that went back is no duration of 0")
	}
	if last != buckets-1 {
		t.Errorf("the longest are in bucket %d of %d", last, buckets)
	}
	if got := (Counts{}).Quantile(0.5); got != 0 {
		t.Errorf("half of nothing is %v", got)
	}
}

// Two samples tell what happened between them, those of two senders add up, and all of it
// survives the wire.
func TestSamples(t *testing.T) {
	m := New()
	site := m.Site("google")
	site.Connected(1)
	site.Allow(Limits{Rate: 20, Connections: 5})
	site.Said(Reply{Code: 421, Text: "slow down"})
	site.Attempted(true, &Took{Queue: time.Millisecond, SMTP: 20 * time.Millisecond})
	before := m.Sample()
	site.Attempted(false, &Took{SMTP: 80 * time.Millisecond})
	m.Site("google").Attempted(true, &Took{SMTP: 80 * time.Millisecond})
	m.Site("yahoo").Attempted(true, &Took{SMTP: 80 * time.Millisecond})

	text, err := json.Marshal(m.Sample())
	if err != nil {
		t.Fatal(err)
	}
	var now Sample
	if err := json.Unmarshal(text, &now); err != nil {
		t.Fatal(err)
	}
	diff := now.Since(before)
	if got, want := diff.Sites["google"], (SiteCount{Attempts: 2, Accepted: 1, Refused: 1, Connections: 1, Limits: Limits{Rate: 20, Connections: 5}, Said: Reply{Code: 421, Text: "slow down"}}); got != want {
		t.Errorf("google has %+v, want %+v", got, want)
	}
	if got := diff.Took[SMTP].Quantile(0); got < 75*time.Millisecond {
		t.Errorf("the fastest since then took %v, want 80 ms", got)
	}
	if diff.Accepted() != 2 {
		t.Errorf("%d accepted, want 2", diff.Accepted())
	}
	sum := diff.Plus(before)
	if got := sum.Sites["google"]; got.Attempts != 3 || got.Accepted != 2 {
		t.Errorf("the sum has %+v", got)
	}
	if !reflect.DeepEqual(sum.Took, now.Took) {
		t.Errorf("the sum took %v, want %v", sum.Took, now.Took)
	}
}

// Of two senders that tell different limits the lower holds, and no limit is no low one.
func TestLimitsOfSeveralSenders(t *testing.T) {
	for _, c := range []struct{ one, other, want Limits }{
		{Limits{20, 5}, Limits{10, 5}, Limits{10, 5}},
		{Limits{20, 5}, Limits{20, 3}, Limits{20, 3}},
		{Limits{20, 5}, Limits{0, 5}, Limits{20, 5}},
		{Limits{20, 0}, Limits{}, Limits{20, 0}},
		{Limits{}, Limits{}, Limits{}},
	} {
		one, other := SiteCount{Limits: c.one}, SiteCount{Limits: c.other}
		if got := one.plus(other).Limits; got != c.want {
			t.Errorf("%v and %v are %v, want %v", c.one, c.other, got, c.want)
		}
		if got := other.plus(one).Limits; got != c.want {
			t.Errorf("%v and %v are %v, want %v", c.other, c.one, got, c.want)
		}
	}
}

// A sender that meets very many sites keeps a bounded number of counters, and loses no
// attempt.
func TestManySites(t *testing.T) {
	m := New()
	for i := range 10 * mostSites {
		m.Site(fmt.Sprint("site", i)).Attempted(true, &Took{})
	}
	s := m.Sample()
	if len(s.Sites) != mostSites+1 || s.Accepted() != 10*mostSites {
		t.Errorf("%d sites with %d accepted, want %d with %d", len(s.Sites), s.Accepted(), mostSites+1, 10*mostSites)
	}
}

func TestNilMeter(t *testing.T) {
	var m *Meter
	m.Site("google").Attempted(true, &Took{})
	m.Site("google").Connected(1)
	if s := m.Sample(); s.Accepted() != 0 {
		t.Errorf("nobody counted %+v", s)
	}
}

func BenchmarkAttempted(b *testing.B) {
	s := New().Site("google")
	took := Took{Queue: time.Millisecond, Render: 9 * time.Microsecond, Sign: 150 * time.Microsecond, Wait: time.Millisecond, SMTP: 20 * time.Millisecond}
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			s.Attempted(true, &took)
		}
	})
}
