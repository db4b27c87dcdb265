package web

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"broadside/campaign"
	"broadside/campaign/account"
)

// largeAudience asks for its count to be typed.
const largeAudience = 10_000

type reviewView struct {
	Form
	Campaign  campaign.Campaign
	Preflight campaign.Preflight
	Findings  []campaign.Finding
	Blocked   bool
	SentRun   *campaign.Run // the campaign was sent before
	OpenRun   *campaign.Run // and is not over
	Lists     []campaign.List
	Segments  []campaign.SavedSegment // that it goes to
	Without   []campaign.SavedSegment // that it leaves out
	Large     bool
	Hours     string // in which it may send, "" for always
	Waits     string // what a start now would wait for
	Spread    string // over how long
	Repeat    repetition
	Canary    string // who goes first
	Undo      string // how long a start can be taken back, in words
}

// Letter is that of a variant beside A.
func (reviewView) Letter(i int) campaign.Variant { return campaign.VariantA + 1 + campaign.Variant(i) }

func showReview(v *visit) error {
	c, err := v.campaign()
	if err != nil {
		return err
	}
	return v.review(http.StatusOK, c, Form{})
}

func (v *visit) review(status int, c campaign.Campaign, f Form) error {
	ctx := v.r.Context()
	body := reviewView{Form: f, Campaign: c, Undo: inWords(v.app.UndoTime), Spread: written(c.Spec.Spread)}
	body.Hours, body.Waits = hours(c.Spec, v.app.Now().Add(v.app.UndoTime))
	var err error
	if body.Repeat, err = v.app.repetition(ctx, c); err != nil {
		return err
	}
	if body.Preflight, err = v.app.Service.Check(ctx, c.Spec); err != nil {
		return err
	}
	lint, err := v.app.Service.Lint(ctx, c.Spec)
	if err != nil {
		return err
	}
	body.Findings = merged(body.Preflight.Findings, lint)
	body.Blocked = slices.ContainsFunc(body.Findings, func(f campaign.Finding) bool { return f.Blocks })
	run, err := v.app.Store.LatestRun(ctx, c.ID)
	switch {
	case errors.Is(err, campaign.ErrNotFound):
	case err != nil:
		return err
	case run.Open():
		body.OpenRun = &run
	case !run.Started.IsZero():
		body.SentRun = &run
	}
	people := int64(0)
	for _, name := range c.Spec.Lists {
		list, err := v.app.Store.ListByName(ctx, name)
		if errors.Is(err, campaign.ErrNotFound) {
			continue // the findings say so
		}
		if err != nil {
			return err
		}
		people += list.Subscribed
		body.Lists = append(body.Lists, list)
	}
	body.Large = people >= largeAudience
	body.Canary = c.Spec.CanaryWords(people)
	if body.Segments, err = v.segmentsNamed(c.Spec.Segments); err != nil {
		return err
	}
	if body.Without, err = v.segmentsNamed(c.Spec.ExcludeSegments); err != nil {
		return err
	}
	return v.render(status, "review", "Review "+c.Spec.Name, body)
}

func inWords(d time.Duration) string {
	if d%time.Minute == 0 && d > 0 {
		return plural(int64(d/time.Minute), "minute", "minutes")
	}
	return plural(int64(d/time.Second), "second", "seconds")
}

