package web

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"broadside/campaign"
)

// slot is a place for a version on the compose page: B, C and D are always there, empty
// ones folded up. It has all of its version: what is saved is what the slots say, in their
// order, so that none can get or lose what was another's while some are emptied.
type slot struct {
	campaign.Alternative
	Variant campaign.Variant
	Filled  bool
	Format  string // of Content: "markdown", "html" or "text"
	Content string
	Plain   string // the text beside Markdown or HTML
}

// Slots are the places for versions beside A.
func (c composeView) Slots() []slot {
	slots := make([]slot, campaign.MostVariants-1)
	for i := range slots {
		s := &slots[i]
		s.Variant, s.Format = campaign.VariantA+1+campaign.Variant(i), "markdown"
		if i >= len(c.Campaign.Spec.AB.Variants) {
			continue
		}
		s.Alternative, s.Filled = c.Campaign.Spec.AB.Variants[i], true
		switch {
		case s.HTML != "":
			s.Format, s.Content, s.Plain = "html", s.HTML, s.Text
		case s.Markdown == "" && s.Text != "":
			s.Format, s.Content = "text", s.Text
		default:
			s.Content, s.Plain = s.Markdown, s.Text
		}
	}
	return slots
}

// After is how long the test lasts, as a number and its unit.
func (c composeView) After() (after struct{ N, Unit string }) {
	d := time.Duration(c.Campaign.Spec.AB.After)
	if d == 0 {
		d = 4 * time.Hour
	}
	for _, unit := range []struct {
		of   time.Duration
		name string
	}{{24 * time.Hour, "days"}, {time.Hour, "hours"}, {time.Minute, "minutes"}} {
		if d%unit.of == 0 {
			after.N, after.Unit = strconv.FormatInt(int64(d/unit.of), 10), unit.name
			return after
		}
	}
	return after
}

// units of a test's time.
var units = map[string]time.Duration{"minutes": time.Minute, "hours": time.Hour, "days": 24 * time.Hour}

// testOf is what a form says of a test; a problem in words when it cannot be read. A form
// without the test's fields leaves it as it is.
func testOf(was campaign.ABTest, form url.Values) (campaign.ABTest, string) {
	if !form.Has("ab_share") {
		return was, ""
	}
	var t campaign.ABTest
	at := func(name string, i int) string {
		if v := form[name]; i < len(v) {
			return strings.ReplaceAll(v[i], "\r\n", "\n")
		}
		return ""
	}
	text := func(name string, i int) string { // blank is none
		if v := at(name, i); strings.TrimSpace(v) != "" {
			return v
		}
		return ""
	}
	for i := range campaign.MostVariants - 1 {
		alt := campaign.Alternative{Subject: strings.TrimSpace(at("ab_subject", i)), Preheader: strings.TrimSpace(at("ab_preheader", i)), FromName: strings.TrimSpace(at("ab_from_name", i))}
		content, plain := text("ab_content", i), text("ab_text", i)
		switch at("ab_format", i) {
		case "html":
			alt.HTML, alt.Text = content, plain
		case "text":
			alt.Text = content
		default:
			alt.Markdown, alt.Text = content, plain
		}
		if alt != (campaign.Alternative{}) {
			t.Variants = append(t.Variants, alt)
		}
	}
	if !t.On() {
		return t, ""
	}
	var err error
	if t.Share, err = strconv.Atoi(strings.TrimSpace(form.Get("ab_share"))); err != nil || t.Share < 1 || t.Share > 100 {
		return t, "The share of the test is a number from 1 to 100."
	}
	if t.Share == 100 {
		return t, ""
	}
	t.Winner = campaign.ABRule(form.Get("ab_winner"))
	if t.Winner == campaign.ByChoice {
		return t, ""
	}
	n, err := strconv.Atoi(strings.TrimSpace(form.Get("ab_after")))
	if unit := units[form.Get("ab_unit")]; err != nil || n < 1 || n > 100_000 || unit == 0 {
		return t, "How long the test lasts is a number of minutes, hours or days."
	} else {
		t.After = campaign.Duration(time.Duration(n) * unit)
	}
	return t, ""
}

// chooseWinner ends a run's test: with a variant for the rest, or with what is known so far.
func chooseWinner(v *visit) error {
	run, err := v.run()
	if err != nil {
		return err
	}
	f, err := v.readForm("variant")
	if err != nil {
		return err
	}
	winner := campaign.NoVariant
	if letter := f.Values["variant"]; letter != "" {
		if winner, err = campaign.ParseVariant(letter); err != nil {
			return v.refuse(http.StatusUnprocessableEntity, "Not chosen", err.Error()+".")
		}
		v.object += ": " + letter
	}
	run, err = v.app.Service.ChooseWinner(v.r.Context(), run.ID, winner, v.User.Name)
	if unfit, ok := errors.AsType[*campaign.Unfit](err); ok {
		return v.refuse(http.StatusUnprocessableEntity, "Not chosen", unfit.Error())
	}
	if err != nil {
		return err
	}
	v.app.watches.poke(run.ID)
	v.flash("The rest gets %s.", run.Won.Winner)
	return v.redirect(fmt.Sprintf("/runs/%d", run.ID))
}
