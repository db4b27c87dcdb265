package delivery

import (
	"testing"
	"time"
)

func TestPoolsOfThisMachine(t *testing.T) {
	s := newSources([]Source{{Name: "a"}, {Name: "b"}}, map[string][]Share{
		"both":      {{"a", 2}, {"b", 1}, {"elsewhere", 5}},
		"elsewhere": {{"elsewhere", 1}},
	})
	for pool, want := range map[string]int{"": 2, DefaultPool: 2, "both": 2, "elsewhere": 0, "nobody's": 0} {
		if got := s.of(pool); len(got) != want {
			t.Errorf("pool %q has %d sources, want %d", pool, len(got), want)
		}
	}
	if alone := newSources(nil, nil).of(""); len(alone) != 1 || alone[0].source.Addr.IsValid() {
		t.Errorf("without sources the system chooses the address: %+v", alone)
	}
}

// The heavier a source, the more often it comes first; all are in the order.
func TestDraw(t *testing.T) {
	a, b, c := &Source{Name: "a"}, &Source{Name: "b"}, &Source{Name: "c"}
	first := map[*Source]int{}
	const draws = 6000
	for range draws {
		order := draw([]weighted{{a, 3}, {b, 2}, {c, 1}})
		if len(order) != 3 || order[0] == order[1] || order[1] == order[2] || order[0] == order[2] {
			t.Fatalf("the order is %v", order)
		}
		first[order[0]]++
	}
	for source, want := range map[*Source]int{a: draws / 2, b: draws / 3, c: draws / 6} {
		// Five standard deviations are below 200.
		if n := first[source]; n < want-200 || n > want+200 {
			t.Errorf("%s came first %d times, want about %d", source.Name, n, want)
		}
	}
}

func TestAllowanceByDay(t *testing.T) {
	w := Warmup{Start: time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC), PerDay: []int64{50, 100}}
	berlin := time.FixedZone("CET", 3600)
	for _, c := range []struct {
		now     time.Time
		most    int64
		limited bool
	}{
		{time.Date(2026, 11, 22, 23, 59, 59, 0, time.UTC), 0, true}, // not yet
		{time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC), 50, true},
		{time.Date(2026, 11, 24, 0, 30, 0, 0, berlin), 50, true}, // 23:30 UTC
		{time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC), 100, true},
		{time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC), 0, false}, // warm
	} {
		if most, limited := w.allowance(c.now); most != c.most || limited != c.limited {
			t.Errorf("%v: %d, %v; want %d, %v", c.now, most, limited, c.most, c.limited)
		}
	}
}
