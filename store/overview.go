package store

import (
	"context"
	"fmt"

	"broadside/campaign"
)

// LatestRuns returns the last run of each campaign that has one, in two queries.
func (db *DB) LatestRuns(ctx context.Context, campaigns []campaign.CampaignID) (map[campaign.CampaignID]campaign.Run, error) {
	ids := make([]int64, len(campaigns))
	for i, id := range campaigns {
		ids[i] = int64(id)
	}
	var last []int64
	if err := db.selectAll(ctx, &last, "SELECT MAX(id) FROM runs WHERE "+db.in("campaign")+" GROUP BY campaign", db.array(ids)); err != nil {
		return nil, fmt.Errorf("find the latest runs of %d campaigns: %w", len(campaigns), err)
	}
	runs, err := db.runs(ctx, "WHERE "+db.in("id"), db.array(last))
	if err != nil {
		return nil, err
	}
	byCampaign := make(map[campaign.CampaignID]campaign.Run, len(runs))
	for _, r := range runs {
		byCampaign[r.Campaign] = r
	}
	return byCampaign, nil
}

// CountsOf returns the kept counts of runs in one query; a run without any is missing.
func (db *DB) CountsOf(ctx context.Context, runs []campaign.RunID) (map[campaign.RunID]campaign.Counts, error) {
	ids := make([]int64, len(runs))
	for i, id := range runs {
		ids[i] = int64(id)
	}
	var rows []struct {
		Run       int64
		State     uint8
		N, Resent int64
	}
	err := db.selectAll(ctx, &rows, "SELECT run, state, SUM(n) AS n, SUM(resent) AS resent FROM run_counts WHERE "+db.in("run")+" GROUP BY run, state", db.array(ids))
	if err != nil {
		return nil, fmt.Errorf("read the counts of %d runs: %w", len(runs), err)
	}
	counts := make(map[campaign.RunID]campaign.Counts, len(runs))
	for _, r := range rows {
		c := counts[campaign.RunID(r.Run)]
		c.Add(campaign.State(r.State), r.N)
		c.Resent += r.Resent
		counts[campaign.RunID(r.Run)] = c
	}
	return counts, nil
}
