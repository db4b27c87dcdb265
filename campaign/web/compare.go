package web

import (
	"fmt"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"broadside/campaign"
)

// compareView is runs side by side, and what else they can be compared with.
type compareView struct {
	campaign.Comparison
	With    []campaign.RunID // of each choice, 0 for none
	Choices []campaign.Run
	CSV     string // where the same is to be had
}

// First is the run that the others are beside.
func (c compareView) First() campaign.Run { return c.Runs[0].Run }

// Columns are the table's, the first of which has the names.
func (c compareView) Columns() int { return len(c.Runs) + 1 }

// compareChoices are how many runs of the campaign, and how many of all, are offered.
const compareChoices = 12

func showComparison(v *visit) error {
	run, c, err := v.comparison()
	if err != nil {
		return err
	}
	body := compareView{Comparison: c, With: make([]campaign.RunID, campaign.MostCompared)}
	with := url.Values{}
	for i, r := range c.Runs[1:] {
		body.With[i] = r.Run.ID
		body.Choices = append(body.Choices, r.Run)
		with.Add("with", strconv.FormatInt(int64(r.Run.ID), 10))
	}
	body.CSV = fmt.Sprintf("/runs/%d/compare.csv?%s", run.ID, with.Encode())
	ctx, store := v.r.Context(), v.app.Store
	own, err := store.RunsOf(ctx, run.Campaign, 0, compareChoices)
	if err != nil {
		return err
	}
	others, err := store.Runs(ctx, 0, compareChoices)
	if err != nil {
		return err
	}
	for _, r := range append(own, others...) {
		known := slices.ContainsFunc(body.Choices, func(k campaign.Run) bool { return k.ID == r.ID })
		if r.ID != run.ID && !known {
			body.Choices = append(body.Choices, r)
		}
	}
	slices.SortFunc(body.Choices, func(a, b campaign.Run) int { return int(b.ID - a.ID) })
	return v.render(http.StatusOK, "compare", run.Spec.Name+", compared", body)
}

func downloadComparison(v *visit) error {
	run, c, err := v.comparison()
	if err != nil {
		return err
	}
	v.download(fmt.Sprintf("%s run %d compared.csv", run.Spec.Name, run.ID))
	return c.WriteCSV(v.w)
}

// comparison compares the run that the path names with those that the address does, or
// with those before it.
func (v *visit) comparison() (campaign.Run, campaign.Comparison, error) {
	run, err := v.run()
	if err != nil {
		return run, campaign.Comparison{}, err
	}
	ctx := v.r.Context()
	var with []campaign.RunID
	for _, text := range v.r.URL.Query()["with"] {
		if id, err := strconv.ParseInt(text, 10, 64); err == nil && id > 0 && len(with) < campaign.MostCompared {
			with = append(with, campaign.RunID(id))
		}
	}
	if len(with) == 0 {
		earlier, err := v.app.Service.EarlierRuns(ctx, run)
		if err != nil {
			return run, campaign.Comparison{}, err
		}
		for _, r := range earlier {
			with = append(with, r.ID)
		}
	}
	c, err := v.app.Service.Compare(ctx, run.ID, with)
	return run, c, err
}

// Differs says a cell's difference in words, for the run that is looked at.
func (v view) Differs(c campaign.Cell) string {
	if c.Verdict == campaign.NoVerdict {
		return ""
	}
	return string(c.Verdict) + " now, by " + points(math.Abs(c.Points))
}

// points writes a difference of shares.
func points(p float64) string {
	switch {
	case p >= 10:
		return fmt.Sprintf("%.0f points", p)
	case p >= 0.1:
		return fmt.Sprintf("%.1f points", p)
	}
	return fmt.Sprintf("%.2g points", p)
}

// share is percent for what is compared, where hundredths may matter.
func share(part, whole int64) string {
	switch p := 100 * float64(part) / float64(max(whole, 1)); {
	case p > 0 && p < 0.01:
		return "< 0.01 %"
	case p == 0 || p == 100:
		return fmt.Sprintf("%.0f %%", p)
	case p < 10:
		return fmt.Sprintf("%.2f %%", p)
	case p > 99.9:
		return "> 99.9 %"
	default:
		return fmt.Sprintf("%.1f %%", p)
	}
}

// Faster says how much faster the run that is looked at was; "" for hardly.
func (v view) Faster(r campaign.ComparedRun) string {
	switch f := r.Faster; {
	case f >= 1:
		return fmt.Sprintf("%.1f times as fast now", 1+f)
	case f >= 0.05:
		return fmt.Sprintf("%.0f %% faster now", 100*f)
	case f <= -0.05:
		return fmt.Sprintf("%.0f %% slower now", -100*f)
	}
	return ""
}

// Lasted writes how long a run took, or has taken so far.
func (v view) Lasted(r campaign.ComparedRun) string {
	if r.Lasts == 0 {
		return "–"
	}
	text := v.Took(r.Lasts.Seconds())
	if r.Run.Open() {
		text += " so far"
	}
	return text
}

// PerSecond writes a rate with as many decimals as it has to tell.
func (v view) PerSecond(rate float64) string {
	if rate >= 10 {
		return group(int64(math.Round(rate)))
	}
	return strings.TrimSuffix(fmt.Sprintf("%.1f", rate), ".0")
}