// merged joins findings of two kinds; the lint says in more detail what a check of the
// whole says in a line.
func merged(preflight, lint []campaign.Finding) []campaign.Finding {
	var all []campaign.Finding
	for _, f := range preflight {
		if f.Where != "campaign" && !slices.ContainsFunc(lint, func(l campaign.Finding) bool { return l.Where == f.Where }) {
			all = append(all, f)
		}
	}
	all = append(all, lint...)
	slices.SortStableFunc(all, func(a, b campaign.Finding) int {
		switch {
		case a.Blocks == b.Blocks:
			return 0
		case a.Blocks:
			return -1
		}
		return 1
	})
	return all
}

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
	ctx := v.r.Context()
	last := v.app.Now()
	count, err := v.app.Service.CountAudience(ctx, c.Spec, func(count campaign.AudienceCount) {
		if now := v.app.Now(); now.Sub(last) >= progressEvery {
			last = now
			_ = out.send("progress", audienceNews{AudienceCount: count}) // the end tells whether the page is there
		}
	})
	if ctx.Err() != nil {
		return nil
	}
	if err != nil {
		return out.send("problem", map[string]string{"text": err.Error()})
	}
	f, err := v.app.Service.Forecast(ctx, c.Spec, count, v.app.Now())
	if err != nil {
		return out.send("problem", map[string]string{"text": err.Error()})
	}
	v.app.counted.keep(c, count.Recipients, f, v.app.Now())
	return out.send("over", audienceNews{count, v.app.sites(count), f.String(), c.Spec.AB.Plan(count.Recipients, func(n int64) string { return group(n) }), c.Spec.ByTheirClocks(count, v.app.Now())})
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

// startCampaign starts or schedules a run. An undo minute passes before the first
// message; a large audience asks for its count, so that nobody sends it by a slip.
func startCampaign(v *visit) error {
	c, err := v.campaign()
	if err != nil {
		return err
	}
	f, err := v.readForm("when", "at", "zone", "count", "again")
	if err != nil {
		return err
	}
	at, err := v.startTime(f)
	if err == nil {
		err = v.rightCount(c, f)
	}
	if f.take(err) {
		return v.review(http.StatusUnprocessableEntity, c, f)
	}
	if err != nil {
		return err
	}
	start := v.app.Service.Start
	if f.Values["again"] != "" {
		start = v.app.Service.StartAgain
	}
	run, err := start(v.r.Context(), c.Spec.Name, at)
	if err != nil {
		if status, _ := explain(err); status == 0 {
			f.Errors["when"] = err.Error()
			return v.review(http.StatusUnprocessableEntity, c, f)
		}
		return err
	}
	if seen, ok := v.app.counted.last(c, v.app.Now()); ok {
		if err := v.app.Service.Foretell(v.r.Context(), run.ID, seen.forecast); err != nil {
			return err
		}
	}
	return v.redirect(fmt.Sprintf("/runs/%d", run.ID))
}

// startTime reads when to begin: the undo minute from now, or a time in a zone.
func (v *visit) startTime(f Form) (time.Time, error) {
	now := v.app.Now()
	if f.Values["when"] != "at" {
		return now.Add(v.app.UndoTime), nil
	}
	zone, err := time.LoadLocation(f.Values["zone"])
	if err != nil || f.Values["zone"] == "" {
		return time.Time{}, &account.Problem{Field: "zone", Text: "is not a time zone; write it like Europe/Berlin"}
	}
	at, err := time.ParseInLocation("2006-01-02T15:04", f.Values["at"], zone)
	if err != nil {
		return time.Time{}, &account.Problem{Field: "at", Text: "choose a day and a time"}
	}
	if at.Before(now) {
		return time.Time{}, &account.Problem{Field: "at", Text: "is in the past"}
	}
	if at.Sub(now) > 366*24*time.Hour {
		return time.Time{}, &account.Problem{Field: "at", Text: "is more than a year away"}
	}
	return at, nil
}

func (v *visit) rightCount(c campaign.Campaign, f Form) error {
	members := int64(0)
	for _, name := range c.Spec.Lists {
		list, err := v.app.Store.ListByName(v.r.Context(), name)
		if err != nil {
			return err
		}
		members += list.Subscribed
	}
	if members < largeAudience {
		return nil
	}
	seen, ok := v.app.counted.last(c, v.app.Now())
	recipients := seen.recipients
	if !ok { // the page that counts was not open
		count, err := v.app.Service.CountAudience(v.r.Context(), c.Spec, func(campaign.AudienceCount) {})
		if err != nil {
			return err
		}
		recipients = count.Recipients
	}
	typed := strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, f.Values["count"])
	if n, err := strconv.ParseInt(typed, 10, 64); err != nil || n != recipients {
		return &account.Problem{Field: "count", Text: fmt.Sprintf("type how many people get it: %s", group(recipients))}
	}
	return nil
}
