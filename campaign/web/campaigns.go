package web

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"broadside/campaign"
	"broadside/campaign/account"
)

const campaignsPage = 25

type campaignLine struct {
	Campaign campaign.Campaign
	Run      *campaign.Run // the latest
	Next     time.Time     // when it is sent again by itself; zero: it is not
	Counts   campaign.Counts
}

type campaignsView struct {
	Lines []campaignLine
	Older campaign.CampaignID // to go on from, 0 at the end
	First bool
	// Archived: those that were put away, and no others.
	Archived bool
}

func showCampaigns(v *visit) error {
	ctx, store := v.r.Context(), v.app.Store
	before, archived := v.number("before"), v.r.URL.Query().Get("archived") != ""
	list, err := store.Campaigns(ctx, archived, campaign.CampaignID(before), campaignsPage)
	if err != nil {
		return err
	}
	ids := make([]campaign.CampaignID, len(list))
	for i, c := range list {
		ids[i] = c.ID
	}
	runs, err := store.LatestRuns(ctx, ids)
	if err != nil {
		return err
	}
	counts, err := v.counts(slices.Collect(maps.Values(runs)))
	if err != nil {
		return err
	}
	next, err := store.NextTimes(ctx, ids)
	if err != nil {
		return err
	}
	body := campaignsView{First: before == 0, Archived: archived}
	for _, c := range list {
		line := campaignLine{Campaign: c, Next: next[c.ID]}
		if run, ok := runs[c.ID]; ok {
			line.Run, line.Counts = &run, counts[run.ID]
		}
		body.Lines = append(body.Lines, line)
	}
	if len(list) == campaignsPage {
		body.Older = list[campaignsPage-1].ID
	}
	return v.render(http.StatusOK, "campaigns", "Campaigns", body)
}

// counts reads the balances of runs.
func (v *visit) counts(runs []campaign.Run) (map[campaign.RunID]campaign.Counts, error) {
	ids := make([]campaign.RunID, len(runs))
	for i, r := range runs {
		ids[i] = r.ID
	}
	return v.app.Store.CountsOf(v.r.Context(), ids)
}

type newCampaignView struct {
	Form
	Lists    []campaign.List
	Starters []campaign.Starter
	List     string
	Starter  string // the key of the one that is chosen
}

func showNewCampaign(v *visit) error { return v.newCampaign(http.StatusOK, Form{}) }

func (v *visit) newCampaign(status int, f Form) error {
	lists, err := v.app.Store.Lists(v.r.Context())
	if err != nil {
		return err
	}
	body := newCampaignView{Form: f, Lists: lists, List: v.r.URL.Query().Get("list"), Starter: v.r.URL.Query().Get("starter")}
	if body.Starters, err = v.app.Service.Starters(v.r.Context()); err != nil {
		return err
	}
	if body.Starter == "" {
		body.Starter = usualStarter
	}
	return v.render(status, "new", "New campaign", body)
}

// usualStarter is what most begin with.
const usualStarter = "newsletter"

func createCampaign(v *visit) error {
	f, err := v.readForm("name", "list", "starter")
	if err != nil {
		return err
	}
	v.object = f.Values["name"]
	spec := campaign.Spec{Name: strings.TrimSpace(f.Values["name"])}
	if f.Values["list"] != "" {
		spec.Lists = []string{f.Values["list"]}
	}
	if key := f.Values["starter"]; key != "" {
		starter, err := v.app.Service.Starter(v.r.Context(), key)
		if err != nil {
			return err
		}
		spec = starter.Content.Over(spec)
	}
	if err := v.likeTheLast(&spec); err != nil {
		return err
	}
	c, err := v.app.Service.CreateDraft(v.r.Context(), spec)
	if f.take(asField("name", err)) {
		return v.newCampaign(http.StatusUnprocessableEntity, f)
	}
	if err != nil {
		return err
	}
	return v.redirect(fmt.Sprintf("/campaigns/%d", c.ID))
}

// likeTheLast takes over who writes and from where: it is the same every time.
func (v *visit) likeTheLast(spec *campaign.Spec) error {
	last, err := v.app.Store.Campaigns(v.r.Context(), false, 0, 1)
	if err != nil || len(last) == 0 {
		return err
	}
	spec.From, spec.ReplyTo, spec.PostalAddress = last[0].Spec.From, last[0].Spec.ReplyTo, last[0].Spec.PostalAddress
	return nil
}

// asField puts what the service refused beside a field; our own failures stay errors.
func asField(field string, err error) error {
	if err == nil || errors.Is(err, campaign.ErrNotFound) {
		return err
	}
	if text, ok := strings.CutPrefix(err.Error(), field+": "); ok {
		return &account.Problem{Field: field, Text: text}
	}
	if errors.Is(err, campaign.ErrExists) {
		return &account.Problem{Field: field, Text: err.Error()}
	}
	return err
}

func cloneCampaign(v *visit) error {
	c, err := v.campaign()
	if err != nil {
		return err
	}
	copied, err := v.app.Service.Clone(v.r.Context(), c)
	if err != nil {
		return err
	}
	v.flash("This is a copy of %s.", c.Spec.Name)
	return v.redirect(fmt.Sprintf("/campaigns/%d", copied.ID))
}

// followUp makes the draft of a correction, or of another attempt.
func followUp(v *visit) error {
	c, err := v.campaign()
	if err != nil {
		return err
	}
	f, err := v.readForm("whom")
	if err != nil {
		return err
	}
	copied, err := v.app.Service.FollowUp(v.r.Context(), c, campaign.Whom(f.Values["whom"]))
	if err != nil {
		return err
	}
	v.flash("This copy of %s goes to those whom it %s. Write it, and start it when it is ready.", c.Spec.Name, f.Values["whom"])
	return v.redirect(fmt.Sprintf("/campaigns/%d", copied.ID))
}

// campaign finds the campaign that the path names.
func (v *visit) campaign() (campaign.Campaign, error) {
	id, err := v.id("id")
	if err != nil {
		return campaign.Campaign{}, err
	}
	c, err := v.app.Store.CampaignByID(v.r.Context(), campaign.CampaignID(id))
	v.object = c.Spec.Name
	return c, err
}
