package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"broadside/campaign"
)

// Preview is a message as a mail program would take it apart.
type Preview struct {
	As      string   `json:"as" doc:"Whose it is."`
	From    string   `json:"from"`
	To      string   `json:"to"`
	Subject string   `json:"subject"`
	Text    string   `json:"text,omitempty"`
	HTML    string   `json:"html,omitempty" doc:"With its inline images as data: URLs."`
	Files   []string `json:"files,omitempty" nullable:"false"`
	Bytes   int      `json:"bytes"`
}

type previewing struct {
	CampaignPath
	Variant string `query:"variant" enum:"A,B,C,D" doc:"Letter of a variant of its A/B test; the campaign as it is written when it is missing."`
	As      string `query:"as" maxLength:"254" doc:"An address, or longest or shortest for those whose values make the longest and the shortest message; the first of the audience when it is missing."`
}

func (a *API) preview(ctx context.Context, c *call, in *previewing) (*body[Preview], error) {
	found, err := a.campaign(ctx, c, in.CampaignPath)
	if err != nil {
		return nil, err
	}
	if found.Spec, err = found.Spec.Pick(in.Variant); err != nil {
		return nil, err
	}
	c.patient()
	r, err := a.Service.RenderFit(ctx, found.Spec, in.As)
	return answer(Preview{r.Contact.Email, r.From, r.To, r.Subject, r.Text, r.HTML, r.Files, r.Bytes}, err)
}

// longAnswer is how long counting and rendering for a whole audience may take: ten
// million contacts are counted in about a minute and a half.
const longAnswer = 5 * time.Minute

// patient lets an answer take longer than others.
func (c *call) patient() {
	_ = http.NewResponseController(c.w).SetWriteDeadline(time.Now().Add(longAnswer)) // without it the usual limit holds
}

// Findings are what was noticed about a campaign.
type Findings struct {
	Findings []campaign.Finding `json:"findings" nullable:"false"`
}

func (a *API) lint(ctx context.Context, c *call, in *CampaignPath) (*body[Findings], error) {
	found, err := a.campaign(ctx, c, *in)
	if err != nil {
		return nil, err
	}
	findings, err := a.Service.Lint(ctx, found.Spec)
	return answer(Findings{append([]campaign.Finding{}, findings...)}, err)
}

// Review is what a start now would meet.
type Review struct {
	Ready    bool               `json:"ready" doc:"Nothing keeps it from starting."`
	Findings []campaign.Finding `json:"findings" nullable:"false"`
	Sampled  int                `json:"sampled" doc:"Recipients whose message was rendered: a thousand from all over the lists at most."`
	Failed   int                `json:"failed" doc:"Of them, those whose message could not be."`
	Complete bool               `json:"complete" doc:"These were all: otherwise others' messages may fail too."`
	Failures []string           `json:"failures,omitempty" nullable:"false" doc:"Why, for the first ones."`
	Bytes    int                `json:"bytes" doc:"Of the largest message."`
}

func (a *API) review(ctx context.Context, c *call, in *CampaignPath) (*body[Review], error) {
	found, err := a.campaign(ctx, c, *in)
	if err != nil {
		return nil, err
	}
	c.patient()
	p, err := a.Service.Check(ctx, found.Spec)
	return answer(Review{p.Blocked() == nil, append([]campaign.Finding{}, p.Findings...), p.Sampled, p.Failed, p.Complete, p.FirstFailures, p.Bytes}, err)
}

type testing struct {
	CampaignPath
	Body struct {
		To      string `json:"to" minLength:"3" maxLength:"254" doc:"Where to."`
		Variant string `json:"variant,omitempty" enum:"A,B,C,D" doc:"Letter of a variant, as in a preview."`
		As      string `json:"as,omitempty" maxLength:"254" doc:"Whose values it shows, as in a preview."`
	}
}

// Tested is what became of a test message.
type Tested struct {
	Accepted bool   `json:"accepted"`
	Result   string `json:"result" doc:"The server's words."`
}

func (a *API) test(ctx context.Context, c *call, in *testing) (*body[Tested], error) {
	found, err := a.campaign(ctx, c, in.CampaignPath)
	if err != nil {
		return nil, err
	}
	c.object += " to " + in.Body.To
	to, err := campaign.ParseAddress(in.Body.To)
	if err != nil {
		return nil, invalid("body.to", err.Error())
	}
	if a.SendTest == nil {
		return nil, huma.Error409Conflict("This process cannot send tests: ask one that has the send role.")
	}
	if found.Spec, err = found.Spec.Pick(in.Body.Variant); err != nil {
		return nil, err
	}
	c.patient()
	r, err := a.Service.RenderFit(ctx, found.Spec, in.Body.As)
	if err != nil {
		return nil, err
	}
	if found.Spec.From == "" {
		return nil, &campaign.Unfit{Findings: []campaign.Finding{{Blocks: true, Where: "from", What: "is empty"}}}
	}
	accepted, result, err := a.SendTest(ctx, found.Spec, r.Contact, to.Email)
	if err != nil {
		return nil, huma.Error503ServiceUnavailable(err.Error())
	}
	return &body[Tested]{Tested{accepted, result}}, nil
}

