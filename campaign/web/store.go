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
}
