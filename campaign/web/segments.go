package web

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"time"

	"broadside/campaign"
)

type segmentsView struct{ Segments []campaign.SavedSegment }

func showSegments(v *visit) error {
	all, err := v.app.Store.Segments(v.r.Context())
	if err != nil {
		return err
	}
	return v.render(http.StatusOK, "segments", "Segments", segmentsView{all})
}

func showNewSegment(v *visit) error { return v.builder(http.StatusOK, nil, Form{}) }

func showSegment(v *visit) error {
	saved, err := v.segment()
	if err != nil {
		return err
	}
	return v.builder(http.StatusOK, &saved, Form{})
}

func (v *visit) segment() (campaign.SavedSegment, error) {
	id, err := v.id("id")
	if err != nil {
		return campaign.SavedSegment{}, err
	}
	saved, err := v.app.Store.SegmentByID(v.r.Context(), campaign.SegmentID(id))
	v.object = saved.Name
	return saved, err
}

// builder shows the builder: as the form says, or as the segment is saved.
func (v *visit) builder(status int, saved *campaign.SavedSegment, f Form) error {
	body, err := v.builderOf(saved)
	if err != nil {
		return err
	}
	title := "New segment"
	if saved != nil {
		title = saved.Name
		if body.Users, err = v.app.Store.SegmentUsers(v.r.Context(), saved.Name); err != nil {
			return err
		}
	}
	maps.Copy(body.Errors, f.Errors)
	return v.render(status, "segment", title, body)
}

func (v *visit) builderOf(saved *campaign.SavedSegment) (builderView, error) {
	ctx, store := v.r.Context(), v.app.Store
	body := builderView{Saved: saved}
	form := v.r.PostForm
	if form == nil {
		form = v.r.URL.Query()
	}
	body.read(form)
	if saved != nil && !form.Has("expression") {
		body.set(saved.Expression)
		body.Values["name"] = saved.Name
	}
	var err error
	if body.Fields, err = store.Fields(ctx); err != nil {
		return body, err
	}
	if body.Lists, err = store.Lists(ctx); err != nil {
		return body, err
	}
	latest, err := store.Campaigns(ctx, false, 0, campaignsOffered)
	if err != nil {
		return body, err
	}
	for _, c := range latest {
		body.Campaigns = append(body.Campaigns, c.Spec.Name)
	}
	if body.Expression == "" {
		return body, nil
	}
	err = v.app.Service.FitExpression(ctx, body.Expression)
	if unfit, ok := errors.AsType[*campaign.Unfit](err); ok {
		body.Problem, err = unfit.Findings[0].Text(), nil
	}
	return body, err
}

// campaignsOffered are the latest campaigns, whose names a row offers.
const campaignsOffered = 100

// looked is what the builder is told while a person works on it.
type looked struct {
	Expression string `json:"expression"`
	Problem    string `json:"problem,omitempty"`
	InRows     bool   `json:"in_rows"`
	Rows       string `json:"rows"` // HTML
}

// lookSegment says what the rows say, or shows the rows of an expression.
func lookSegment(v *visit) error {
	body, err := v.builderOf(nil)
	if err != nil {
		return err
	}
	rows, err := v.part("segment", "rows", body)
	if err != nil {
		return err
	}
	return v.json(http.StatusOK, looked{body.Expression, body.Problem, body.InRows, rows})
}

// How long people are counted: at first while a person waits for a number, and then for a
// better one.
const (
	glanceTime = 20 * time.Millisecond
	glanceLong = 2 * time.Second
)

// glanced is how many people an expression means.
type glanced struct {
	Recipients int64    `json:"recipients"`
	Members    int64    `json:"members"`
	About      int64    `json:"about"`
	Complete   bool     `json:"complete"`
	Some       []person `json:"some"`
	Problem    string   `json:"problem,omitempty"`
}

type person struct {
	ID    campaign.ContactID `json:"id"`
	Email string             `json:"email"`
}

// glanceSegment counts the people of a list, or of all, who are in a segment.
func glanceSegment(v *visit) error {
	q := v.r.URL.Query()
	spec := campaign.Spec{Segment: q.Get("expression"), Lists: []string{q.Get("list")}}
	if spec.Lists[0] == "" {
		lists, err := v.app.Store.Lists(v.r.Context())
		if err != nil {
			return err
		}
		spec.Lists = nil
		for _, l := range lists {
			spec.Lists = append(spec.Lists, l.Name)
		}
	}
	err := v.app.Service.FitAudience(v.r.Context(), spec)
	if unfit, ok := errors.AsType[*campaign.Unfit](err); ok {
		return v.json(http.StatusOK, glanced{Problem: unfit.Findings[0].Text()})
	}
	if err != nil {
		return err
	}
	limit := glanceTime
	if q.Get("long") != "" {
		limit = glanceLong
	}
	g, err := v.app.Service.Glance(v.r.Context(), spec, limit)
	if err != nil {
		return err
	}
	out := glanced{Recipients: g.Recipients, Members: g.Members, About: g.About, Complete: g.Complete, Some: []person{}}
	for _, c := range g.Some {
		out.Some = append(out.Some, person{c.ID, c.Email})
	}
	return v.json(http.StatusOK, out)
}

func createSegment(v *visit) error {
	return v.saveSegment(nil, func(name, expression string) (campaign.SavedSegment, error) {
		return v.app.Service.CreateSegment(v.r.Context(), name, expression)
	})
}

func changeSegment(v *visit) error {
	old, err := v.segment()
	if err != nil {
		return err
	}
	return v.saveSegment(&old, func(name, expression string) (campaign.SavedSegment, error) {
		return v.app.Service.UpdateSegment(v.r.Context(), old, name, expression)
	})
}

func (v *visit) saveSegment(old *campaign.SavedSegment, save func(name, expression string) (campaign.SavedSegment, error)) error {
	f, err := v.readForm("name")
	if err != nil {
		return err
	}
	v.object = f.Values["name"]
	var body builderView
	body.read(v.r.PostForm)
	saved, err := save(f.Values["name"], body.Expression)
	if unfit, ok := errors.AsType[*campaign.Unfit](err); ok {
		for _, finding := range unfit.Findings {
			f.Errors[finding.Where] = finding.Text()
		}
	} else if errors.Is(err, campaign.ErrExists) || errors.Is(err, campaign.ErrConflict) {
		f.Errors["name"] = err.Error()
	} else if err != nil {
		return err
	}
	if len(f.Errors) > 0 {
		return v.builder(http.StatusUnprocessableEntity, old, f)
	}
	v.flash("Segment %s is saved.", saved.Name)
	return v.redirect(fmt.Sprintf("/segments/%d", saved.ID))
}

func deleteSegment(v *visit) error {
	saved, err := v.segment()
	if err != nil {
		return err
	}
	f, err := v.readForm("anyway")
	if err != nil {
		return err
	}
	if err := v.app.Service.DeleteSegment(v.r.Context(), saved, f.Values["anyway"] != ""); err != nil {
		return err
	}
	v.flash("Segment %s is deleted.", saved.Name)
	return v.redirect("/segments")
}

// segmentsNamed finds the segments that a campaign names; the findings tell of others.
func (v *visit) segmentsNamed(names []string) ([]campaign.SavedSegment, error) {
	var list []campaign.SavedSegment
	for _, name := range names {
		saved, err := v.app.Store.SegmentByName(v.r.Context(), name)
		if errors.Is(err, campaign.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		list = append(list, saved)
	}
	return list, nil
}
