package campaign

import (
	"math"
	"time"
)

// Measure is a line of a comparison: a number of each run.
type Measure struct {
	Name  string `json:"name" doc:"Such as \"accepted\"."`
	Of    string `json:"of,omitempty" doc:"What it is a part of: planned, tried (of whom an attempt is known) or accepted."`
	Cells []Cell `json:"cells" nullable:"false" doc:"One for each run."`
}

// Cell is a measure of one run.
type Cell struct {
	N       int64   `json:"n" doc:"How many people."`
	Whole   int64   `json:"whole,omitempty" doc:"How many there are of what they are a part of; missing when there is nobody, or nothing that they are a part of."`
	Unknown bool    `json:"unknown,omitempty" doc:"Nobody counted."`
	Times   int64   `json:"times,omitempty" doc:"How often it was done, where by how many people is not known."`
	Points  float64 `json:"points,omitempty" doc:"How far the first run's share is above this one's, in percentage points; missing when they cannot be compared yet."`
	Verdict Verdict `json:"verdict,omitempty" enum:"better,worse,higher,lower" doc:"What that means for the first run; missing when it may be chance, is too small to matter, or cannot be told yet."`
}

// Verdict is what a difference means for the first run.
type Verdict string

// The verdicts. A difference that may well be chance is none, and so is one too small to
// act on; higher and lower are differences of what is neither good nor bad in itself.
const (
	NoVerdict Verdict = ""
	Better    Verdict = "better"
	Worse     Verdict = "worse"
	Higher    Verdict = "higher"
	Lower     Verdict = "lower"
)

// Share is the part that a cell is of its whole, from 0 to 1; false when there is none.
func (c Cell) Share() (float64, bool) {
	if c.Whole == 0 || c.Unknown {
		return 0, false
	}
	return float64(c.N) / float64(c.Whole), true
}

// figures are what a run, or its part at a site, is measured by.
type figures struct {
	Counts
	skipped                map[Reason]int64
	back, left, complaints int64
	opens, clicks          ReaderCount
	opensCounted           bool
	clicksCounted          bool
	wholeCounts            bool // Run.WholeCounts
	ended, settled         bool
}

// figuresOf sums a run's kept counts as they are at a time, of some lanes or of all.
func figuresOf(st Status, now time.Time, of func(Lane) bool) figures {
	f := figures{skipped: map[Reason]int64{}, opens: st.Readers.Opens, clicks: st.Readers.Clicks,
		wholeCounts: st.Run.WholeCounts, ended: !st.Run.Open(), settled: st.Run.settled(now)}
	f.opensCounted, f.clicksCounted = f.opens != ReaderCount{}, len(st.Readers.Links) > 0
	for _, l := range st.Lanes {
		if of != nil && !of(l.Lane) {
			continue
		}
		f.Add(l.State, l.N)
		if l.State == Skipped {
			f.skipped[l.Reason] += l.N
		}
	}
	for _, h := range st.Heard {
		if of != nil && !of(h.Lane) {
			continue
		}
		switch h.Kind {
		case SoftBounce, HardBounce, Refusal:
			f.back += h.N
		case Complaint:
			f.complaints += h.N
		case Unsubscription:
			f.left += h.N
		}
	}
	return f
}

// tried is how many something was sent to, so far.
func (f figures) tried() int64 { return f.Accepted + f.Bounced + f.Deferred + f.Unknown }

// line says how a measure is made.
type line struct {
	name, of string
	// more is what it means when there is more of it: Better, Worse, or no verdict.
	more Verdict
	// always: it is shown also when it is 0 in all runs.
	always bool
	n      func(figures) int64
	// added: earlier programs counted it less than wholly.
	added bool
	// reading is set, in place of n, for what readers do.
	reading func(figures) (count ReaderCount, counted bool)
}

