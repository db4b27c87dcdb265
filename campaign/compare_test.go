package campaign

import (
	"bytes"
	"encoding/csv"
	"slices"
	"strings"
	"testing"
	"time"
)

// settledAt is when what readers of runs in these tests did is compared.
var settledAt = time.Date(2026, 11, 5, 9, 3, 20, 0, time.UTC)

// standing is a run of which so many were accepted and bounced at Gmail and elsewhere.
func standing(id RunID, accepted, bounced int64) Status {
	began := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	st := Status{
		Run: Run{ID: id, Spec: Spec{Name: "=letter"}, State: RunFinished, Started: began, Finished: began.Add(100 * time.Second), WholeCounts: true},
		Lanes: []LaneCount{
			{LaneGoogle, Accepted, NoReason, accepted}, {LaneGoogle, Bounced, UserUnknown, bounced},
			{TailLane, Accepted, NoReason, 500}, {TailLane + 1, Accepted, NoReason, 500}, {TailLane, Skipped, Suppressed, 40}, {TailLane, Skipped, MergeFailed, 2},
		},
		Heard: []FeedbackCount{{LaneGoogle, Complaint, 1}, {TailLane, Unsubscription, 7}, {LaneGoogle, HardBounce, 2}},
	}
	for _, l := range st.Lanes {
		st.Counts.Add(l.State, l.N)
	}
	return st
}

func measureNamed(t *testing.T, list []Measure, name string) Measure {
	t.Helper()
	i := slices.IndexFunc(list, func(m Measure) bool { return m.Name == name })
	if i < 0 {
		t.Fatalf("no measure %q in %+v", name, list)
	}
	return list[i]
}

func TestCompare(t *testing.T) {
	first, other := standing(2, 9000, 900), standing(1, 9800, 100)
	other.Run.Finished = other.Run.Started.Add(200 * time.Second)
	other.Readers = Readers{Opens: ReaderCount{Person: 3000, People: 2500, Machine: 900}, Clicks: ReaderCount{Person: 12}, Links: []LinkCount{{Number: 1}}}
	c := compare([]Status{first, other}, settledAt)
	for name, want := range map[string][2]Cell{
		"planned":             {{N: 10942}, {N: 10942}},
		"bounced":             {{N: 900, Whole: 10900}, {N: 100, Whole: 10900, Verdict: Worse}},
		"accepted":            {{N: 10000, Whole: 10900}, {N: 10800, Whole: 10900, Verdict: Worse}},
		"skipped: suppressed": {{N: 40, Whole: 10942}, {N: 40, Whole: 10942}},
		"unsubscribed":        {{N: 7, Whole: 10000}, {N: 7, Whole: 10800}},
		"complaints":          {{N: 1, Whole: 10000}, {N: 1, Whole: 10800}},
		"came back later":     {{N: 2, Whole: 10000}, {N: 2, Whole: 10800}},
		"opened":              {{Whole: 10000, Unknown: true}, {N: 2500, Whole: 10800}},
		"clicked":             {{Whole: 10000, Unknown: true}, {Whole: 10800, Unknown: true, Times: 12}},
	} {
		m := measureNamed(t, c.Measures, name)
		for i, cell := range m.Cells {
			if cell.Points = 0; cell != want[i] {
				t.Errorf("%s of run %d: %+v, want %+v", name, c.Runs[i].Run.ID, cell, want[i])
			}
		}
	}
	if i := slices.IndexFunc(c.Measures, func(m Measure) bool { return m.Name == "skipped" }); c.Measures[i+1].Name != "skipped: suppressed" || c.Measures[i+2].Name != "skipped: merge failed" {
		t.Errorf("after skipped: %+v", c.Measures[i+1:])
	}
	if slices.ContainsFunc(c.Measures, func(m Measure) bool { return m.Name == "cancelled" }) {
		t.Error("a line about nobody")
	}
	if len(c.Sites) != 2 || c.Sites[0].Site != "Gmail" || c.Sites[1].Site != "the small sites" {
		t.Fatalf("sites %+v", c.Sites)
	}
	if m := measureNamed(t, c.Sites[0].Measures, "bounced"); m.Cells[0].N != 900 || m.Cells[1].Verdict != Worse {
		t.Errorf("Gmail: %+v", m)
	}
	if a, b := c.Runs[0], c.Runs[1]; a.Speed != 100 || b.Speed != 54 || b.Lasts != 200*time.Second || a.Faster != 0 || b.Faster < 0.85 {
		t.Errorf("%+v %+v", a, b)
	}
}

