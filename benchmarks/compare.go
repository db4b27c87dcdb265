package benchmarks

import (
	"fmt"
	"io"
	"math"
	"slices"
	"text/tabwriter"
)

// Comparison is how this report's figures stand to an older one's.
type Comparison struct {
	Old    string  `json:"old"` // what it is compared with
	Note   string  `json:"note"`
	Ratios []Ratio `json:"ratios"`
}

// Ratio compares one figure: the middle of all pairs of a round now and a round before.
type Ratio struct {
	Scenario string  `json:"scenario"`
	Figure   string  `json:"figure"`
	Unit     string  `json:"unit,omitempty"`
	Before   float64 `json:"before"`
	Now      float64 `json:"now"`
	Ratio    float64 `json:"ratio"`
	// Low and High bound the ratio with Confidence; both 0 when there are too few rounds.
	Low        float64 `json:"low,omitempty"`
	High       float64 `json:"high,omitempty"`
	Confidence float64 `json:"confidence,omitempty"`
	P          float64 `json:"p,omitempty"` // of the rounds being from the same machine and program
}

// confidence is what intervals are for, if there are rounds enough: four of each.
const confidence = 0.95

// Compare sets the report's Comparison with an older report. Figures that only one of
// them has are left out.
//
// The method is benchstat's: the Mann–Whitney U test, which supposes nothing of how
// rounds are distributed. Its interval is of the ratio: those ratios that the test would
// not rule out. It answers for chance alone; that the machine was the same at both times
// is for interleaved runs to see to.
func (r *Report) Compare(old *Report, name string) {
	c := &Comparison{
		Old:  name,
		Note: "Now/before, of the medians of all pairs of rounds. A * marks what chance does not explain (Mann–Whitney U test, p < 0.05).",
	}
	for _, now := range r.Results {
		for _, before := range old.Results {
			if before.Scenario == now.Scenario {
				c.Ratios = append(c.Ratios, compareFigures(&before, &now)...)
			}
		}
	}
	r.Comparison = c
}

func compareFigures(before, now *Result) []Ratio {
	var all []Ratio
	for _, n := range now.Figures {
		i := slices.IndexFunc(before.Figures, func(b Figure) bool { return b.Name == n.Name && b.Unit == n.Unit })
		if i < 0 {
			continue
		}
		ratio, ok := compareSamples(before.Figures[i].rounds(), n.rounds())
		if !ok {
			continue
		}
		ratio.Scenario, ratio.Figure, ratio.Unit = now.Scenario, n.Name, n.Unit
		all = append(all, ratio)
	}
	return all
}

// rounds are the figure's samples, its value where there is but one.
func (f *Figure) rounds() []float64 {
	if len(f.Samples) == 0 {
		return []float64{f.Value}
	}
	return f.Samples
}

// compareSamples compares positive samples; others have no ratio (ok false).
func compareSamples(before, now []float64) (r Ratio, ok bool) {
	var pairs []float64
	var u float64 // how often now was more
	for _, n := range now {
		for _, b := range before {
			if !(n > 0 && b > 0) {
				return r, false
			}
			pairs = append(pairs, n/b)
			switch {
			case n > b:
				u++
			case n == b:
				u += 0.5
			}
		}
	}
	slices.Sort(pairs)
	r = Ratio{Before: median(before), Now: median(now), Ratio: median(pairs)}
	counts := mannWhitney(len(before), len(now))
	r.P = min(2*atMost(counts, math.Floor(min(u, float64(len(pairs))-u))), 1)
	// The interval drops as many of the lowest and of the highest pairs as chance would
	// with less than (1 - confidence)/2.
	drop := 0
	for drop < len(pairs)/2 && atMost(counts, float64(drop)) <= (1-confidence)/2 {
		drop++
	}
	if drop > 0 {
		r.Low, r.High = pairs[drop-1], pairs[len(pairs)-drop]
		r.Confidence = 1 - 2*atMost(counts, float64(drop-1))
	}
	return r, true
}

// mannWhitney counts, for each U, in how many of the orders of m and n samples U pairs
// are the one way round.
func mannWhitney(m, n int) []float64 {
	// The U of orders that end with one of m is n more than without it: a recurrence over
	// both sizes.
	table := make([][][]float64, m+1)
	for i := range table {
		table[i] = make([][]float64, n+1)
		for j := range table[i] {
			counts := make([]float64, i*j+1)
			if i == 0 || j == 0 {
				counts[0] = 1
			} else {
				for u, c := range table[i-1][j] {
					counts[u+j] += c
				}
				for u, c := range table[i][j-1] {
					counts[u] += c
				}
			}
			table[i][j] = counts
		}
	}
	return table[m][n]
}

// atMost is the probability of a U up to u.
func atMost(counts []float64, u float64) float64 {
	var below, all float64
	for i, c := range counts {
		all += c
		if float64(i) <= u {
			below += c
		}
	}
	return below / all
}

// Interval is the confidence interval in words.
func (r Ratio) Interval() string {
	if r.Confidence == 0 {
		return fmt.Sprintf("too few rounds (p = %.2f)", r.P)
	}
	mark := ""
	if r.P < 1-confidence {
		mark = " *"
	}
	return fmt.Sprintf("%s to %s (%.0f %%, p = %.3f)%s", digits(r.Low), digits(r.High), math.Floor(100*r.Confidence), r.P, mark)
}

// Text writes the ratios in columns; nothing for a nil Comparison.
func (c *Comparison) Text(w io.Writer) error {
	if c == nil {
		return nil
	}
	fmt.Fprintf(w, "\ncompared with %s\n%s\n", c.Old, c.Note)
	tab := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, r := range c.Ratios {
		fmt.Fprintf(tab, "  %s\t%s\t%s → %s %s\t× %s\t%s\n", r.Scenario, r.Figure, digits(r.Before), digits(r.Now), r.Unit, digits(r.Ratio), r.Interval())
	}
	return tab.Flush()
}
