package main

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"broadside/campaign"
)

func TestComparedRuns(t *testing.T) {
	for text, want := range map[string][]campaign.RunID{earlierRuns: nil, "12": {12}, "12, 15": {12, 15}} {
		if got, err := comparedRuns(text); err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: %v %v", text, got, err)
		}
	}
	for _, text := range []string{"", "last", "0", "-1", "1,2,3,4"} {
		if got, err := comparedRuns(text); err == nil {
			t.Errorf("%q: %v", text, got)
		}
	}
}

func TestShowComparison(t *testing.T) {
	var out bytes.Buffer
	bounced := campaign.Measure{Name: "bounced", Of: "tried", Cells: []campaign.Cell{{N: 900, Whole: 10_000}, {N: 100, Whole: 10_000, Points: 8, Verdict: campaign.Worse}}}
	(&app{out: &out}).showComparison(campaign.Comparison{
		Runs:     []campaign.ComparedRun{{Run: campaign.Run{ID: 7, Spec: campaign.Spec{Name: "May"}}, Lasts: time.Minute, Speed: 1500}, {Run: campaign.Run{ID: 5}}},
		Measures: []campaign.Measure{bounced, {Name: "opened", Cells: []campaign.Cell{{Unknown: true}, {Unknown: true, Times: 1200}}}},
		Sites:    []campaign.ComparedSite{{Site: "Gmail", Measures: []campaign.Measure{bounced}}},
	})
	var lines []string
	for l := range strings.Lines(out.String()) {
		lines = append(lines, strings.Join(strings.Fields(l), " "))
	}
	for _, want := range []string{
		"run 7: May, , started –", "bounced 900 (9.00 %) 100 (1.00 %) worse by 8", "opened not counted 1,200 times", "took 1m0s 0s", "accepted a second 1500.0 0.0", "Gmail",
	} {
		if !slices.Contains(lines, want) {
			t.Errorf("no line %q in\n%s", want, out.String())
		}
	}
}
