package web

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"broadside/campaign/account"
	"broadside/campaign/webhook"
)

// webhooksView is the list, with the form of a new one.
type webhooksView struct {
	Form
	Hook   webhook.Endpoint // there is none yet
	List   []webhook.Endpoint
	Types  []webhook.Meaning
	Chosen map[webhook.Type]bool
}

func showWebhooks(v *visit) error { return v.webhooks(http.StatusOK, webhooksView{}) }

func (v *visit) webhooks(status int, body webhooksView) error {
	var err error
	if body.List, err = v.app.Webhooks.Store.Webhooks(v.r.Context()); err != nil {
		return err
	}
	body.Types = webhook.Types()
	return v.render(status, "webhooks", "Webhooks", body)
}

// webhookForm reads what a person says about a webhook.
func (v *visit) webhookForm() (Form, webhook.Draft, map[webhook.Type]bool, error) {
	f, err := v.readForm("url", "note")
	draft := webhook.Draft{URL: f.Values["url"], Note: f.Values["note"], Types: v.r.PostForm["type"]}
	chosen := map[webhook.Type]bool{}
	for _, t := range draft.Types {
		chosen[webhook.Type(t)] = true
	}
	return f, draft, chosen, err
}

// takeInvalid puts what can be mended beside its field; false when it is something else.
func (f Form) takeInvalid(err error) bool {
	i, ok := errors.AsType[*webhook.Invalid](err)
	return ok && f.take(&account.Problem{Field: i.Field, Text: i.Text})
}

func addWebhook(v *visit) error {
	f, draft, chosen, err := v.webhookForm()
	if err != nil {
		return err
	}
	v.object = draft.URL
	e, secret, err := v.app.Webhooks.Add(v.r.Context(), draft)
	if f.takeInvalid(err) {
		return v.webhooks(http.StatusUnprocessableEntity, webhooksView{Form: f, Chosen: chosen})
	}
	if err != nil {
		return err
	}
	return v.webhook(http.StatusOK, e, webhookView{Secret: secret})
}

const deliveriesPage = 50

// webhookView is one webhook with its deliveries.
type webhookView struct {
	Form
	Hook       webhook.Endpoint
	Types      []webhook.Meaning
	Chosen     map[webhook.Type]bool
	Secret     string // that was just made
	Deliveries []webhook.Delivery
	State      string // of the deliveries that are shown, "" for all
	States     []string
	Older      int64 // id to go on from, 0 at the end
}

// webhookOf reads the webhook that the path names.
func (v *visit) webhookOf() (webhook.Endpoint, error) {
	id, err := v.id("id")
	if err != nil {
		return webhook.Endpoint{}, err
	}
	v.object = strconv.FormatInt(id, 10)
	return v.app.Webhooks.Store.WebhookByID(v.r.Context(), webhook.EndpointID(id))
}

func showWebhook(v *visit) error {
	e, err := v.webhookOf()
	if err != nil {
		return err
	}
	return v.webhook(http.StatusOK, e, webhookView{})
}

func (v *visit) webhook(status int, e webhook.Endpoint, body webhookView) error {
	body.Hook, body.Types = e, webhook.Types()
	if body.Chosen == nil {
		body.Chosen = map[webhook.Type]bool{}
		for _, t := range e.Types {
			body.Chosen[t] = true
		}
	}
	body.States = []string{string(webhook.Delivered), string(webhook.Retrying), string(webhook.Failed)}
	for _, s := range body.States {
		if v.r.URL.Query().Get("state") == s {
			body.State = s
		}
	}
	var err error
	f := webhook.DeliveryFilter{Endpoint: e.ID, State: webhook.DeliveryState(body.State)}
	if body.Deliveries, err = v.app.Webhooks.Store.Deliveries(v.r.Context(), f, v.number("before"), deliveriesPage); err != nil {
		return err
	}
	if len(body.Deliveries) == deliveriesPage {
		body.Older = body.Deliveries[deliveriesPage-1].ID
	}
	return v.render(status, "webhook", "Webhook", body)
}

func changeWebhook(v *visit) error {
	e, err := v.webhookOf()
	if err != nil {
		return err
	}
	f, draft, chosen, err := v.webhookForm()
	if err != nil {
		return err
	}
	_, err = v.app.Webhooks.Change(v.r.Context(), e.ID, draft)
	if f.takeInvalid(err) {
		return v.webhook(http.StatusUnprocessableEntity, e, webhookView{Form: f, Chosen: chosen})
	}
	if err != nil {
		return err
	}
	v.flash("The webhook is saved.")
	return v.toWebhook(e)
}

func (v *visit) toWebhook(e webhook.Endpoint) error {
	return v.redirect(fmt.Sprintf("/webhooks/%d", e.ID))
}

func rotateWebhook(v *visit) error {
	e, err := v.webhookOf()
	if err != nil {
		return err
	}
	e, secret, err := v.app.Webhooks.Rotate(v.r.Context(), e.ID)
	if err != nil {
		return err
	}
	return v.webhook(http.StatusOK, e, webhookView{Secret: secret})
}

func removeWebhook(v *visit) error {
	e, err := v.webhookOf()
	if err != nil {
		return err
	}
	if err := v.app.Webhooks.Store.RemoveWebhook(v.r.Context(), e.ID); err != nil {
		return err
	}
	v.flash("%s is told nothing any more.", e.URL)
	return v.redirect("/webhooks")
}

func pauseWebhook(v *visit) error {
	e, err := v.webhookOf()
	if err != nil {
		return err
	}
	if _, err := v.app.Webhooks.Pause(v.r.Context(), e.ID); err != nil {
		return err
	}
	v.flash("What happens waits now, until the webhook is resumed.")
	return v.toWebhook(e)
}

func resumeWebhook(v *visit) error {
	e, err := v.webhookOf()
	if err != nil {
		return err
	}
	if _, err := v.app.Webhooks.Resume(v.r.Context(), e.ID); err != nil {
		return err
	}
	v.flash("The webhook is told again.")
	return v.toWebhook(e)
}

func testWebhook(v *visit) error {
	e, err := v.webhookOf()
	if err != nil {
		return err
	}
	event, err := v.app.Webhooks.Test(v.r.Context(), e.ID)
	if err != nil {
		return err
	}
	v.flash("The test event %s is on its way. Load the page again to see what came of it.", event)
	return v.toWebhook(e)
}

// sinceLayout is how a browser sends a local date and time.
const sinceLayout = "2006-01-02T15:04"

func replayWebhook(v *visit) error {
	e, err := v.webhookOf()
	if err != nil {
		return err
	}
	f, err := v.readForm("event", "what", "since")
	if err != nil {
		return err
	}
	ctx, what := v.r.Context(), f.Values["event"]
	switch {
	case what != "":
		err = v.app.Webhooks.Replay(ctx, e.ID, what)
	case f.Values["what"] == "failed":
		what = "What failed"
		err = v.app.Webhooks.ReplayFailed(ctx, e.ID)
	default:
		var since time.Time
		if since, err = time.ParseInLocation(sinceLayout, f.Values["since"], v.User.Location()); err != nil {
			err = &webhook.Invalid{Field: "since", Text: "is not a date and a time"}
		} else {
			what = "What happened since " + v.when(since)
			err = v.app.Webhooks.ReplaySince(ctx, e.ID, since)
		}
	}
	if f.takeInvalid(err) {
		return v.webhook(http.StatusUnprocessableEntity, e, webhookView{Form: f})
	}
	if err != nil {
		return err
	}
	v.flash("%s is sent again, under the same ids.", what)
	return v.toWebhook(e)
}
