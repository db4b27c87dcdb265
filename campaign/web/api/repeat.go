package api

import (
	"context"
	"time"

	"broadside/campaign"
	"broadside/campaign/account"
)

// Repetition is a campaign that is sent again and again.
type Repetition struct {
	Words string    `json:"words" doc:"When, as people say it."`
	Next  time.Time `json:"next"`
	Note  string    `json:"note,omitempty" doc:"What became of the last time, when that was no run."`
}

func repetitionOf(r campaign.Recurrence) Repetition {
	out := Repetition{Next: r.Next, Note: r.Note}
	if times, err := r.Spec.Repeat.Parse(); err == nil {
		out.Words = times.String()
	}
	return out
}

func (a *API) addRepetition() {
	add(a, Operation{Method: "GET", Path: "/campaigns/{campaign}/repeat", ID: "show-repetition", Tag: "campaigns", Summary: "When a campaign is sent again", Means: "It is not found when the campaign does not repeat.", Need: account.See}, a.showRepetition)
	add(a, Operation{Method: "POST", Path: "/campaigns/{campaign}/repeat", ID: "repeat-campaign", Tag: "campaigns", Summary: "Send a campaign again and again, as its repeat says", Means: "Each time is a run of its own, made once. It sends what the campaign says now: after a change ask again. A time that was missed is sent up to six hours late, the last of several.", Need: account.Send, Action: "repeat campaign"}, a.repeat)
	add(a, Operation{Method: "POST", Path: "/campaigns/{campaign}/repeat/skip", ID: "skip-next", Tag: "campaigns", Summary: "Leave out the next time", Need: account.Send, Action: "skip next run"}, a.skipNext)
	add(a, Operation{Method: "POST", Path: "/campaigns/{campaign}/repeat/stop", ID: "stop-repeating", Tag: "campaigns", Summary: "Send a campaign no more by itself", Means: "A run that has begun goes on.", Need: account.Send, Action: "stop repeating"}, a.stopRepeating)
}

func (a *API) showRepetition(ctx context.Context, _ *call, in *CampaignPath) (*body[Repetition], error) {
	r, err := a.Store.RecurrenceOf(ctx, campaign.CampaignID(in.Campaign))
	return answer(repetitionOf(r), err)
}

func (a *API) repeat(ctx context.Context, c *call, in *CampaignPath) (*body[Repetition], error) {
	found, err := a.campaign(ctx, c, *in)
	if err != nil {
		return nil, err
	}
	r, err := a.Service.Repeat(ctx, found)
	return answer(repetitionOf(r), a.Service.WhyNot(ctx, found.Spec, err))
}

func (a *API) skipNext(ctx context.Context, c *call, in *CampaignPath) (*body[Repetition], error) {
	found, err := a.campaign(ctx, c, *in)
	if err != nil {
		return nil, err
	}
	r, err := a.Service.SkipNext(ctx, found.ID)
	return answer(repetitionOf(r), err)
}

func (a *API) stopRepeating(ctx context.Context, c *call, in *CampaignPath) (*body[Repetition], error) {
	found, err := a.campaign(ctx, c, *in)
	if err != nil {
		return nil, err
	}
	r, err := a.Store.RecurrenceOf(ctx, found.ID)
	if err == nil {
		err = a.Service.StopRepeating(ctx, found.ID)
	}
	return answer(repetitionOf(r), err)
}
