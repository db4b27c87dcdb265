package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"broadside/campaign"
	"broadside/campaign/account"
	"broadside/campaign/schedule"
)

type composeView struct {
	Campaign campaign.Campaign
	Version  int64 // that the page was made of
	Lists    []campaign.List
	Segments []campaign.SavedSegment
	Fields   []string
	Format   string // "markdown" or "html"
	Run      *campaign.Run
	CanTest  bool
}

// GiveUp is how long the campaign tries, as it is written.
func (c composeView) GiveUp() string { return written(c.Campaign.Spec.GiveUp) }

// Spread is over how long its mail is spread, as it is written; "" for not at all.
func (c composeView) Spread() string { return written(c.Campaign.Spec.Spread) }

// written is a duration as people write it; "" for 0.
func written(d campaign.Duration) string {
	if d == 0 {
		return ""
	}
	text := time.Duration(d).String()
	if s, ok := strings.CutSuffix(text, "m0s"); ok {
		text = s + "m"
	}
	if s, ok := strings.CutSuffix(text, "h0m"); ok {
		text = s + "h"
	}
	return text
}

// HasList tells whether the campaign goes to a list.
func (c composeView) HasList(name string) bool { return slices.Contains(c.Campaign.Spec.Lists, name) }

// Excludes tells whether the campaign leaves out a list.
func (c composeView) Excludes(name string) bool {
	return slices.Contains(c.Campaign.Spec.Exclude, name)
}

// UsesSegment tells whether the campaign goes to a saved segment.
func (c composeView) UsesSegment(name string) bool {
	return slices.Contains(c.Campaign.Spec.Segments, name)
}

// LeavesOut tells whether the campaign leaves out a saved segment.
func (c composeView) LeavesOut(name string) bool {
	return slices.Contains(c.Campaign.Spec.ExcludeSegments, name)
}

// Gone are those of some names that no segment has any more: they stay chosen until a
// person takes them out, because without them the campaign would go to others.
func (c composeView) Gone(names []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool {
		return slices.ContainsFunc(c.Segments, func(s campaign.SavedSegment) bool { return s.Name == name })
	})
}

func showCampaign(v *visit) error {
	c, err := v.campaign()
	if err != nil {
		return err
	}
	ctx, store := v.r.Context(), v.app.Store
	body := composeView{Campaign: c, Version: c.Updated.UnixMilli(), Format: "markdown", CanTest: v.app.SendTest != nil}
	if c.Spec.HTML != "" {
		body.Format = "html"
	}
	if body.Lists, err = store.Lists(ctx); err != nil {
		return err
	}
	if body.Segments, err = store.Segments(ctx); err != nil {
		return err
	}
	if body.Fields, err = store.Fields(ctx); err != nil {
		return err
	}
	run, err := store.LatestRun(ctx, c.ID)
	if err == nil {
		body.Run = &run
	} else if !errors.Is(err, campaign.ErrNotFound) {
		return err
	}
	return v.render(http.StatusOK, "compose", c.Spec.Name, body)
}

// saved is what the compose page is told when its text was stored.
type saved struct {
	Version  int64              `json:"version"`
	Problem  string             `json:"problem,omitempty"` // why it was not
	Field    string             `json:"field,omitempty"`   // that the problem is about
	Repeats  string             `json:"repeats,omitempty"` // when it is sent again and again, in words
	Findings []campaign.Finding `json:"findings"`
}

// saveDraft stores the text as it stands; the page calls it while a person types.
func saveDraft(v *visit) error {
	c, err := v.campaign()
	if err != nil {
		return err
	}
	f, err := v.readForm("version", "name", "from", "reply_to", "subject", "preheader", "format", "content", "text", "segment", "postal_address", "weight", "priority", "track_opens", "track_clicks", "give_up", "on_unknown", "window_from", "window_to", "window_zone", "spread", "canary", "local_zone", "repeat_cron", "repeat_zone")
	if err != nil {
		return err
	}
	spec, wrong := specOf(c.Spec, f, v.r.PostForm["lists"], v.r.PostForm["exclude"])
	spec.Segments, spec.ExcludeSegments = v.r.PostForm["segments"], v.r.PostForm["exclude_segments"]
	spec.Repeat = schedule.Repeat{Cron: strings.TrimSpace(f.Values["repeat_cron"]), Zone: strings.TrimSpace(f.Values["repeat_zone"])}
	if spec.Repeat.Cron == "" {
		spec.Repeat = schedule.Repeat{}
	}
	spec.Window = windowOf(f, v.r.PostForm["window_days"])
	if wrong == nil {
		spec.Brake, wrong = brakeOf(spec.Brake, v.r.PostForm)
	}
	problem, field := "", ""
	if wrong != nil {
		problem, field = wrong.Text, wrong.Field
	} else {
		spec.AB, problem = testOf(c.Spec.AB, v.r.PostForm)
	}
	version, _ := strconv.ParseInt(f.Values["version"], 10, 64) // anything else is no version
	if problem == "" {
		c, err = v.app.Service.SaveDraft(v.r.Context(), c, time.UnixMilli(version), spec)
		if status, text := explain(err); status != 0 && status != http.StatusNotFound {
			problem = text
		} else if text, ok := strings.CutPrefix(errorText(err), "name: "); ok {
			problem, field = "The name "+text+".", "name"
		} else if err != nil {
			return err
		}
	}
	if !v.wantsData() && problem == "" {
		return v.redirect(v.r.URL.Path[:len(v.r.URL.Path)-len("/draft")])
	}
	if problem != "" {
		return v.json(http.StatusConflict, saved{Problem: problem, Field: field})
	}
	v.quiet = v.app.editors.goesOn(c.ID, v.User.ID, v.app.Now())
	findings, err := v.app.Service.Lint(v.r.Context(), spec)
	if err != nil {
		return err
	}
	return v.json(http.StatusOK, saved{Version: c.Updated.UnixMilli(), Findings: findings, Repeats: v.repeats(spec)})
}

