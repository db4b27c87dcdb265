package main

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"broadside/campaign"
)

// earlierRuns is what --compare stands for alone.
const earlierRuns = "earlier"

// comparedRuns reads what a run is to be compared with; none for the earlier ones.
func comparedRuns(text string) ([]campaign.RunID, error) {
	if text == earlierRuns {
		return nil, nil
	}
	var ids []campaign.RunID
	for word := range strings.SplitSeq(text, ",") {
		id, err := strconv.ParseInt(strings.TrimSpace(word), 10, 64)
		if err != nil || id < 1 {
			return nil, usagef("%q is no number of a run: write --compare alone for the earlier runs, or --compare=12,15", word)
		}
		ids = append(ids, campaign.RunID(id))
	}
	if len(ids) > campaign.MostCompared {
		return nil, usagef("a run is compared with %d others at most", campaign.MostCompared)
	}
	return ids, nil
}

func (a *app) compareRuns(ctx context.Context, s *campaign.Service, name, with string) error {
	ids, err := comparedRuns(with)
	if err != nil {
		return err
	}
	run, err := s.LatestRun(ctx, name)
	if err != nil {
		return err
	}
	if len(ids) == 0 {
		earlier, err := s.EarlierRuns(ctx, run)
		if err != nil {
			return err
		}
		for _, r := range earlier {
			ids = append(ids, r.ID)
		}
	}
	c, err := s.Compare(ctx, run.ID, ids)
	if err != nil {
		return err
	}
	if a.json {
		runs := make([]map[string]any, len(c.Runs))
		for i, r := range c.Runs {
			runs[i] = map[string]any{"run": r.Run.ID, "campaign": r.Run.Spec.Name, "state": r.Run.State, "started": r.Run.Started, "seconds": r.Lasts.Seconds(), "accepted_per_second": r.Speed, "settled": r.Settled}
		}
		return a.printJSON(map[string]any{"runs": runs, "measures": c.Measures, "sites": c.Sites})
	}
	if len(c.Runs) == 1 {
		a.printf("No earlier run of %s is there, and none to its lists. Name others: --compare=12,15\n", name)
		return nil
	}
	a.showComparison(c)
	return nil
}

// showComparison prints the runs side by side, with what a difference means for the first.
func (a *app) showComparison(c campaign.Comparison) {
	headings := []string{""}
	for _, r := range c.Runs {
		a.printf("  run %d: %s, %s, started %s\n", r.Run.ID, r.Run.Spec.Name, r.Run.State, day(r.Run.Started))
		headings = append(headings, fmt.Sprintf(">run %d", r.Run.ID), "")
	}
	a.printf("\n")
	t := newTable(headings...)
	for _, m := range c.Measures {
		t.row(measureRow(m)...)
	}
	took, speed := []string{"took"}, []string{"accepted a second"}
	for _, r := range c.Runs {
		took, speed = append(took, r.Lasts.Round(time.Second).String(), ""), append(speed, fmt.Sprintf("%.1f", r.Speed), "")
	}
	t.row(took...)
	t.row(speed...)
	for _, s := range c.Sites {
		t.row(append([]string{s.Site}, make([]string, 2*len(c.Runs))...)...)
		for _, m := range s.Measures {
			row := measureRow(m)
			row[0] = "  " + row[0]
			t.row(row...)
		}
	}
	t.print(a.out)
	a.printf("\nA word says how run %d did against that one; without one the difference is small, or may be chance.\n", c.Runs[0].Run.ID)
	if words := c.NotYet(); words != "" {
		a.printf("%s\n", words)
	}
}

func measureRow(m campaign.Measure) []string {
	row := []string{m.Name}
	for _, cell := range m.Cells {
		text := group(cell.N)
		if share, ok := cell.Share(); ok {
			text = fmt.Sprintf("%s (%.2f %%)", text, 100*share)
		}
		switch {
		case cell.Times > 0:
			text = group(cell.Times) + " times"
		case cell.Unknown:
			text = "not counted"
		}
		verdict := string(cell.Verdict)
		if verdict != "" {
			verdict += fmt.Sprintf(" by %.2g", math.Abs(cell.Points))
		}
		row = append(row, text, verdict)
	}
	return row
}
