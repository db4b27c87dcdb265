package web

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"broadside/campaign"
)

const peoplePage = 50

type peopleView struct {
	Run    campaign.Run
	All    bool // whatever their state
	State  campaign.State
	Reason campaign.Reason
	Total  int64
	People []campaign.RecipientRow
	Next   *campaign.Recipient // to go on from
	First  bool
}

// Whom says who is shown, in a word.
func (b peopleView) Whom() string {
	if b.All {
		return "planned"
	}
	return b.State.String()
}

// Path is the page's first part.
func (b peopleView) Path() string {
	return fmt.Sprintf("/runs/%d/people?%s", b.Run.ID, b.query().Encode())
}

// From is the part of the page that follows a recipient.
func (b peopleView) From(r *campaign.Recipient) string {
	q := b.query()
	q.Set("lane", strconv.Itoa(int(r.Lane)))
	q.Set("contact", strconv.FormatInt(int64(r.Contact), 10))
	return fmt.Sprintf("/runs/%d/people?%s", b.Run.ID, q.Encode())
}

func (b peopleView) query() url.Values {
	q := url.Values{}
	if !b.All {
		q.Set("state", b.State.String())
	}
	if b.Reason != campaign.NoReason {
		q.Set("reason", strconv.Itoa(int(b.Reason)))
	}
	return q
}

// showPeople opens a number of the balance.
func showPeople(v *visit) error {
	run, err := v.run()
	if err != nil {
		return err
	}
	q := v.r.URL.Query()
	body := peopleView{Run: run, All: !q.Has("state"), Reason: campaign.Reason(min(v.number("reason"), 255)), First: q.Get("contact") == ""}
	if body.All {
		body.Reason = campaign.NoReason // a reason is of a state
	} else {
		if body.State, err = campaign.ParseState(q.Get("state")); err != nil {
			return err
		}
	}
	after := campaign.Recipient{Run: run.ID, Lane: campaign.Lane(min(v.number("lane"), 1<<14)), Contact: campaign.ContactID(v.number("contact"))}
	ctx, store := v.r.Context(), v.app.Store
	if body.People, err = v.app.people(ctx, body, after); err != nil {
		return err
	}
	lanes, err := store.RunLanes(ctx, run.ID)
	if err != nil {
		return err
	}
	for _, l := range lanes {
		if body.All || l.State == body.State && (body.Reason == campaign.NoReason || l.Reason == body.Reason) {
			body.Total += l.N
		}
	}
	if len(body.People) == peoplePage {
		body.Next = &body.People[peoplePage-1].Recipient
	}
	return v.render(http.StatusOK, "recipients", fmt.Sprintf("%s: %s", run.Spec.Name, body.Whom()), body)
}

// exportRun is a POST, so that the audit log knows who took the addresses away.
func exportRun(v *visit) error {
	run, err := v.run()
	if err != nil {
		return err
	}
	f, err := v.readForm("state")
	if err != nil {
		return err
	}
	states, name := campaign.States(), run.Spec.Name
	if f.Values["state"] != "" {
		s, err := campaign.ParseState(f.Values["state"])
		if err != nil {
			return err
		}
		states, name = []campaign.State{s}, name+" "+s.String()
	}
	v.download(name + " run " + strconv.FormatInt(int64(run.ID), 10) + ".csv")
	_, err = campaign.ExportRun(v.r.Context(), v.app.Store, run.ID, states, v.slowly())
	return err
}

// people reads a page of those whom a view shows.
func (a *App) people(ctx context.Context, b peopleView, after campaign.Recipient) ([]campaign.RecipientRow, error) {
	switch {
	case b.All:
		return a.Store.Everybody(ctx, b.Run.ID, after, peoplePage)
	case b.Reason == campaign.NoReason:
		return a.Store.Recipients(ctx, b.Run.ID, b.State, after, peoplePage)
	}
	return a.Store.RecipientsBecause(ctx, b.Run.ID, b.State, b.Reason, after, peoplePage)
}