// What cannot be told yet, or was not counted wholly, is not judged.
func TestNotJudged(t *testing.T) {
	for _, test := range []struct {
		name    string
		change  func(first, other *Status)
		now     time.Time
		bounced Verdict
		left    Verdict
		opened  Verdict
		notYet  string
	}{
		{"both settled", func(_, _ *Status) {}, settledAt, Worse, Worse, Better, ""},
		{"a young one", func(_, _ *Status) {}, settledAt.Add(-2 * time.Minute), Worse, NoVerdict, NoVerdict, "3 days after"},
		{"under way", func(first, _ *Status) { first.Run.State, first.Run.Finished = RunRunning, time.Time{} }, settledAt, NoVerdict, NoVerdict, NoVerdict, "under way"},
		{"against one under way", func(_, other *Status) { other.Run.State, other.Run.Finished = RunPaused, time.Time{} }, settledAt, NoVerdict, NoVerdict, NoVerdict, "under way"},
		{"of an older program", func(_, other *Status) { other.Run.WholeCounts = false }, settledAt, Worse, NoVerdict, NoVerdict, ""},
		{"some have no names", func(_, other *Status) { other.Readers.Opens.Nameless = 1 }, settledAt, Worse, Worse, NoVerdict, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			first, other := standing(2, 9000, 900), standing(1, 9800, 100)
			first.Heard = append(first.Heard, FeedbackCount{LaneGoogle, Unsubscription, 200})
			first.Readers = Readers{Opens: ReaderCount{Person: 5000, People: 4000}}
			other.Readers = Readers{Opens: ReaderCount{Person: 3000, People: 2500}}
			test.change(&first, &other)
			c := compare([]Status{first, other}, test.now)
			for name, want := range map[string]Verdict{"bounced": test.bounced, "unsubscribed": test.left, "opened": test.opened} {
				if got := measureNamed(t, c.Measures, name).Cells[1].Verdict; got != want {
					t.Errorf("%s: %q, want %q", name, got, want)
				}
			}
			if got := c.NotYet(); !strings.Contains(got, test.notYet) || (got == "") != (test.notYet == "") {
				t.Errorf("said: %q", got)
			}
			if left := measureNamed(t, c.Measures, "unsubscribed").Cells[1]; left.Unknown == other.Run.WholeCounts {
				t.Errorf("unsubscribed: %+v", left)
			}
			if opened := measureNamed(t, c.Measures, "opened").Cells[1]; opened.Unknown != (other.Readers.Opens.Nameless > 0) || opened.Unknown && opened.Times != 3000 {
				t.Errorf("opened: %+v", opened)
			}
		})
	}
}

// What chance may have done is no verdict, nor is what is too small to act on.
func TestVerdict(t *testing.T) {
	for _, test := range []struct {
		name         string
		first, other Cell
		more, want   Verdict
	}{
		{"half of ten against four of ten", Cell{N: 5, Whole: 10}, Cell{N: 4, Whole: 10}, Better, NoVerdict},
		{"three of ten against nobody of thousands", Cell{N: 3, Whole: 10}, Cell{N: 0, Whole: 10000}, Worse, NoVerdict},
		{"two complaints against none", Cell{N: 2, Whole: 400}, Cell{N: 0, Whole: 100_000}, Worse, NoVerdict},
		{"one of ten missing against nobody", Cell{N: 9, Whole: 10}, Cell{N: 10000, Whole: 10000}, Better, NoVerdict},
		{"the same of thousands", Cell{N: 5000, Whole: 10000}, Cell{N: 4000, Whole: 10000}, Better, Better},
		{"fewer is worse", Cell{N: 4000, Whole: 10000}, Cell{N: 5000, Whole: 10000}, Better, Worse},
		{"fewer bounces are better", Cell{N: 10, Whole: 10000}, Cell{N: 90, Whole: 10000}, Worse, Better},
		{"neither good nor bad", Cell{N: 10, Whole: 10000}, Cell{N: 90, Whole: 10000}, NoVerdict, Lower},
		{"certain of millions, and nothing", Cell{N: 5_000_000, Whole: 10_000_000}, Cell{N: 5_010_000, Whole: 10_000_000}, Better, NoVerdict},
		{"nearly all against all", Cell{N: 9_900_000, Whole: 10_000_000}, Cell{N: 10_000_000, Whole: 10_000_000}, Better, Worse},
		{"the same", Cell{N: 7, Whole: 7}, Cell{N: 9, Whole: 9}, Better, NoVerdict},
		{"nobody", Cell{}, Cell{N: 4, Whole: 10}, Better, NoVerdict},
		{"not counted", Cell{N: 5000, Whole: 10000}, Cell{Whole: 10000, Unknown: true}, Better, NoVerdict},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.other.judge(test.first, test.more); test.other.Verdict != test.want {
				t.Errorf("%q, want %q", test.other.Verdict, test.want)
			}
		})
	}
}

func TestComparisonAsCSV(t *testing.T) {
	var out bytes.Buffer
	if err := compare([]Status{standing(2, 9000, 900), standing(1, 9800, 100)}, settledAt).WriteCSV(&out); err != nil {
		t.Fatal(err)
	}
	lines, err := csv.NewReader(&out).ReadAll() // as many cells in each line
	if err != nil {
		t.Fatal(err)
	}
	if got, want := lines[0], []string{"site", "measure", "of", "run 2: =letter", "run 2 share", "run 1: =letter", "run 1 share", "run 2 against run 1"}; !slices.Equal(got, want) {
		t.Errorf("head %q", got)
	}
	for _, want := range [][]string{
		{"", "bounced", "tried", "900", "0.0825688", "100", "0.00917431", "worse"},
		{"", "opened", "accepted", "", "", "", "", ""},
		{"Gmail", "complaints", "accepted", "1", "0.000111111", "1", "0.000102041", ""},
		{"", "took", "seconds", "100", "", "100", "", ""},
		{"", "accepted", "second", "100", "", "108", "", ""},
	} {
		if !slices.ContainsFunc(lines, func(l []string) bool { return slices.Equal(l, want) }) {
			t.Errorf("no line %q in %q", want, lines)
		}
	}
}
