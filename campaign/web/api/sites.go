package api

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"broadside/campaign"
	"broadside/campaign/account"
)

// Sites shows the operators of mailboxes, and pauses them for all senders.
type Sites interface {
	SiteStates(ctx context.Context) ([]campaign.SiteState, error)
	// PauseSite orders that a site gets no mail until a time, for good when it is zero;
	// it replaces an earlier order.
	PauseSite(ctx context.Context, site string, until time.Time, why string) (campaign.SiteState, error)
	ResumeSite(ctx context.Context, site string) error // campaign.ErrNotFound when it is not paused
}

func (a *API) addSites() {
	add(a, Operation{Method: "GET", Path: "/sites", ID: "list-sites", Tag: "sites", Summary: "Paused sites, and what replies have taught", Means: "A site that never asked for less is missing.", Need: account.See}, a.showSites)
	add(a, Operation{Method: "POST", Path: "/sites/{site}/pause", ID: "pause-site", Tag: "sites", Summary: "Send nothing to a site, from any source", Means: "Senders know within a second. Asking again replaces the time and the note.", Need: account.Send, Action: "pause site"}, a.pauseSite)
	add(a, Operation{Method: "POST", Path: "/sites/{site}/resume", ID: "resume-site", Tag: "sites", Summary: "Send to a paused site again", Means: "What its replies have taught stays. Asking twice changes nothing.", Need: account.Send, Action: "resume site", Status: http.StatusNoContent}, a.resumeSite)
}

func (a *API) showSites(ctx context.Context, _ *call, _ *struct{}) (*body[Page[campaign.SiteState]], error) {
	states, err := a.Sites.SiteStates(ctx)
	return answer(all(states, func(s campaign.SiteState) campaign.SiteState { return s }), err)
}

// SitePath names a site.
type SitePath struct {
	Site string `path:"site" maxLength:"253" pattern:"^[A-Za-z0-9][A-Za-z0-9._-]*$" patternDescription:"a site's name" doc:"The site's name."`
}

type sitePause struct {
	SitePath
	Body struct {
		Until time.Time `json:"until,omitzero" doc:"Until it is resumed when it is missing."`
		Why   string    `json:"why,omitempty" maxLength:"400" doc:"For the others."`
	}
}

func (a *API) pauseSite(ctx context.Context, c *call, in *sitePause) (*body[campaign.SiteState], error) {
	site := strings.ToLower(in.Site)
	c.object = site
	if !in.Body.Until.IsZero() && !in.Body.Until.After(a.Now()) {
		return nil, invalid("body.until", "is in the past")
	}
	why := strings.TrimSpace(in.Body.Why + " (by " + c.user.Email + ")")
	return answer(a.Sites.PauseSite(ctx, site, in.Body.Until, why))
}

func (a *API) resumeSite(ctx context.Context, c *call, in *SitePath) (*struct{}, error) {
	site := strings.ToLower(in.Site)
	c.object = site
	err := a.Sites.ResumeSite(ctx, site)
	if errors.Is(err, campaign.ErrNotFound) {
		err = nil // it is not paused, as was wanted
	}
	return nil, err
}
