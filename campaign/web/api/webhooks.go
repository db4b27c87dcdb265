package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"broadside/campaign/account"
	"broadside/campaign/webhook"
)

// Webhook is an address that is told what becomes of recipients and runs.
type Webhook struct {
	ID      int64     `json:"id"`
	URL     string    `json:"url"`
	Note    string    `json:"note,omitempty"`
	Types   []string  `json:"types" nullable:"false" doc:"The events that it is told of."`
	State   string    `json:"state" enum:"active,paused,disabled"`
	Why     string    `json:"why,omitempty" doc:"It is disabled."`
	Created time.Time `json:"created"`
	Failing time.Time `json:"failing_since,omitzero" doc:"The first failure since the last success."`
	Waiting int64     `json:"waiting" doc:"Events in its queue, as counted some seconds ago."`
	Dropped int64     `json:"dropped" doc:"Events that its full queue did not take."`
	Since   time.Time `json:"dropped_since,omitzero"`
	Old     time.Time `json:"old_secret_until,omitzero" doc:"Until then the secret before signs, too."`
}

// NewWebhook is a webhook with its secret, which is told this once.
type NewWebhook struct {
	Webhook
	Secret string `json:"secret" doc:"whsec_ and the key in base64."`
}

// Delivery is the last attempt to tell a webhook of an event.
type Delivery struct {
	Event    string    `json:"event" doc:"Its id."`
	Type     string    `json:"type"`
	At       time.Time `json:"at" doc:"When the event happened."`
	State    string    `json:"state" enum:"delivered,retrying,failed"`
	Attempts int       `json:"attempts"`
	Tried    time.Time `json:"tried" doc:"The last attempt."`
	Took     int64     `json:"took_ms"`
	Status   int       `json:"status,omitempty" doc:"Of the answer; missing when there was none."`
	Answer   string    `json:"answer,omitempty" doc:"Its beginning."`
	Error    string    `json:"error,omitempty"`
	Next     time.Time `json:"next,omitzero" doc:"The next attempt."`
	Body     string    `json:"body" doc:"What was sent, JSON."`
}

func webhookOf(e webhook.Endpoint) Webhook {
	w := Webhook{
		ID: int64(e.ID), URL: e.URL, Note: e.Note, Types: []string{}, State: string(e.State), Why: e.Why, Created: e.Created,
		Failing: e.FailingSince, Waiting: e.Waiting, Dropped: e.Dropped, Since: e.DroppedSince, Old: e.OldUntil,
	}
	for _, t := range e.Types {
		w.Types = append(w.Types, string(t))
	}
	return w
}

func deliveryOf(d webhook.Delivery) Delivery {
	return Delivery{
		d.Event, string(d.Type), d.At, string(d.State), d.Attempts, d.Tried, d.Took.Milliseconds(), d.Status, d.Answer, d.Error, d.Next, string(d.Body),
	}
}

