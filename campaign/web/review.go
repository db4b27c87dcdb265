package web

import (
	"errors"
	"fmt"
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
	Clocks    string // when, by recipients' clocks, for a start that was said already
}

// Letter is that of a variant beside A.
func (reviewView) Letter(i int) campaign.Variant { return campaign.VariantA + 1 + campaign.Variant(i) }

func showReview(v *visit) error {
	c, err := v.campaign()
	if err != nil {
		return err
	}
	f := v.queried(startFields...)
	if f.Values["when"] == "" {
		f = Form{}
	}
	return v.review(http.StatusOK, c, f)
}

// startFields are what a person says of a start.
var startFields = []string{"when", "at", "zone", "count", "again"}

func (v *visit) review(status int, c campaign.Campaign, f Form) error {
	ctx := v.r.Context()
	body := reviewView{Form: f, Campaign: c, Undo: inWords(v.app.UndoTime), Spread: written(c.Spec.Spread)}
	body.Hours, body.Waits = hours(c.Spec, v.app.Now().Add(v.app.UndoTime), v.User.Location())
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
	if f.Values["when"] != "" {
		if body.Clocks, err = v.clocksOf(c, f); err != nil && !f.take(err) {
			return err
		}
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

// startCampaign starts or schedules a run. An undo minute passes before the first
// message; a large audience asks for its count, so that nobody sends it by a slip.
func startCampaign(v *visit) error {
	c, err := v.campaign()
	if err != nil {
		return err
	}
	f, err := v.readForm(startFields...)
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

// undoEnd is when a run begins that is started now.
func (v *visit) undoEnd() time.Time { return v.app.Now().Add(v.app.UndoTime) }

// startTime reads when to begin: the undo minute from now, or a time in a zone.
func (v *visit) startTime(f Form) (time.Time, error) {
	now := v.app.Now()
	if f.Values["when"] != "at" {
		return v.undoEnd(), nil
	}
	zone, err := time.LoadLocation(f.Values["zone"])
	if err != nil || f.Values["zone"] == "" {
		return time.Time{}, &account.Problem{Field: "zone", Text: "is not a time zone; write it like Europe/Berlin"}
	}
	at, err := time.ParseInLocation("2006-01-02T15:04", f.Values["at"], zone)
	if err != nil {
		return time.Time{}, &account.Problem{Field: "at", Text: "is not chosen yet: choose a day and a time"}
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
	count, err := v.audience(c)
	if err != nil {
		return err
	}
	typed := strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, f.Values["count"])
	if n, err := strconv.ParseInt(typed, 10, 64); err != nil || n != count.Recipients {
		return &account.Problem{Field: "count", Text: fmt.Sprintf("type how many people get it: %s", group(count.Recipients))}
	}
	return nil
}
