package ratelimit

import (
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"
)

func TestShareConnections(t *testing.T) {
	for _, c := range []struct {
		limit int
		wants []int
		want  []int
	}{
		{10, nil, []int{}},
		{10, []int{3, 4}, []int{3, 4}},
		{10, []int{20, 20}, []int{5, 5}},
		{10, []int{20, 2, 20}, []int{4, 2, 4}},
		{5, []int{20, 20}, []int{3, 2}},
		{2, []int{0, 1, 0, 9}, []int{0, 1, 0, 1}},
		{0, []int{1, 2}, []int{0, 0}},
		{-1, []int{1, 2}, []int{0, 0}},
	} {
		if got := shareConnections(c.limit, c.wants, 12345); !slices.Equal(got, c.want) {
			t.Errorf("%d among %v: %v, want %v", c.limit, c.wants, got, c.want)
		}
	}
}

func TestTurnsComeToEverybody(t *testing.T) {
	for _, limit := range []int{1, 2, 3} {
		wants := []int{5, 0, 1, 2, 9} // four processes want some
		had := make([]int, len(wants))
		for round := range 12 {
			shares := shareConnections(limit, wants, int64(round)*int64(turn))
			total := 0
			for i, n := range shares {
				had[i] += n
				total += n
				if n > wants[i] || n > 1 {
					t.Errorf("%d among %v: %v", limit, wants, shares)
				}
			}
			if total != limit {
				t.Errorf("%d were given away of %d", total, limit)
			}
		}
		if want := 12 * limit / 4; !slices.Equal(had, []int{want, 0, want, want, want}) {
			t.Errorf("in twelve turns %v had a connection, want %d each", had, want)
		}
	}
}

func TestSharePaces(t *testing.T) {
	for _, c := range []struct {
		rate  float64
		wants []float64
		want  []float64
	}{
		{100, []float64{10}, []float64{10}},
		{100, []float64{1000}, []float64{100}},
		{100, []float64{1000, 1000}, []float64{50, 50}},
		{100, []float64{1000, 10, 1000}, []float64{45, 10, 45}},
		{100, []float64{40, 10, 1000}, []float64{40, 10, 50}},
		{0.1, []float64{8, 8}, []float64{0.05, 0.05}},
	} {
		got := sharePaces(c.rate, c.wants)
		for i := range got {
			if math.Abs(got[i]-c.want[i]) > 1e-9 {
				t.Errorf("%v among %v: %v, want %v", c.rate, c.wants, got, c.want)
			}
		}
	}
}

// Whatever processes take, give back and change, no two slots are closer than the rate of
// the later one allows, and what was taken is never free again.
func TestTablesKeepSlotsApart(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 1))
		rates := []float64{0, 1. / 600, 0.2, 1, 7, 60, 440, 999, mostRate}
		now := int64(1_800_000_000_000_000_000)
		tab := table{}
		var slots []int64
		var given []block
		apart := map[int64]time.Duration{}
		for range 200 {
			now += r.Int64N(int64(3 * time.Second))
			if r.IntN(10) == 0 {
				now += r.Int64N(int64(time.Hour))
			}
			tab.advance(now)
			if r.IntN(20) == 0 || tab.Rate == 0 {
				tab.setRate(rates[r.IntN(len(rates))], now)
			}
			if n := len(given); n > 0 && r.IntN(3) == 0 && given[n-1].start > now && tab.giveBack(given[n-1]) {
				b := given[n-1]
				slots = slices.DeleteFunc(slots, func(s int64) bool {
					return s >= b.start && s <= b.last() && (s-b.start)%int64(b.apart) == 0
				})
			}
			given = given[:0]
			for i := range tab.units(now) {
				if !tab.free(i) || tab.unit(i).left(now) == 0 || r.IntN(3) == 0 {
					continue
				}
				b := tab.take(i)
				given = append(given, b)
				if b.last() < now-int64(late) || b.start > now+int64(horizon) || b.last() > now+int64(furthest-late-skew) {
					t.Fatalf("seed %d: unit %v is outside the horizon of %v", seed, b, now)
				}
				// Some of a unit of thousands stand for all.
				for k := range b.n {
					if k < 20 || k >= b.n-2 {
						s := b.start + int64(k)*int64(b.apart)
						slots = append(slots, s)
						apart[s] = tab.grid().apart
					}
				}
			}
			value, err := tab.encode()
			if err != nil {
				t.Fatal(err)
			}
			decoded, err := decodeTable(value)
			if err != nil || !reflect.DeepEqual(decoded, tab) {
				t.Fatalf("%s was read as %+v, %v", value, decoded, err)
			}
		}
		slices.Sort(slots)
		for i := 1; i < len(slots); i++ {
			if d := slots[i] - slots[i-1]; d < int64(apart[slots[i]]) {
				t.Fatalf("seed %d: slots %v apart, at least %v is right", seed, time.Duration(d), apart[slots[i]])
			}
		}
		if len(slots) < 100 {
			t.Errorf("seed %d: only %d slots were taken", seed, len(slots))
		}
	}
}

