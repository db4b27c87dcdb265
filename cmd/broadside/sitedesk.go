package main

import (
	"context"
	"time"

	"broadside/campaign"
	"broadside/delivery"
	"broadside/store"
)

// siteDesk lets the web role do what `broadside sites` does.
type siteDesk struct{ store *store.DB }

// SiteStates implements api.Sites.
func (d siteDesk) SiteStates(ctx context.Context) ([]campaign.SiteState, error) {
	rows, err := siteRows(ctx, d.store, time.Now())
	states := make([]campaign.SiteState, len(rows))
	for i, r := range rows {
		states[i] = r.SiteState
	}
	return states, err
}

// PauseSite implements api.Sites.
func (d siteDesk) PauseSite(ctx context.Context, site string, until time.Time, why string) (campaign.SiteState, error) {
	p := delivery.SitePause{Site: site, Since: time.Now(), Until: until, Why: why}
	return pauseRow(p).SiteState, d.store.PauseSite(ctx, p)
}

// ResumeSite implements api.Sites.
func (d siteDesk) ResumeSite(ctx context.Context, site string) error {
	return d.store.ResumeSite(ctx, site, time.Now())
}
