package benchmarks

import (
	"bytes"
	"math"
	"strings"
	"testing"
)

// The numbers of orders are those of tables of the U test.
func TestMannWhitney(t *testing.T) {
	for _, c := range []struct {
		m, n int
		want []float64
	}{
		{1, 1, []float64{1, 1}},
		{2, 2, []float64{1, 1, 2, 1, 1}},
		{2, 3, []float64{1, 1, 2, 2, 2, 1, 1}},
	} {
		got := mannWhitney(c.m, c.n)
		if len(got) != len(c.want) {
			t.Fatalf("%d and %d: %v, want %v", c.m, c.n, got, c.want)
		}
		for i := range got {
			if got[i] != c.want[i] {
				t.Errorf("%d and %d: %v, want %v", c.m, c.n, got, c.want)
			}
		}
	}
	if p := atMost(mannWhitney(4, 4), 0); math.Abs(p-1.0/70) > 1e-12 {
		t.Errorf("all of four above all of four by chance: %v, want 1/70", p)
	}
}

func TestCompareSamples(t *testing.T) {
	for name, c := range map[string]struct {
		before, now      []float64
		ratio, low, high float64
		p                float64
	}{
		"twice":          {[]float64{1, 1, 1, 1}, []float64{2, 2, 2, 2}, 2, 2, 2, 2.0 / 70},
		"the same":       {[]float64{10, 11, 12, 13}, []float64{10, 11, 12, 13}, 1, 10.0 / 13, 1.3, 1},
		"too few rounds": {[]float64{1, 1}, []float64{3, 3}, 3, 0, 0, 1.0 / 3},
	} {
		t.Run(name, func(t *testing.T) {
			r, ok := compareSamples(c.before, c.now)
			if !ok || math.Abs(r.Ratio-c.ratio) > 0.01 || math.Abs(r.Low-c.low) > 1e-9 || math.Abs(r.High-c.high) > 1e-9 || math.Abs(r.P-c.p) > 1e-9 {
				t.Errorf("got %+v, %v", r, ok)
			}
			if (r.Low == 0) != strings.HasPrefix(r.Interval(), "too few") {
				t.Errorf("in words: %q", r.Interval())
			}
		})
	}
	if _, ok := compareSamples([]float64{0}, []float64{1}); ok {
		t.Error("nothing has a ratio to zero")
	}
}

// Only figures that both reports have are compared, by name and unit.
func TestCompare(t *testing.T) {
	report := func(rate float64, other string) *Report {
		r := Result{Scenario: "run"}
		r.add("rate", "messages/s", rate, rate, rate, rate)
		r.add(other, "s", 1)
		return &Report{Results: []Result{r, {Scenario: other}}}
	}
	now := report(300, "a")
	now.Compare(report(200, "b"), "old.json")
	if len(now.Comparison.Ratios) != 1 || now.Comparison.Ratios[0].Ratio != 1.5 {
		t.Fatalf("got %+v", now.Comparison)
	}
	var text bytes.Buffer
	if err := now.Comparison.Text(&text); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"old.json", "200 → 300 messages/s", "× 1.50", "*"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("no %q in:\n%s", want, &text)
		}
	}
}

// Rounds of several reports add up, and goals are judged anew.
func TestMerge(t *testing.T) {
	var a, b Result
	a.add("rate", "messages/s", 3).atLeast(2)
	b.add("rate", "messages/s", 0)
	b.add("new", "s", 1)
	a.merge(&b)
	if f := a.Figures[0]; f.Value != 1.5 || len(f.Samples) != 2 || f.Goal.Met || len(a.Figures) != 1 {
		t.Errorf("got %+v", a.Figures)
	}
}