// A table that was forgotten begins with the slots that it had, where they are so far
// apart that it may have been.
func TestSlotsFarApartLieAtRoundTimes(t *testing.T) {
	now := time.Now().UnixNano()
	var before, after table
	before.setRate(1./3600, now)
	first := before.take(0)
	after.setRate(1./3600, first.start+int64(forgetAfter))
	if gap := time.Duration(after.unit(0).start - first.start); gap != spacing(1./3600) {
		t.Errorf("the next slot is %v after the last", gap)
	}
}

// A table that was written while the server's clock ran ahead blocks nobody for long.
func TestTablesOfAClockThatRanAhead(t *testing.T) {
	now := time.Now().UnixNano()
	future := now + int64(time.Hour)
	var tab table
	tab.setRate(10, future)
	tab.take(0)
	tab.set(member{Name: "a", Until: future + int64(lease)})
	tab.advance(now)
	if wait := time.Duration(tab.firstFree() - now); wait < horizon || wait > 2*horizon {
		t.Errorf("the first free slot is in %v", wait)
	}
	tab.advance(now + int64(lease+2*margin) + 1)
	if len(tab.Members) > 0 {
		t.Error("a member of the future outlives its lease")
	}
}

func TestLimitsAreTheLowestOfAll(t *testing.T) {
	var tab table
	tab.set(member{Name: "b", Rate: 5, Limit: 10})
	tab.set(member{Name: "a", Rate: 10, Limit: 3})
	tab.set(member{Name: "b", Rate: 7, Limit: 9})
	if got, want := tab.limits(), (Limits{Rate: 7, Connections: 3}); got != want || len(tab.Members) != 2 {
		t.Errorf("the limits are %v of %v, want %v", got, tab.Members, want)
	}
}

func FuzzDecodeTable(f *testing.F) {
	f.Add([]byte(`{"rate":100,"start":1800000000000000000,"taken":5,"last":1800000000000000000,"members":[{"name":"a","rate":100,"limit":5,"until":1}]}`))
	f.Add([]byte(`{"rate":1e9}`))
	f.Add([]byte(`{"start":-1,"taken":18446744073709551615}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		tab, err := decodeTable(b)
		if err != nil {
			return
		}
		now := int64(1_800_000_000_000_000_000)
		tab.advance(now)
		tab.set(member{Name: "me", Rate: 100, Limit: 5, Want: 2, Until: now + int64(lease)})
		tab.setRate(tab.limits().Rate, now)
		for i := range tab.units(now) {
			if b := tab.unit(i); b.start > now+int64(horizon) {
				t.Errorf("unit %d of %+v is beyond the horizon", i, tab)
			}
		}
		if _, err := tab.encode(); err != nil {
			t.Error(err)
		}
	})
}

func TestBucketKeys(t *testing.T) {
	seen := map[string]string{}
	for key, want := range map[string]string{
		"mx1.example.com": "mx1.example.com", "": "=", ".": "=2E", "a..b.": "a.=2Eb=2E", "a=b": "a=3Db",
		"198.51.100.7|mx": "198.51.100.7=7Cmx", "é": "=C3=A9", "a_b": "a=5Fb",
	} {
		got := bucketKey(key)
		if got != want {
			t.Errorf("%q is written as %q, want %q", key, got, want)
		}
		if other, ok := seen[got]; ok {
			t.Errorf("%q and %q are both written as %q", key, other, got)
		}
		seen[got] = key
	}
}

func TestSpacing(t *testing.T) {
	for _, c := range []struct {
		rate float64
		want time.Duration
	}{
		{0, never}, {-1, never}, {math.NaN(), never}, {math.Inf(1), 0}, {1e-12, never},
		{1. / 60, time.Minute + late + skew},
		{1, time.Second + late + skew},
		{100, 10300 * time.Microsecond},
	} {
		if got := spacing(c.rate); got.Round(time.Microsecond) != c.want.Round(time.Microsecond) {
			t.Errorf("at %v/s slots are %v apart, want %v", c.rate, got, c.want)
		}
	}
	// The promise of the package: any window holds rate·window + 1.
	for range 1000 {
		rate := math.Pow(10, rand.Float64()*8-3)
		window := time.Second + rand.N(time.Minute)
		n := math.Floor(float64(window+late+skew)/float64(spacing(rate))) + 1
		if rate < 1e5 && n > rate*window.Seconds()+1+1e-6 {
			t.Errorf("a window of %v at %v/s holds %v", window, rate, n)
		}
	}
}
