package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"broadside/campaign"
)

// repetition is what the review page shows of a campaign that is, or can be, sent again
// and again.
type repetition struct {
	Words string      // "" when it cannot
	Times []time.Time // the next ones
	On    *campaign.Recurrence
	OnFor string // what is on, in words, when the campaign says something else by now
}

// timesShown of a repetition let a person see what an expression means.
const timesShown = 3

func (a *App) repetition(ctx context.Context, c campaign.Campaign) (repetition, error) {
	var out repetition
	if times, err := c.Spec.Repeat.Parse(); err == nil {
		out.Words = times.String()
		for at := times.Next(a.Now()); len(out.Times) < timesShown; at = times.Next(at) {
			out.Times = append(out.Times, at)
		}
	}
	r, err := a.Store.RecurrenceOf(ctx, c.ID)
	if errors.Is(err, campaign.ErrNotFound) {
		return out, nil
	}
	if err != nil {
		return out, err
	}
	out.On = &r
	if times, err := r.Spec.Repeat.Parse(); err == nil {
		out.OnFor = times.String()
	}
	return out, nil
}

func repeatCampaign(v *visit) error {
	c, err := v.campaign()
	if err != nil {
		return err
	}
	r, err := v.app.Service.Repeat(v.r.Context(), c)
	if err != nil {
		if status, _ := explain(err); status == 0 {
			return v.review(http.StatusUnprocessableEntity, c, Form{Errors: map[string]string{"repeat": err.Error()}})
		}
		return err
	}
	v.flash("%s is sent again and again, next %s.", c.Spec.Name, v.when(r.Next))
	return v.redirect(fmt.Sprintf("/campaigns/%d/review", c.ID))
}

func skipNext(v *visit) error {
	c, err := v.campaign()
	if err != nil {
		return err
	}
	if _, err = v.app.Service.SkipNext(v.r.Context(), c.ID); err != nil {
		return err
	}
	return v.redirect(fmt.Sprintf("/campaigns/%d/review", c.ID))
}

func stopRepeating(v *visit) error {
	c, err := v.campaign()
	if err != nil {
		return err
	}
	if err = v.app.Service.StopRepeating(v.r.Context(), c.ID); err != nil {
		return err
	}
	v.flash("%s is no longer sent by itself.", c.Spec.Name)
	return v.redirect(fmt.Sprintf("/campaigns/%d/review", c.ID))
}