func (a *API) addWebhooks() {
	add(a, Operation{Method: "GET", Path: "/webhooks", ID: "list-webhooks", Tag: "webhooks", Summary: "All webhooks, and how they are", Need: account.Manage}, a.showWebhooks)
	add(a, Operation{Method: "POST", Path: "/webhooks", ID: "add-webhook", Tag: "webhooks", Summary: "Tell an address of some events from now on", Means: "The answer has the secret that requests are signed with, this once.", Need: account.Manage, Action: "add webhook", Status: http.StatusCreated}, a.addWebhook)
	add(a, Operation{Method: "GET", Path: "/webhooks/{webhook}", ID: "show-webhook", Tag: "webhooks", Summary: "One webhook", Need: account.Manage}, a.showWebhook)
	add(a, Operation{Method: "PUT", Path: "/webhooks/{webhook}", ID: "change-webhook", Tag: "webhooks", Summary: "Change where a webhook leads and what it is told of", Means: "Its secret, its state and what waits for it stay.", Need: account.Manage, Action: "change webhook"}, a.changeWebhook)
	add(a, Operation{Method: "DELETE", Path: "/webhooks/{webhook}", ID: "remove-webhook", Tag: "webhooks", Summary: "Remove a webhook with what waits for it", Need: account.Manage, Action: "remove webhook", Status: http.StatusNoContent}, a.removeWebhook)
	add(a, Operation{Method: "POST", Path: "/webhooks/{webhook}/rotate", ID: "rotate-webhook", Tag: "webhooks", Summary: "Give a webhook a new secret", Means: "The old one signs, too, for 24 hours.", Need: account.Manage, Action: "rotate webhook secret"}, a.rotateWebhook)
	add(a, Operation{Method: "POST", Path: "/webhooks/{webhook}/pause", ID: "pause-webhook", Tag: "webhooks", Summary: "Let what happens wait", Need: account.Manage, Action: "pause webhook"}, a.pauseWebhook)
	add(a, Operation{Method: "POST", Path: "/webhooks/{webhook}/resume", ID: "resume-webhook", Tag: "webhooks", Summary: "Tell a paused or disabled webhook again", Means: "What happened while it was disabled can be replayed.", Need: account.Manage, Action: "resume webhook"}, a.resumeWebhook)
	add(a, Operation{Method: "POST", Path: "/webhooks/{webhook}/test", ID: "test-webhook", Tag: "webhooks", Summary: "Send a test event", Means: "Its delivery appears among the others within seconds.", Need: account.Manage, Action: "test webhook", Status: http.StatusAccepted}, a.testWebhook)
	add(a, Operation{Method: "GET", Path: "/webhooks/{webhook}/deliveries", ID: "list-deliveries", Tag: "webhooks", Summary: "What a webhook was told last, and what it answered, newest first", Need: account.Manage}, a.showDeliveries)
	add(a, Operation{Method: "POST", Path: "/webhooks/{webhook}/replay", ID: "replay-webhook", Tag: "webhooks", Summary: "Send again what was told, or was not", Means: "One event, all that failed, or all that happened since a time in the last 7 days. Events keep their ids.", Need: account.Manage, Action: "replay webhook", Status: http.StatusAccepted}, a.replayWebhook)
}

// WebhookPath names a webhook.
type WebhookPath struct {
	Webhook int64 `path:"webhook" minimum:"1" doc:"The webhook's id."`
}

func (p WebhookPath) id() webhook.EndpointID { return webhook.EndpointID(p.Webhook) }

type webhookBody struct {
	URL   string   `json:"url" minLength:"1" maxLength:"2000" doc:"https:// and without a user."`
	Note  string   `json:"note,omitempty" maxLength:"200" doc:"For people."`
	Types []string `json:"types" minItems:"1" maxItems:"50" nullable:"false" doc:"Such as message.bounced; docs/webhooks.md lists them."`
}

func (b webhookBody) draft() webhook.Draft {
	return webhook.Draft{URL: b.URL, Note: b.Note, Types: b.Types}
}

// fit puts what a person can mend beside its field.
func fit(err error) error {
	if i, ok := errors.AsType[*webhook.Invalid](err); ok {
		return invalid("body."+i.Field, i.Text)
	}
	return err
}

func (a *API) showWebhooks(ctx context.Context, _ *call, _ *struct{}) (*body[Page[Webhook]], error) {
	list, err := a.Webhooks.Store.Webhooks(ctx)
	return answer(all(list, webhookOf), err)
}

func (a *API) showWebhook(ctx context.Context, _ *call, in *WebhookPath) (*body[Webhook], error) {
	e, err := a.Webhooks.Store.WebhookByID(ctx, in.id())
	return answer(webhookOf(e), err)
}

