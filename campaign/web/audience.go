package web

import (
	"cmp"
	"context"
	"maps"
	"net/http"
	"slices"
	"time"

	"broadside/campaign"
	"broadside/campaign/account"
)

// audienceNews is a campaign's audience as far as it is counted.
type audienceNews struct {
	campaign.AudienceCount
	Sites    []siteShare `json:"sites,omitempty"`
	Forecast string      `json:"forecast,omitempty"` // how long it will take
	Test     string      `json:"test,omitempty"`     // what its A/B test means for so many
	Clocks   string      `json:"clocks,omitempty"`   // when, by recipients' clocks
}

type siteShare struct {
	Name  string `json:"name"`
	N     int64  `json:"n"`
	Share string `json:"share"`
}

// audienceEvents counts the audience and tells how far it is.
func audienceEvents(v *visit) error {
	c, err := v.campaign()
	if err != nil {
		return err
	}
	out, err := v.events()
	if err != nil {
		return nil // the page was closed
	}
	last := v.app.Now()
	count, f, err := v.countAudience(c, func(count campaign.AudienceCount) {
		if now := v.app.Now(); now.Sub(last) >= progressEvery {
			last = now
			_ = out.send("progress", audienceNews{AudienceCount: count}) // the end tells whether the page is there
		}
	})
	if v.r.Context().Err() != nil {
		return nil
	}
	if err != nil {
		return out.send("problem", map[string]string{"text": err.Error()})
	}
	return out.send("over", audienceNews{count, v.app.sites(count), f.String(), c.Spec.AB.Plan(count.Recipients, func(n int64) string { return group(n) }), c.Spec.ByTheirClocks(count, v.undoEnd(), v.app.Now(), v.User.Location())})
}

// countAudience counts a campaign's audience, and remembers what a person has seen of it.
func (v *visit) countAudience(c campaign.Campaign, progress func(campaign.AudienceCount)) (campaign.AudienceCount, campaign.Forecast, error) {
	ctx := v.r.Context()
	count, err := v.app.Service.CountAudience(ctx, c.Spec, progress)
	if err != nil {
		return count, campaign.Forecast{}, err
	}
	f, err := v.app.Service.Forecast(ctx, c.Spec, count, v.app.Now())
	if err == nil {
		v.app.counted.keep(c, count, f, v.app.Now())
	}
	return count, f, err
}

// audience is what was counted of a campaign as it stands, or is counted now when the page
// that counts was not open.
func (v *visit) audience(c campaign.Campaign) (campaign.AudienceCount, error) {
	if seen, ok := v.app.counted.last(c, v.app.Now()); ok {
		return seen.count, nil
	}
	count, _, err := v.countAudience(c, func(campaign.AudienceCount) {})
	return count, err
}

// showClocks says when people get a campaign by the clocks of their zones, for the start
// that somebody is typing; nothing until the page has counted them.
func showClocks(v *visit) error {
	c, err := v.campaign()
	if err != nil {
		return err
	}
	seen, ok := v.app.counted.last(c, v.app.Now())
	if !ok {
		return v.json(http.StatusOK, map[string]string{"clocks": ""})
	}
	text, err := v.clocks(c, seen.count, v.queried("when", "at", "zone"))
	if problems := account.Problems(err); len(problems) > 0 {
		name := map[string]string{"at": "The time ", "zone": "The time zone "}[problems[0].Field]
		return v.json(http.StatusOK, map[string]string{"clocks": name + problems[0].Text + "."})
	}
	if err != nil {
		return err
	}
	return v.json(http.StatusOK, map[string]string{"clocks": text})
}

// clocks foretells when people get a campaign by the clocks of their zones, if it is started
// as a form says; "" when all get it at the same moment.
func (v *visit) clocks(c campaign.Campaign, count campaign.AudienceCount, f Form) (string, error) {
	at, err := v.startTime(f)
	if err != nil {
		return "", err
	}
	return c.Spec.ByTheirClocks(count, at, v.app.Now(), v.User.Location()), nil
}

// clocksPatience is how long a page without a script waits for its audience to be counted.
const clocksPatience = 3 * time.Second

// clocksOf is clocks where nobody may have counted yet; "" where that takes too long, or
// what is wrong with the campaign, which the findings say, keeps it from being counted.
func (v *visit) clocksOf(c campaign.Campaign, f Form) (string, error) {
	if !c.Spec.LocalTime.On() {
		return "", nil
	}
	seen, ok := v.app.counted.last(c, v.app.Now())
	if !ok {
		ctx, cancel := context.WithTimeout(v.r.Context(), clocksPatience)
		defer cancel()
		var err error
		if seen.count, err = v.app.Service.CountAudience(ctx, c.Spec, func(campaign.AudienceCount) {}); err != nil {
			v.app.Log.Info("pages: the review does not say when people get it", "campaign", c.Spec.Name, "error", err)
			return "", nil
		}
	}
	return v.clocks(c, seen.count, f)
}

// sites are the largest mailbox providers of an audience.
func (a *App) sites(count campaign.AudienceCount) []siteShare {
	bySite := map[string]int64{}
	for domain, n := range count.Domains {
		bySite[a.SiteOf(domain)] += n
	}
	names := slices.SortedFunc(maps.Keys(bySite), func(x, y string) int { return cmp.Or(cmp.Compare(bySite[y], bySite[x]), cmp.Compare(x, y)) })
	var list []siteShare
	for _, name := range names[:min(len(names), 6)] {
		list = append(list, siteShare{name, bySite[name], percent(bySite[name], count.Recipients)})
	}
	return list
}