// measures are the lines of a run. What nobody asks about when there is none is left out.
var measures = []line{
	{name: "planned", always: true, n: func(f figures) int64 { return f.Planned }},
	{name: "accepted", of: "tried", more: Better, always: true, n: func(f figures) int64 { return f.Accepted }},
	{name: "bounced", of: "tried", more: Worse, always: true, n: func(f figures) int64 { return f.Bounced }},
	{name: "deferred", of: "tried", more: Worse, always: true, n: func(f figures) int64 { return f.Deferred }},
	{name: "unknown", of: "tried", more: Worse, n: func(f figures) int64 { return f.Unknown }},
	{name: "waiting", n: func(f figures) int64 { return f.Waiting }},
	{name: "cancelled", n: func(f figures) int64 { return f.Cancelled }},
	{name: "skipped", of: "planned", always: true, n: func(f figures) int64 { return f.Skipped }},
	{name: "came back later", of: "accepted", more: Worse, n: func(f figures) int64 { return f.back }},
	{name: "unsubscribed", of: "accepted", more: Worse, always: true, added: true, n: func(f figures) int64 { return f.left }},
	{name: "complaints", of: "accepted", more: Worse, always: true, n: func(f figures) int64 { return f.complaints }},
	{name: "opened", of: "accepted", more: Better, always: true, reading: func(f figures) (ReaderCount, bool) { return f.opens, f.opensCounted }},
	{name: "clicked", of: "accepted", more: Better, always: true, reading: func(f figures) (ReaderCount, bool) { return f.clicks, f.clicksCounted }},
}

// siteMeasures are the lines of a site, always all of them.
var siteMeasures = []line{
	{name: "planned", always: true, n: func(f figures) int64 { return f.Planned }},
	{name: "accepted", of: "tried", more: Better, always: true, n: func(f figures) int64 { return f.Accepted }},
	{name: "bounced", of: "tried", more: Worse, always: true, n: func(f figures) int64 { return f.Bounced }},
	{name: "complaints", of: "accepted", more: Worse, always: true, n: func(f figures) int64 { return f.complaints }},
}

// measure makes the lines of runs, the first of which is judged.
func measure(all []figures, lines []line) []Measure {
	made := make([]Measure, 0, len(lines))
	for _, l := range lines {
		m, any := Measure{Name: l.name, Of: l.of, Cells: make([]Cell, len(all))}, l.always
		for i, f := range all {
			m.Cells[i] = l.cell(f)
			any = any || m.Cells[i].N > 0
			if i > 0 && l.comparable(all[0], f) {
				m.Cells[i].judge(m.Cells[0], l.more)
			}
		}
		if any {
			made = append(made, m)
		}
	}
	return made
}

func (l line) cell(f figures) Cell {
	c := Cell{}
	switch l.of {
	case "planned":
		c.Whole = f.Planned
	case "tried":
		c.Whole = f.tried()
	case "accepted":
		c.Whole = f.Accepted
	}
	if l.reading == nil {
		c.N, c.Unknown = l.n(f), l.added && !f.wholeCounts
		return c
	}
	count, counted := l.reading(f)
	c.N = count.People
	if count.Nameless > 0 || count.People == 0 && count.Person > 0 {
		c.Times = count.Person // by how many is not to be known
	}
	c.Unknown = !counted || c.Times > 0
	return c
}

// comparable reports whether a line of two runs says something already: while a run is
// under way it does not, nor soon after it does what readers did.
func (l line) comparable(a, b figures) bool {
	switch {
	case l.of == "accepted" && !(a.settled && b.settled):
		return false
	case l.reading != nil && !(a.wholeCounts && b.wholeCounts): // whom nobody knows were not told apart
		return false
	}
	return a.ended && b.ended
}

// The difference of two shares is told from chance when it is over so many times its
// standard error, which holds where so many people of either run are expected among
// those who did it and those who did not; and to be worth a word it is so much of the
// smaller of the share and the rest.
const (
	beyondChance = 3
	enoughPeople = 5
	worthAWord   = 0.1
)

// judge compares the first run's share with this one.
func (c *Cell) judge(first Cell, more Verdict) {
	a, ok := first.Share()
	b, known := c.Share()
	if !ok || !known {
		return
	}
	c.Points = 100 * (a - b)
	both := float64(first.N+c.N) / float64(first.Whole+c.Whole)
	if rare := min(both, 1-both); rare*float64(min(first.Whole, c.Whole)) < enoughPeople {
		return
	}
	chance := math.Sqrt(both * (1 - both) * (1/float64(first.Whole) + 1/float64(c.Whole)))
	if diff := math.Abs(a - b); diff <= beyondChance*chance || diff < worthAWord*min(both, 1-both) {
		return
	}
	switch {
	case more == NoVerdict && a > b:
		c.Verdict = Higher
	case more == NoVerdict:
		c.Verdict = Lower
	case (more == Better) == (a > b):
		c.Verdict = Better
	default:
		c.Verdict = Worse
	}
}