// repeats says when a campaign would be sent again and again, and when next; "" for never.
func (v *visit) repeats(spec campaign.Spec) string {
	times, err := spec.Repeat.Parse()
	if err != nil {
		return ""
	}
	next := times.Next(v.app.Now())
	return fmt.Sprintf("%s. Next %s.", times, v.when(next))
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// specOf puts a form over a campaign; what the form does not have stays. A problem is
// about what cannot be read at all.
func specOf(spec campaign.Spec, f Form, lists, exclude []string) (campaign.Spec, *account.Problem) {
	get := func(name string) string { return strings.TrimSpace(f.Values[name]) }
	spec.Name, spec.From, spec.ReplyTo = get("name"), get("from"), get("reply_to")
	spec.Subject, spec.Preheader, spec.PostalAddress = get("subject"), get("preheader"), get("postal_address")
	spec.Segment, spec.Lists, spec.Exclude = get("segment"), lists, exclude
	spec.Track = campaign.Track{Opens: get("track_opens"), Clicks: get("track_clicks")}
	spec.Priority, spec.OnUnknown = campaign.Priority(get("priority")), campaign.OnUnknown(get("on_unknown"))
	text := func(name string) string { return strings.ReplaceAll(f.Values[name], "\r\n", "\n") }
	spec.Text, spec.HTML, spec.Markdown = text("text"), "", text("content")
	if get("format") == "html" {
		spec.HTML, spec.Markdown = spec.Markdown, ""
	}
	if w := get("weight"); w != "" {
		n, err := strconv.Atoi(w)
		if err != nil {
			return spec, &account.Problem{Field: "weight", Text: "The weight is a number from 1 to 100."}
		}
		spec.Weight = n
	}
	spec.Brake.Canary, spec.LocalTime.Zone = get("canary"), get("local_zone")
	if !spec.LocalTime.On() {
		spec.LocalTime = campaign.LocalTime{}
	}
	spec.Spread = 0
	if d := get("spread"); d != "" {
		if err := spec.Spread.UnmarshalText([]byte(d)); err != nil {
			return spec, &account.Problem{Field: "spread", Text: "How long to spread it is written like 4h or 90m."}
		}
	}
	if g := get("give_up"); g != "" {
		if err := spec.GiveUp.UnmarshalText([]byte(g)); err != nil {
			return spec, &account.Problem{Field: "give_up", Text: "How long to try is written like 72h or 90m."}
		}
	}
	return spec, nil
}

// sendTest sends one message now, to any address, as any contact.
func sendTest(v *visit) error {
	c, err := v.campaign()
	if err != nil {
		return err
	}
	f, err := v.readForm("to", "as", "variant")
	if err != nil {
		return err
	}
	v.object += " to " + f.Values["to"]
	if c.Spec, err = c.Spec.Pick(f.Values["variant"]); err != nil {
		return v.json(http.StatusUnprocessableEntity, tested{Result: err.Error()})
	}
	result, err := v.app.test(v.r.Context(), c, f.Values["to"], f.Values["as"])
	if status, text := explain(err); status != 0 {
		return v.json(status, tested{Result: text})
	}
	if err != nil {
		return err
	}
	return v.json(http.StatusOK, result)
}

// test sends one message of a campaign. What the person can mend is a problem; what the
// receiving server says is the result.
func (a *App) test(ctx context.Context, c campaign.Campaign, to, as string) (tested, error) {
	if a.SendTest == nil {
		return tested{}, &account.Problem{Field: "to", Text: "nothing can be sent from here"}
	}
	address, err := campaign.ParseAddress(strings.TrimSpace(to))
	if err != nil {
		return tested{}, &account.Problem{Field: "to", Text: "is not an address: " + err.Error()}
	}
	r, err := a.Service.Render(ctx, c.Spec, as)
	if err != nil {
		return tested{}, refusedAs("campaign", err)
	}
	accepted, result, err := a.SendTest(ctx, c.Spec, r.Contact, address.Email)
	if err != nil {
		return tested{}, refusedAs("to", err) // no key, no route: it says which
	}
	return tested{accepted, result}, nil
}

// tested is what became of a test.
type tested struct {
	Accepted bool   `json:"accepted"`
	Result   string `json:"result"`
}

// refusedAs makes an error of the service one that the person can mend.
func refusedAs(field string, err error) error {
	if err == nil || errors.Is(err, campaign.ErrNotFound) || errors.Is(err, campaign.ErrConflict) || errors.Is(err, campaign.ErrExists) {
		return err
	}
	return &account.Problem{Field: field, Text: err.Error()}
}
