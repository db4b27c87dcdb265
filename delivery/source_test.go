package delivery

import (
	"slices"
	"testing"
	"time"

	"broadside/delivery/queue"
	"broadside/delivery/shaping"
	"broadside/ratelimit"
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

// A source that the site leaves no way, or that is slow, gets no jobs while another one
// is quick: they would take the lane's room, and the quick one had none.
func TestTheQuickSourceComesFirst(t *testing.T) {
	now := time.Now()
	quick, slow, refused := &Source{Name: "quick"}, &Source{Name: "slow"}, &Source{Name: "refused"}
	s := &Sender{paths: map[pathKey]*path{}}
	for _, source := range []*Source{quick, slow, refused} {
		p := &path{rules: shaping.Rules{Rate: 100}, allowed: ratelimit.Allowance{Rate: 100}}
		for n := range 20 {
			p.waiting[queue.BulkJobs] = append(p.waiting[queue.BulkJobs], job(queue.BulkJobs, n))
		}
		s.paths[pathKey{source.Name, "site"}] = p
	}
	at := func(source *Source) *path { return s.paths[pathKey{source.Name, "site"}] }
	at(slow).allowed.Rate = 1
	at(refused).trouble.until = now.Add(time.Minute)
	if got := s.quickest([]*Source{refused, slow, quick}, "site", now); !slices.Equal(got, []*Source{quick, slow, refused}) {
		t.Errorf("%s, %s, %s", got[0].Name, got[1].Name, got[2].Name)
	}
	// Among those that are quick enough the draw decides.
	at(slow).allowed.Rate = 20
	if got := s.quickest([]*Source{slow, quick}, "site", now); got[0] != slow {
		t.Errorf("%s came first, %s was drawn", got[0].Name, slow.Name)
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
