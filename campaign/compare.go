package campaign

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"
)

// MostCompared is how many others a run is compared with at most.
const MostCompared = 3

// Comparison is what became of runs, side by side, by their kept counts. The first run is
// the one that is looked at; the others are what it is compared with.
type Comparison struct {
	Runs     []ComparedRun
	Measures []Measure
	Sites    []ComparedSite // the first run's largest first
}

// ComparedRun is a column of a comparison.
type ComparedRun struct {
	Run   Run
	Lasts time.Duration // from its start to its end, or so far; 0 before it began
	Speed float64       // messages accepted per second of that time
	// Faster is by how much the first run's speed is above this one's, as a part of it:
	// 0.5 is half as fast again; 0 when either has none.
	Faster float64
	// Settled: it ended so long ago that most of what its readers do has been done.
	Settled bool
}

// settles is how long after its end a run's readers are compared.
const settles = 3 * 24 * time.Hour

func (r Run) settled(now time.Time) bool {
	return !r.Open() && now.Sub(r.Finished) >= settles
}

// NotYet says what is not compared yet; "" when all is.
func (c Comparison) NotYet() string {
	open, fresh := false, false
	for _, r := range c.Runs {
		open, fresh = open || r.Run.Open(), fresh || !r.Settled
	}
	const readers = "What readers did is compared 3 days after both runs ended."
	switch {
	case open:
		return "A run that is under way is not judged, nor is another by it. " + readers
	case fresh:
		return readers
	}
	return ""
}

// ComparedSite is what became of the runs at one site.
type ComparedSite struct {
	Site     string    `json:"site" doc:"As people call it."`
	Measures []Measure `json:"measures" nullable:"false"`
}

// Compare puts a run beside others, of which itself and repetitions are left out.
// ErrNotFound.
func (s *Service) Compare(ctx context.Context, id RunID, with []RunID) (Comparison, error) {
	ids := []RunID{id}
	for _, other := range with {
		if !slices.Contains(ids, other) {
			ids = append(ids, other)
		}
	}
	stands := make([]Status, len(ids))
	for i, id := range ids {
		var err error
		if stands[i], err = s.StatusOf(ctx, id); err != nil {
			return Comparison{}, err
		}
	}
	return compare(stands, s.Now()), nil
}

// lookedThrough are how many of the late runs are looked at for those to the same lists.
const lookedThrough = 24

// EarlierRuns are what a run is compared with unless somebody says otherwise: the runs of
// its campaign before it, and if they are not enough those that went to one of its lists;
// the latest first.
func (s *Service) EarlierRuns(ctx context.Context, run Run) ([]Run, error) {
	earlier, err := s.Store.RunsOf(ctx, run.Campaign, run.ID, MostCompared)
	if err != nil || len(earlier) == MostCompared {
		return earlier, err
	}
	others, err := s.Store.Runs(ctx, run.ID, lookedThrough)
	for _, r := range others {
		same := slices.ContainsFunc(r.Spec.Lists, func(l string) bool { return slices.Contains(run.Spec.Lists, l) })
		if same && r.Campaign != run.Campaign && len(earlier) < MostCompared {
			earlier = append(earlier, r)
		}
	}
	return earlier, err
}

func compare(stands []Status, now time.Time) Comparison {
	var c Comparison
	all := make([]figures, len(stands))
	for i, st := range stands {
		run := ComparedRun{Run: st.Run, Lasts: st.Run.lasts(now), Settled: st.Run.settled(now)}
		if run.Lasts > 0 {
			run.Speed = float64(st.Counts.Accepted) / run.Lasts.Seconds()
		}
		if i > 0 && run.Speed > 0 && c.Runs[0].Speed > 0 {
			run.Faster = c.Runs[0].Speed/run.Speed - 1
		}
		c.Runs = append(c.Runs, run)
		all[i] = figuresOf(st, now, nil)
	}
	c.Measures = measure(all, measures)
	c.Measures = slices.Insert(c.Measures, afterSkipped(c.Measures), skippedBecause(all)...)
	c.Sites = compareSites(stands, now)
	return c
}

// lasts is how long a run took, or has taken so far.
func (r Run) lasts(now time.Time) time.Duration {
	if r.Started.IsZero() {
		return 0
	}
	if !r.Finished.IsZero() {
		now = r.Finished
	}
	return max(now.Sub(r.Started), 0)
}

func afterSkipped(list []Measure) int {
	return 1 + slices.IndexFunc(list, func(m Measure) bool { return m.Name == "skipped" })
}

// skippedBecause has a line for each reason why somebody was skipped in any run, the most
// frequent first.
func skippedBecause(all []figures) []Measure {
	sums := map[Reason]int64{}
	for _, f := range all {
		for reason, n := range f.skipped {
			sums[reason] += n
		}
	}
	reasons := slices.SortedFunc(maps.Keys(sums), func(a, b Reason) int { return cmp.Or(cmp.Compare(sums[b], sums[a]), cmp.Compare(a, b)) })
	lines := make([]line, len(reasons))
	for i, reason := range reasons {
		lines[i] = line{name: "skipped: " + reason.String(), of: "planned", n: func(f figures) int64 { return f.skipped[reason] }}
	}
	return measure(all, lines)
}

func compareSites(stands []Status, now time.Time) []ComparedSite {
	sizes := make([]map[string]int64, len(stands))
	names := map[string]bool{}
	for i, st := range stands {
		sizes[i] = map[string]int64{}
		for _, l := range st.Lanes {
			sizes[i][l.Lane.Title()] += l.N
			names[l.Lane.Title()] = true
		}
	}
	largest := func(a, b string) int {
		for _, size := range sizes {
			if n := cmp.Compare(size[b], size[a]); n != 0 {
				return n
			}
		}
		return cmp.Compare(a, b)
	}
	sites := make([]ComparedSite, 0, len(names))
	for _, name := range slices.SortedFunc(maps.Keys(names), largest) {
		all := make([]figures, len(stands))
		for i, st := range stands {
			all[i] = figuresOf(st, now, func(l Lane) bool { return l.Title() == name })
		}
		sites = append(sites, ComparedSite{name, measure(all, siteMeasures)})
	}
	return sites
}
