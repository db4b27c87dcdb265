package benchmarks

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// Report is what a run of the benchmarks found, and where.
type Report struct {
	At          time.Time   `json:"at"`
	Seconds     float64     `json:"seconds"` // all scenarios together
	Environment Environment `json:"environment"`
	Results     []Result    `json:"results"`
	Comparison  *Comparison `json:"comparison,omitempty"`
}

// Result is one scenario's.
type Result struct {
	Scenario string   `json:"scenario"`
	Setting  string   `json:"setting"` // what was measured, in a line
	Figures  []Figure `json:"figures"`
	Detail   *Detail  `json:"detail,omitempty"` // of scenarios that look into a run
}

// Figure is a measured value: the median of its samples, one per round.
type Figure struct {
	Name    string    `json:"name"`
	Value   float64   `json:"value"`
	Unit    string    `json:"unit,omitempty"`
	Samples []float64 `json:"samples,omitempty"` // when there are several
	Goal    *Goal     `json:"goal,omitempty"`
}

// Goal is what a figure should reach: one of its bounds is not zero.
type Goal struct {
	AtLeast float64 `json:"at_least,omitempty"`
	AtMost  float64 `json:"at_most,omitempty"`
	Met     bool    `json:"met"`
}

func (r *Result) add(name, unit string, samples ...float64) *Figure {
	f := Figure{Name: name, Unit: unit, Value: median(samples)}
	if len(samples) > 1 {
		f.Samples = samples
	}
	r.Figures = append(r.Figures, f)
	return &r.Figures[len(r.Figures)-1]
}

func (f *Figure) atLeast(v float64) { f.Goal = &Goal{AtLeast: v, Met: f.Value >= v} }
func (f *Figure) atMost(v float64)  { f.Goal = &Goal{AtMost: v, Met: f.Value <= v} }

func median(samples []float64) float64 {
	s := slices.Sorted(slices.Values(samples))
	switch n := len(s); {
	case n == 0:
		return math.NaN()
	case n%2 == 0:
		return (s[n/2-1] + s[n/2]) / 2
	default:
		return s[n/2]
	}
}

// JSON writes the report for machines.
func (r *Report) JSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(r)
}

// Text writes the report for people.
func (r *Report) Text(w io.Writer) error {
	if err := r.Environment.text(w); err != nil {
		return err
	}
	for _, res := range r.Results {
		if err := res.Text(w); err != nil {
			return err
		}
	}
	if err := r.Comparison.Text(w); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "\n%s, %.0f s in all\n", r.At.UTC().Format(time.RFC3339), r.Seconds)
	return err
}

// Text writes the figures in columns: value, unit, goal, and the rounds' values.
func (r *Result) Text(w io.Writer) error {
	fmt.Fprintf(w, "\n%s: %s\n", r.Scenario, r.Setting)
	tab := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, f := range r.Figures {
		fmt.Fprintf(tab, "  %s\t%s %s\t%s\t%s\n", f.Name, digits(f.Value), f.Unit, f.Goal.text(), rounds(f.Samples))
	}
	if err := tab.Flush(); err != nil {
		return err
	}
	return r.Detail.text(w)
}

func (g *Goal) text() string {
	if g == nil {
		return ""
	}
	verdict := "met"
	if !g.Met {
		verdict = "NOT MET"
	}
	if g.AtMost != 0 {
		return fmt.Sprintf("goal ≤ %s: %s", digits(g.AtMost), verdict)
	}
	return fmt.Sprintf("goal ≥ %s: %s", digits(g.AtLeast), verdict)
}

func rounds(samples []float64) string {
	if len(samples) == 0 {
		return ""
	}
	var s strings.Builder
	s.WriteString("rounds")
	for _, v := range samples {
		s.WriteString(" " + digits(v))
	}
	return s.String()
}

// digits prints three significant digits, and whole numbers whole.
func digits(v float64) string {
	switch a := math.Abs(v); {
	case a >= 100 || v == math.Trunc(v):
		return fmt.Sprintf("%.0f", v)
	case a >= 10:
		return fmt.Sprintf("%.1f", v)
	case a >= 1:
		return fmt.Sprintf("%.2f", v)
	default:
		return fmt.Sprintf("%.3g", v)
	}
}