func (a *API) addWebhook(ctx context.Context, c *call, in *struct{ Body webhookBody }) (*body[NewWebhook], error) {
	c.object = in.Body.URL
	e, secret, err := a.Webhooks.Add(ctx, in.Body.draft())
	return answer(NewWebhook{webhookOf(e), secret}, fit(err))
}

type webhookChange struct {
	WebhookPath
	Body webhookBody
}

func (a *API) changeWebhook(ctx context.Context, c *call, in *webhookChange) (*body[Webhook], error) {
	c.object = number(in.Webhook)
	e, err := a.Webhooks.Change(ctx, in.id(), in.Body.draft())
	return answer(webhookOf(e), fit(err))
}

func (a *API) removeWebhook(ctx context.Context, c *call, in *WebhookPath) (*struct{}, error) {
	c.object = number(in.Webhook)
	return nil, a.Webhooks.Store.RemoveWebhook(ctx, in.id())
}

func (a *API) rotateWebhook(ctx context.Context, c *call, in *WebhookPath) (*body[NewWebhook], error) {
	c.object = number(in.Webhook)
	e, secret, err := a.Webhooks.Rotate(ctx, in.id())
	return answer(NewWebhook{webhookOf(e), secret}, err)
}

func (a *API) pauseWebhook(ctx context.Context, c *call, in *WebhookPath) (*body[Webhook], error) {
	c.object = number(in.Webhook)
	e, err := a.Webhooks.Pause(ctx, in.id())
	return answer(webhookOf(e), err)
}

func (a *API) resumeWebhook(ctx context.Context, c *call, in *WebhookPath) (*body[Webhook], error) {
	c.object = number(in.Webhook)
	e, err := a.Webhooks.Resume(ctx, in.id())
	return answer(webhookOf(e), err)
}

// TestEvent is under way.
type TestEvent struct {
	Event string `json:"event" doc:"Its id."`
}

func (a *API) testWebhook(ctx context.Context, c *call, in *WebhookPath) (*body[TestEvent], error) {
	c.object = number(in.Webhook)
	event, err := a.Webhooks.Test(ctx, in.id())
	return answer(TestEvent{event}, err)
}

type deliveriesAsked struct {
	WebhookPath
	Paging
	State string `query:"state" enum:"delivered,retrying,failed" doc:"Only those."`
}

func (a *API) showDeliveries(ctx context.Context, _ *call, in *deliveriesAsked) (*body[Page[Delivery]], error) {
	before, err := in.key()
	if err != nil {
		return nil, err
	}
	if _, err := a.Webhooks.Store.WebhookByID(ctx, in.id()); err != nil {
		return nil, err
	}
	list, err := a.Webhooks.Store.Deliveries(ctx, webhook.DeliveryFilter{Endpoint: in.id(), State: webhook.DeliveryState(in.State)}, before, in.Limit)
	return answer(pageOf(list, in.Limit, deliveryOf, func(d webhook.Delivery) string { return number(d.ID) }), err)
}

type replayAsked struct {
	WebhookPath
	Body struct {
		Event  string    `json:"event,omitempty" maxLength:"100" doc:"This event."`
		Failed bool      `json:"failed,omitempty" doc:"All whose delivery was given up."`
		Since  time.Time `json:"since,omitzero" doc:"All that happened from then on."`
	}
}

func (a *API) replayWebhook(ctx context.Context, c *call, in *replayAsked) (*struct{}, error) {
	c.object = number(in.Webhook)
	switch b := in.Body; {
	case b.Event != "" && !b.Failed && b.Since.IsZero():
		return nil, a.Webhooks.Replay(ctx, in.id(), b.Event)
	case b.Event == "" && b.Failed && b.Since.IsZero():
		return nil, a.Webhooks.ReplayFailed(ctx, in.id())
	case b.Event == "" && !b.Failed && !b.Since.IsZero():
		return nil, fit(a.Webhooks.ReplaySince(ctx, in.id(), b.Since))
	}
	return nil, invalid("body", "say one of event, failed and since")
}
