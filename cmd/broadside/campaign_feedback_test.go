package main

import (
	"bytes"
	"strings"
	"testing"

	"broadside/campaign"
)

// Complaints are counted by site, and held against Gmail's lines.
func TestComplaintsAreHeldAgainstTheLines(t *testing.T) { // B2
	st := campaign.Status{
		Counts: campaign.Counts{Planned: 13_000, Accepted: 13_000},
		Lanes: []campaign.LaneCount{
			{Lane: campaign.LaneYahoo, State: campaign.Accepted, N: 10_000},
			{Lane: campaign.LaneMicrosoft, State: campaign.Accepted, N: 2_000},
			{Lane: campaign.TailLane + 3, State: campaign.Accepted, N: 1_000},
		},
		Heard: []campaign.FeedbackCount{
			{Lane: campaign.LaneYahoo, Kind: campaign.Complaint, N: 9},
			{Lane: campaign.LaneYahoo, Kind: campaign.Unsubscription, N: 3},
			{Lane: campaign.LaneMicrosoft, Kind: campaign.Complaint, N: 6},
			{Lane: campaign.LaneMicrosoft, Kind: campaign.HardBounce, N: 4},
			{Lane: campaign.TailLane + 3, Kind: campaign.SoftBounce, N: 2},
		},
	}
	var out bytes.Buffer
	(&app{out: &out}).showFeedback(st)
	var got []string
	for l := range strings.Lines(out.String()) {
		if fields := strings.Fields(l); len(fields) > 5 {
			got = append(got, strings.Join(fields, " "))
		}
	}
	want := []string{
		"Came back after it was accepted:",
		"site gone soft refused complaints share unsubscribed",
		"all sites 4 2 0 15 0.12 % 3 above Gmail's 0.1 %: find out why",
		"yahoo 0 0 0 9 0.09 % 3",
		"microsoft 4 0 0 6 0.30 % 0 over Gmail's limit of 0.3 %: mail lands in spam",
		"other sites 0 2 0 0 0.00 % 0",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if feedbackBySite(campaign.Status{Counts: st.Counts, Lanes: st.Lanes}) != nil {
		t.Error("nothing came back, and is shown")
	}
}
