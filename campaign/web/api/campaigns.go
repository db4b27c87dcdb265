package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"broadside/campaign"
	"broadside/campaign/account"
)

// Campaign is what is sent. A run keeps the text that it was started with.
type Campaign struct {
	ID       int64     `json:"id"`
	Version  int64     `json:"version" doc:"Grows with each change; an edit names the one that it read."`
	Created  time.Time `json:"created"`
	Updated  time.Time `json:"updated"`
	Archived time.Time `json:"archived,omitzero" doc:"When it was put away; missing when it is not."`
	Draft
}

func campaignOf(c campaign.Campaign) Campaign {
	return Campaign{int64(c.ID), c.Updated.UnixMilli(), c.Created, c.Updated, c.Archived, draftOf(c.Spec)}
}

// CampaignLine is a campaign in a list, with its latest run.
type CampaignLine struct {
	ID       int64     `json:"id"`
	Name     string    `json:"name"`
	Subject  string    `json:"subject"`
	Lists    []string  `json:"lists" nullable:"false"`
	Created  time.Time `json:"created"`
	Updated  time.Time `json:"updated"`
	Archived time.Time `json:"archived,omitzero" doc:"When it was put away; missing when it is not."`
	Run      *Run      `json:"run,omitempty" doc:"The latest; missing while it is a draft."`
	Next     time.Time `json:"next,omitzero" doc:"When it is sent again by itself; missing when it does not repeat."`
}

// CampaignPath names a campaign.
type CampaignPath struct {
	Campaign int64 `path:"campaign" minimum:"1" doc:"The campaign's id."`
}

func (a *API) addCampaigns() {
	add(a, Operation{Method: "GET", Path: "/campaigns", ID: "list-campaigns", Tag: "campaigns", Summary: "Campaigns with their latest runs, newest first", Need: account.See}, a.showCampaigns)
	add(a, Operation{Method: "POST", Path: "/campaigns", ID: "create-campaign", Tag: "campaigns", Summary: "Make a campaign", Means: "All but its name may be missing. A name is taken once: asking again is a conflict, and makes no second one.", Need: account.Write, Action: "create campaign", Status: http.StatusCreated, MaxBody: draftBytes}, a.createCampaign)
	add(a, Operation{Method: "GET", Path: "/campaigns/{campaign}", ID: "show-campaign", Tag: "campaigns", Summary: "A campaign with all of its text and files", Need: account.See}, a.showCampaign)
	add(a, Operation{Method: "PUT", Path: "/campaigns/{campaign}", ID: "edit-campaign", Tag: "campaigns", Summary: "Replace a campaign's text", Means: "It is a conflict when somebody changed it since the version that was read. Runs that were started keep what they were started with.", Need: account.Write, Action: "edit campaign", MaxBody: draftBytes}, a.editCampaign)
	add(a, Operation{Method: "POST", Path: "/campaigns/{campaign}/follow-up", ID: "follow-up-campaign", Tag: "campaigns", Summary: "Make a copy for those whom it reached, or for those whom it missed", Means: "The copy is a draft: write it, and start it. A correction goes to reached; sending again to failed, to missed.", Need: account.Write, Action: "follow up campaign", Status: http.StatusCreated}, a.followUp)
	add(a, Operation{Method: "POST", Path: "/campaigns/{campaign}/clone", ID: "clone-campaign", Tag: "campaigns", Summary: "Make a copy under a name that is free", Need: account.Write, Action: "clone campaign", Status: http.StatusCreated}, a.cloneCampaign)
	add(a, Operation{Method: "POST", Path: "/campaigns/{campaign}/archive", ID: "archive-campaign", Tag: "campaigns", Summary: "Put a campaign away", Means: "Its runs and reports stay. It is a conflict while a run is open or the campaign repeats. Asking twice changes nothing.", Need: account.Write, Action: "archive campaign"}, a.archive)
	add(a, Operation{Method: "POST", Path: "/campaigns/{campaign}/restore", ID: "restore-campaign", Tag: "campaigns", Summary: "Take a campaign out of the archive", Means: "Asking twice changes nothing.", Need: account.Write, Action: "restore campaign"}, a.restore)
	add(a, Operation{Method: "GET", Path: "/campaigns/{campaign}/preview", ID: "preview-campaign", Tag: "campaigns", Summary: "The message as a contact would receive it", Need: account.See}, a.preview)
	add(a, Operation{Method: "GET", Path: "/campaigns/{campaign}/lint", ID: "lint-campaign", Tag: "campaigns", Summary: "What is to be mended: first what keeps it from starting", Need: account.See}, a.lint)
	add(a, Operation{Method: "POST", Path: "/campaigns/{campaign}/test", ID: "test-campaign", Tag: "campaigns", Summary: "Send one message now and wait for the server's word", Need: account.Write, Action: "send test"}, a.test)
	add(a, Operation{Method: "GET", Path: "/campaigns/{campaign}/review", ID: "review-campaign", Tag: "campaigns", Summary: "What would keep the campaign from starting now", Means: "A sample of the audience is rendered.", Need: account.See}, a.review)
	add(a, Operation{Method: "GET", Path: "/campaigns/{campaign}/audience", ID: "count-audience", Tag: "campaigns", Summary: "Whom a start now would reach", Means: "It answers at once: of a large audience with the numbers of its first members and an estimate of all recipients, which complete tells apart. With exact=true everybody is looked at: the number that a start's recipients must be.", Need: account.See}, a.countCampaign)
	add(a, Operation{Method: "POST", Path: "/campaigns/{campaign}/start", ID: "start-campaign", Tag: "campaigns", Summary: "Start a run now, or schedule it", Means: "Until the answer's irrevocable_at the start can be undone. Asking twice starts one run: the second is a conflict, also after the run is over, unless again_after names the run that this one follows.", Need: account.Send, Action: "start campaign", Status: http.StatusCreated}, a.start)
	a.addRepetition()
}

