package web

import (
	"net/http"

	"broadside/campaign"
)

type homeView struct {
	Lists     []campaign.List
	Campaigns []campaign.Campaign
	Live      []runLine
	Recent    []runLine
	People    int64
}

// runLine is a run with its counts.
type runLine struct {
	Run    campaign.Run
	Counts campaign.Counts
}

const homeRuns = 12

func home(v *visit) error {
	ctx, store := v.r.Context(), v.app.Store
	var body homeView
	var err error
	if body.Lists, err = store.Lists(ctx); err != nil {
		return err
	}
	for _, l := range body.Lists {
		body.People += l.Subscribed
	}
	if body.Campaigns, err = store.Campaigns(ctx, false, 0, 5); err != nil {
		return err
	}
	runs, err := store.Runs(ctx, 0, homeRuns)
	if err != nil {
		return err
	}
	counts, err := v.counts(runs)
	if err != nil {
		return err
	}
	for _, r := range runs {
		if line := (runLine{r, counts[r.ID]}); r.Open() {
			body.Live = append(body.Live, line)
		} else {
			body.Recent = append(body.Recent, line)
		}
	}
	return v.render(http.StatusOK, "home", "Overview", body)
}
