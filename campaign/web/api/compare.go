package api

import (
	"context"
	"fmt"
	"io"

	"github.com/danielgtaylor/huma/v2"

	"broadside/campaign"
	"broadside/campaign/account"
)

// Comparison is what became of runs, side by side.
type Comparison struct {
	Runs     []ComparedRun           `json:"runs" nullable:"false" doc:"First the run that is asked about, then what it is compared with."`
	Measures []campaign.Measure      `json:"measures" nullable:"false"`
	Sites    []campaign.ComparedSite `json:"sites" nullable:"false" doc:"The same by site, the largest first; small sites are one."`
}

// ComparedRun is a run with what it took.
type ComparedRun struct {
	Run
	Seconds   float64 `json:"seconds" doc:"From its start to its end, or so far."`
	PerSecond float64 `json:"accepted_per_second"`
	Settled   bool    `json:"settled" doc:"It ended 3 days ago or earlier: only then its readers are compared. While it is under way nothing is."`
}

func comparisonOf(c campaign.Comparison) Comparison {
	out := Comparison{Measures: c.Measures, Sites: c.Sites}
	for _, r := range c.Runs {
		out.Runs = append(out.Runs, ComparedRun{runOf(r.Run), r.Lasts.Seconds(), r.Speed, r.Settled})
	}
	return out
}

func (a *API) addComparison() {
	const means = "Without with: the campaign's runs before it, and if they are not enough those that went to one of its lists. People alone are counted among readers, not machines."
	add(a, Operation{Method: "GET", Path: "/runs/{run}/comparison", ID: "compare-runs", Tag: "runs", Summary: "A run beside earlier ones", Means: means, Need: account.See}, a.compare)
	add(a, Operation{Method: "GET", Path: "/runs/{run}/comparison.csv", ID: "download-comparison", Tag: "runs", Summary: "The same as CSV", Means: "It has no addresses. " + means, Need: account.See, Answer: "text/csv"}, a.downloadComparison)
}

type comparing struct {
	RunPath
	With []int64 `query:"with" maxItems:"3" doc:"Up to three other runs, separated by commas."`
}

func (a *API) compared(ctx context.Context, c *call, in *comparing) (campaign.Comparison, error) {
	run, err := a.run(ctx, c, in.RunPath)
	if err != nil {
		return campaign.Comparison{}, err
	}
	with := make([]campaign.RunID, len(in.With))
	for i, id := range in.With {
		with[i] = campaign.RunID(id)
	}
	if len(with) == 0 {
		earlier, err := a.Service.EarlierRuns(ctx, run)
		if err != nil {
			return campaign.Comparison{}, err
		}
		for _, r := range earlier {
			with = append(with, r.ID)
		}
	}
	return a.Service.Compare(ctx, run.ID, with)
}

func (a *API) compare(ctx context.Context, c *call, in *comparing) (*body[Comparison], error) {
	found, err := a.compared(ctx, c, in)
	return answer(comparisonOf(found), err)
}

func (a *API) downloadComparison(ctx context.Context, c *call, in *comparing) (*huma.StreamResponse, error) {
	found, err := a.compared(ctx, c, in)
	if err != nil {
		return nil, err
	}
	return a.download(c, fmt.Sprintf("run %d compared.csv", in.Run), func(w io.Writer) error { return found.WriteCSV(w) }), nil
}