type campaignsAsked struct {
	Paging
	Archived bool `query:"archived" doc:"Those in the archive, and no others."`
}

func (a *API) showCampaigns(ctx context.Context, _ *call, in *campaignsAsked) (*body[Page[CampaignLine]], error) {
	before, err := in.key()
	if err != nil {
		return nil, err
	}
	list, err := a.Store.Campaigns(ctx, in.Archived, campaign.CampaignID(before), in.Limit)
	if err != nil {
		return nil, err
	}
	ids := make([]campaign.CampaignID, len(list))
	for i, c := range list {
		ids[i] = c.ID
	}
	next, err := a.Store.NextTimes(ctx, ids)
	if err != nil {
		return nil, err
	}
	lines := make([]CampaignLine, len(list))
	for i, c := range list {
		lines[i] = CampaignLine{ID: int64(c.ID), Name: c.Spec.Name, Subject: c.Spec.Subject, Lists: append([]string{}, c.Spec.Lists...), Created: c.Created, Updated: c.Updated, Archived: c.Archived, Next: next[c.ID]}
		run, err := a.Store.LatestRun(ctx, c.ID)
		if errors.Is(err, campaign.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		shown := runOf(run)
		lines[i].Run = &shown
	}
	return answer(pageOf(lines, in.Limit, func(l CampaignLine) CampaignLine { return l }, func(l CampaignLine) string { return number(l.ID) }), nil)
}

func (a *API) createCampaign(ctx context.Context, c *call, in *struct{ Body Draft }) (*body[Campaign], error) {
	c.object = in.Body.Name
	spec, err := in.Body.spec(campaign.Spec{})
	if err != nil {
		return nil, err
	}
	made, err := a.Service.CreateDraft(ctx, spec)
	return answer(campaignOf(made), err)
}

// campaign finds the campaign that the path names.
func (a *API) campaign(ctx context.Context, c *call, in CampaignPath) (campaign.Campaign, error) {
	found, err := a.Store.CampaignByID(ctx, campaign.CampaignID(in.Campaign))
	c.object = found.Spec.Name
	return found, err
}

func (a *API) showCampaign(ctx context.Context, c *call, in *CampaignPath) (*body[Campaign], error) {
	found, err := a.campaign(ctx, c, *in)
	return answer(campaignOf(found), err)
}

type edit struct {
	CampaignPath
	Body struct {
		Version int64 `json:"version" minimum:"0" doc:"The one that was read."`
		Draft
	}
}

func (a *API) editCampaign(ctx context.Context, c *call, in *edit) (*body[Campaign], error) {
	found, err := a.campaign(ctx, c, in.CampaignPath)
	if err != nil {
		return nil, err
	}
	spec, err := in.Body.spec(found.Spec)
	if err != nil {
		return nil, err
	}
	saved, err := a.Service.SaveDraft(ctx, found, time.UnixMilli(in.Body.Version), spec)
	return answer(campaignOf(saved), err)
}

func (a *API) archive(ctx context.Context, c *call, in *CampaignPath) (*body[Campaign], error) {
	found, err := a.campaign(ctx, c, *in)
	if err == nil {
		found, err = a.Service.Archive(ctx, found)
	}
	return answer(campaignOf(found), err)
}

func (a *API) restore(ctx context.Context, c *call, in *CampaignPath) (*body[Campaign], error) {
	found, err := a.campaign(ctx, c, *in)
	if err == nil && !found.Archived.IsZero() {
		found, err = a.Service.Restore(ctx, found)
	}
	return answer(campaignOf(found), err)
}

func (a *API) cloneCampaign(ctx context.Context, c *call, in *CampaignPath) (*body[Campaign], error) {
	found, err := a.campaign(ctx, c, *in)
	if err != nil {
		return nil, err
	}
	copied, err := a.Service.Clone(ctx, found)
	return answer(campaignOf(copied), err)
}

type following struct {
	CampaignPath
	Body struct {
		Whom string `json:"whom" enum:"reached,missed" doc:"reached: a server took a message, and none came back since. missed: everybody else of its audience, as it is now."`
	}
}

func (a *API) followUp(ctx context.Context, c *call, in *following) (*body[Campaign], error) {
	found, err := a.campaign(ctx, c, in.CampaignPath)
	if err != nil {
		return nil, err
	}
	copied, err := a.Service.FollowUp(ctx, found, campaign.Whom(in.Body.Whom))
	return answer(campaignOf(copied), err)
}

type starting struct {
	CampaignPath
	Body struct {
		At         time.Time `json:"at,omitzero" doc:"When to begin, within a year; when it is missing, after the undo minute."`
		AtOnce     bool      `json:"at_once,omitempty" doc:"Begin without the undo minute: nothing can be taken back."`
		AgainAfter int64     `json:"again_after,omitempty" minimum:"1" doc:"The campaign's latest run, to send once more to the whole audience."`
		Recipients *int64    `json:"recipients,omitempty" minimum:"0" doc:"How many people it is meant to reach: it is a conflict when they are not as many."`
	}
}

// furthestStart is how far ahead a start may be.
const furthestStart = 366 * 24 * time.Hour

func (a *API) start(ctx context.Context, c *call, in *starting) (*body[Run], error) {
	found, err := a.campaign(ctx, c, in.CampaignPath)
	if err != nil {
		return nil, err
	}
	if at, now := in.Body.At, a.Now(); !at.IsZero() && (at.Before(now.Add(-time.Minute)) || at.Sub(now) > furthestStart) {
		return nil, invalid("body.at", "must be within the next year")
	}
	forecast, err := a.expectRecipients(ctx, c, found, in.Body.Recipients)
	if err != nil {
		return nil, err
	}
	start := a.Service.Start
	if in.Body.AgainAfter != 0 {
		if err := a.expectLatest(ctx, found, campaign.RunID(in.Body.AgainAfter)); err != nil {
			return nil, err
		}
		start = a.Service.StartAgain
	}
	at := in.Body.At
	switch now := a.Now(); {
	case in.Body.AtOnce && !at.IsZero():
		return nil, invalid("body.at_once", "has no time beside it")
	case in.Body.AtOnce:
		at = now
	case at.IsZero() && !found.Spec.StartAt.After(now):
		at = now.Add(a.UndoTime)
	}
	run, err := start(ctx, found.Spec.Name, at)
	if err == nil && forecast != (campaign.Forecast{}) {
		run.Forecast, err = forecast, a.Service.Foretell(ctx, run.ID, forecast)
	}
	return answer(runOf(run), a.Service.WhyNot(ctx, found.Spec, err))
}
