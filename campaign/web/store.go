package web

import (
	"context"

	"broadside/campaign"
	"broadside/campaign/web/api"
)

// Store is what the pages and the API read and change beside what campaign.Service does.
type Store interface {
	api.Store
	SuppressionOf(ctx context.Context, email string) (campaign.Suppression, error) // ErrNotFound
	// LatestRuns returns the last run of each campaign that has one.
	LatestRuns(ctx context.Context, campaigns []campaign.CampaignID) (map[campaign.CampaignID]campaign.Run, error)
	// CountsOf returns the kept counts of runs; one without any is missing.
	CountsOf(ctx context.Context, runs []campaign.RunID) (map[campaign.RunID]campaign.Counts, error)
}