// Audience is whom a campaign would go to: recipients = members − excluded − outside −
// unsubscribed − suppressed.
type Audience struct {
	Complete     bool      `json:"complete" doc:"Everybody was looked at. Otherwise the numbers are those of the first members, and about says how many recipients there are in all."`
	Members      int64     `json:"members" doc:"Of the lists, who were looked at."`
	Excluded     int64     `json:"excluded" doc:"Members of excluded lists and segments."`
	Outside      int64     `json:"outside" doc:"Of the segments."`
	Unsubscribed int64     `json:"unsubscribed"`
	Suppressed   int64     `json:"suppressed"`
	Recipients   int64     `json:"recipients" doc:"Of the members: the least that it would reach."`
	About        int64     `json:"about" doc:"An estimate of all that it would reach; the same as recipients when it is complete."`
	Forecast     *Forecast `json:"forecast,omitempty" doc:"How long a start now would take; missing for nobody, and when it is not complete."`
	Clocks       string    `json:"clocks,omitempty" doc:"When they would get it, in words, if it is sent by the clocks of their zones: for the next time of its repetition, its start_at if that is to come, or a start now; missing when it is not complete. Times are in your time zone."`
}

type audience struct {
	CampaignPath
	Exact bool `query:"exact" doc:"Look at everybody, however long it takes: ten million in about a minute and a half."`
}

// countTime is how long an audience is counted for who did not ask for all of it: with the
// samples of the rest, the answer is there in a tenth of a second.
const countTime = 30 * time.Millisecond

func (a *API) countCampaign(ctx context.Context, c *call, in *audience) (*body[Audience], error) {
	found, err := a.campaign(ctx, c, in.CampaignPath)
	if err != nil {
		return nil, err
	}
	if in.Exact {
		return a.counted(ctx, c, found.Spec)
	}
	if err := a.Service.FitAudience(ctx, found.Spec); err != nil {
		return nil, err
	}
	g, err := a.Service.Glance(ctx, found.Spec, countTime)
	if err != nil || !g.Complete {
		return answer(audienceOf(g.AudienceCount, g.About), err)
	}
	f, err := a.Service.Forecast(ctx, found.Spec, g.AudienceCount, a.Now())
	return answer(a.foretold(c, found.Spec, g.AudienceCount, f), err)
}

// counted answers with whom a campaign would reach, all of them.
func (a *API) counted(ctx context.Context, c *call, spec campaign.Spec) (*body[Audience], error) {
	n, f, err := a.count(ctx, c, spec)
	return answer(a.foretold(c, spec, n, f), err)
}

// foretold is an audience of which everybody was looked at.
func (a *API) foretold(c *call, spec campaign.Spec, n campaign.AudienceCount, f campaign.Forecast) Audience {
	whole := audienceOf(n, n.Recipients)
	whole.Complete, whole.Forecast, whole.Clocks = true, forecastOf(f), spec.ByTheirClocks(n, time.Time{}, a.Now(), c.user.Location())
	return whole
}

func audienceOf(n campaign.AudienceCount, about int64) Audience {
	return Audience{
		Members: n.Members, Excluded: n.Excluded, Outside: n.Outside, Unsubscribed: n.Unsubscribed, Suppressed: n.Suppressed,
		Recipients: n.Recipients, About: about,
	}
}

func (a *API) count(ctx context.Context, c *call, spec campaign.Spec) (campaign.AudienceCount, campaign.Forecast, error) {
	if err := a.Service.FitAudience(ctx, spec); err != nil {
		return campaign.AudienceCount{}, campaign.Forecast{}, err
	}
	c.patient()
	n, err := a.Service.CountAudience(ctx, spec, func(campaign.AudienceCount) {})
	if err != nil {
		return n, campaign.Forecast{}, err
	}
	f, err := a.Service.Forecast(ctx, spec, n, a.Now())
	return n, f, err
}

// Forecast is how long a run is expected to take, without retries.
type Forecast struct {
	Seconds int64  `json:"seconds" doc:"From its start to the last first attempt."`
	Bound   string `json:"bound" doc:"By what, in words."`
	Text    string `json:"text" doc:"The same as people say it."`
}

func forecastOf(f campaign.Forecast) *Forecast {
	if f == (campaign.Forecast{}) {
		return nil
	}
	return &Forecast{int64(f.Lasts.Seconds()), f.Bound, f.String()}
}

// expectRecipients makes sure that a start reaches as many as its caller thinks. Having
// counted them, it can foretell the run.
func (a *API) expectRecipients(ctx context.Context, c *call, found campaign.Campaign, want *int64) (campaign.Forecast, error) {
	if want == nil {
		return campaign.Forecast{}, nil
	}
	n, f, err := a.count(ctx, c, found.Spec)
	if err == nil && n.Recipients != *want {
		err = huma.Error409Conflict(fmt.Sprintf("It would reach %d people, and not %d.", n.Recipients, *want))
	}
	return f, err
}

// expectLatest makes sure that a campaign is sent again once, however often it is asked.
func (a *API) expectLatest(ctx context.Context, found campaign.Campaign, want campaign.RunID) error {
	last, err := a.Store.LatestRun(ctx, found.ID)
	if err != nil && !errors.Is(err, campaign.ErrNotFound) {
		return err
	}
	if last.ID != want {
		return huma.Error409Conflict(fmt.Sprintf("Its latest run is %d, and not %d.", last.ID, want))
	}
	return nil
}
