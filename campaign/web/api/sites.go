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
	// LimitSite allows a site so much at most, from all senders together; zero takes the
	// limit away.
	LimitSite(ctx context.Context, site string, l campaign.SiteLimit) error
	// Activity is what the senders do now, the busiest site first. Senders that do not
	// answer are left out.
	Activity(ctx context.Context) ([]campaign.SiteActivity, error)
}

func (a *API) addSites() {
	add(a, Operation{Method: "GET", Path: "/sites", ID: "list-sites", Tag: "sites", Summary: "Paused sites, and what replies have taught", Means: "A site that never asked for less is missing.", Need: account.See}, a.showSites)
	add(a, Operation{Method: "POST", Path: "/sites/{site}/pause", ID: "pause-site", Tag: "sites", Summary: "Send nothing to a site, from any source", Means: "Senders know within a second. Asking again replaces the time and the note.", Need: account.Send, Action: "pause site"}, a.pauseSite)
	add(a, Operation{Method: "POST", Path: "/sites/{site}/resume", ID: "resume-site", Tag: "sites", Summary: "Send to a paused site again", Means: "What its replies have taught stays. Asking twice changes nothing.", Need: account.Send, Action: "resume site", Status: http.StatusNoContent}, a.resumeSite)
	add(a, Operation{Method: "POST", Path: "/sites/{site}/limit", ID: "limit-site", Tag: "sites", Summary: "Allow a site so much at most", Means: "It holds for all senders together, within a second, below what the shaping rules allow. Two zeros take it away.", Need: account.Send, Action: "limit site", Status: http.StatusNoContent}, a.limitSite)
	add(a, Operation{Method: "GET", Path: "/sites/activity", ID: "show-activity", Tag: "sites", Summary: "What the senders do at each site at this moment", Means: "The busiest first. A site to which nothing was sent since the senders began is missing.", Need: account.See}, a.showActivity)
}

func (a *API) showActivity(ctx context.Context, _ *call, _ *struct{}) (*body[Page[campaign.SiteActivity]], error) {
	list, err := a.Sites.Activity(ctx)
	return answer(all(list, func(s campaign.SiteActivity) campaign.SiteActivity { return s }), err)
}

type siteLimit struct {
	SitePath
	Body struct {
		Rate        float64 `json:"rate" minimum:"0" maximum:"100000" doc:"Messages per second; 0 is not limited."`
		Connections int     `json:"connections" minimum:"0" maximum:"10000" doc:"0 is not limited."`
	}
}

func (a *API) limitSite(ctx context.Context, c *call, in *siteLimit) (*struct{}, error) {
	site := strings.ToLower(in.Site)
	c.object = site
	return nil, a.Sites.LimitSite(ctx, site, campaign.SiteLimit{Rate: in.Body.Rate, Connections: in.Body.Connections, Since: a.Now(), Who: c.user.Email})
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
