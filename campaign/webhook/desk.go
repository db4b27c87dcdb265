package webhook

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"broadside/campaign"
)

// Desk is what people do about endpoints, on pages, by the API and by commands. Running
// dispatchers know of it within a second.
type Desk struct {
	Store Store
	// Allow says which addresses may be connected to.
	Allow func(netip.Addr) bool
	Now   func() time.Time
}

// Add makes an endpoint and returns its secret, which nobody is shown again. It is told
// of what happens from now on.
func (d *Desk) Add(ctx context.Context, draft Draft) (Endpoint, string, error) {
	url, types, err := draft.check(d.Allow)
	if err != nil {
		return Endpoint{}, "", err
	}
	e, err := d.Store.AddWebhook(ctx, Endpoint{
		URL: url, Note: draft.Note, Types: types, State: Active, Secret: newSecret(), Created: d.Now(),
	}, MaxEndpoints)
	if err != nil {
		return Endpoint{}, "", err
	}
	return e, secretText(e.Secret), nil
}

// Change replaces what a person says about an endpoint; its secret and state stay.
func (d *Desk) Change(ctx context.Context, id EndpointID, draft Draft) (Endpoint, error) {
	url, types, err := draft.check(d.Allow)
	if err != nil {
		return Endpoint{}, err
	}
	return d.Store.ChangeWebhook(ctx, id, func(e *Endpoint) error {
		e.URL, e.Note, e.Types = url, draft.Note, types
		return nil
	})
}

// Rotate gives an endpoint a new secret; the old one signs, too, for RotationTime.
func (d *Desk) Rotate(ctx context.Context, id EndpointID) (Endpoint, string, error) {
	e, err := d.Store.ChangeWebhook(ctx, id, func(e *Endpoint) error {
		e.OldSecret, e.OldUntil = e.Secret, d.Now().Add(RotationTime)
		e.Secret = newSecret()
		return nil
	})
	if err != nil {
		return Endpoint{}, "", err
	}
	return e, secretText(e.Secret), nil
}

// Pause lets what happens wait until Resume.
func (d *Desk) Pause(ctx context.Context, id EndpointID) (Endpoint, error) {
	return d.Store.ChangeWebhook(ctx, id, func(e *Endpoint) error {
		if e.State == Disabled {
			return fmt.Errorf("webhook %d is disabled (%s): %w", id, e.Why, campaign.ErrConflict)
		}
		e.State = Paused
		return nil
	})
}

// Resume makes an endpoint active again, whether it was paused or disabled.
func (d *Desk) Resume(ctx context.Context, id EndpointID) (Endpoint, error) {
	return d.Store.ChangeWebhook(ctx, id, func(e *Endpoint) error {
		e.State, e.Why, e.FailingSince, e.Dropped, e.DroppedSince = Active, "", time.Time{}, 0, time.Time{}
		return nil
	})
}

// Test orders an event that says nothing, so that the way can be tried; the delivery
// appears under its id.
func (d *Desk) Test(ctx context.Context, id EndpointID) (event string, err error) {
	o, err := d.order(ctx, Order{Endpoint: id, Kind: SendTest})
	return o.testEvent(), err
}

// Replay sends an event again that was delivered, or failed, before.
func (d *Desk) Replay(ctx context.Context, id EndpointID, event string) error {
	if _, err := d.Store.DeliveryOf(ctx, id, event); err != nil {
		return err
	}
	_, err := d.order(ctx, Order{Endpoint: id, Kind: ReplayOne, Event: event})
	return err
}

// ReplayFailed sends all events again whose delivery failed.
func (d *Desk) ReplayFailed(ctx context.Context, id EndpointID) error {
	_, err := d.order(ctx, Order{Endpoint: id, Kind: ReplayFailed})
	return err
}

// KeptFor is how long events are kept for a replay: as long as outcomes are.
const KeptFor = 7 * 24 * time.Hour

// ReplaySince sends everything again that happened from a time on, as far as it is
// still known.
func (d *Desk) ReplaySince(ctx context.Context, id EndpointID, since time.Time) error {
	if now := d.Now(); since.After(now) || since.Before(now.Add(-KeptFor)) {
		return &Invalid{"since", "is not within the last 7 days, for which events are kept"}
	}
	_, err := d.order(ctx, Order{Endpoint: id, Kind: ReplaySince, Since: since})
	return err
}

func (d *Desk) order(ctx context.Context, o Order) (Order, error) {
	e, err := d.Store.WebhookByID(ctx, o.Endpoint)
	if err != nil {
		return o, err
	}
	if e.State == Disabled {
		return o, fmt.Errorf("webhook %d is disabled (%s); resume it first: %w", e.ID, e.Why, campaign.ErrConflict)
	}
	o.Made = d.Now()
	return d.Store.OrderWebhook(ctx, o)
}

func (o Order) testEvent() string { return fmt.Sprintf("evt_test_%d", o.ID) }
