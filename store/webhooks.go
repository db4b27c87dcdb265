package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"broadside/campaign"
	"broadside/campaign/webhook"
)

var _ webhook.Store = (*DB)(nil)

const webhookColumns = "id, url, note, types, state, why, secret, old_secret, old_until, created, failing_since, waiting, dropped, dropped_since"

type webhookRow struct {
	ID               int64
	URL, Note, Types string
	State, Why       string
	Secret           []byte
	OldSecret        []byte `db:"old_secret"`
	OldUntil         int64  `db:"old_until"`
	Created          int64
	FailingSince     int64 `db:"failing_since"`
	Waiting, Dropped int64
	DroppedSince     int64 `db:"dropped_since"`
}

func (r webhookRow) endpoint() webhook.Endpoint {
	e := webhook.Endpoint{
		ID: webhook.EndpointID(r.ID), URL: r.URL, Note: r.Note, State: webhook.State(r.State), Why: r.Why,
		Secret: r.Secret, OldSecret: r.OldSecret, OldUntil: fromMillis(r.OldUntil), Created: fromMillis(r.Created),
		FailingSince: fromMillis(r.FailingSince), Waiting: r.Waiting, Dropped: r.Dropped, DroppedSince: fromMillis(r.DroppedSince),
	}
	for t := range strings.SplitSeq(r.Types, ",") {
		e.Types = append(e.Types, webhook.Type(t))
	}
	return e
}

// webhookValues are an endpoint's columns but its id.
func webhookValues(e webhook.Endpoint) []any {
	types := make([]string, len(e.Types))
	for i, t := range e.Types {
		types[i] = string(t)
	}
	return []any{
		e.URL, storable(e.Note), strings.Join(types, ","), string(e.State), storable(e.Why), e.Secret, append([]byte{}, e.OldSecret...), millis(e.OldUntil),
		millis(e.Created), millis(e.FailingSince), e.Waiting, e.Dropped, millis(e.DroppedSince),
	}
}

// Webhooks returns all endpoints in order of id.
func (db *DB) Webhooks(ctx context.Context) ([]webhook.Endpoint, error) {
	var rows []webhookRow
	if err := db.selectAll(ctx, &rows, "SELECT "+webhookColumns+" FROM webhooks ORDER BY id"); err != nil {
		return nil, fmt.Errorf("read the webhooks: %w", err)
	}
	list := make([]webhook.Endpoint, len(rows))
	for i, r := range rows {
		list[i] = r.endpoint()
	}
	return list, nil
}

// WebhookByID finds an endpoint; campaign.ErrNotFound.
func (db *DB) WebhookByID(ctx context.Context, id webhook.EndpointID) (webhook.Endpoint, error) {
	var r webhookRow
	err := db.get(ctx, fmt.Sprintf("webhook %d", id), &r, "SELECT "+webhookColumns+" FROM webhooks WHERE id = ?", int64(id))
	return r.endpoint(), err
}

// AddWebhook stores an endpoint; campaign.ErrConflict when there are most already. The
// first one is told of what happens from now on: facts that nobody was told of are over.
func (db *DB) AddWebhook(ctx context.Context, e webhook.Endpoint, most int) (webhook.Endpoint, error) {
	var r webhookRow
	err := db.change(ctx, func(t *tx) error {
		if err := db.lock(ctx, t, lockWebhooks); err != nil {
			return err
		}
		var n int
		if err := t.get(ctx, &n, "SELECT COUNT(*) FROM webhooks"); err != nil {
			return err
		}
		if n >= most {
			return fmt.Errorf("there are %d already; remove one that is not needed: %w", n, campaign.ErrConflict)
		}
		if n == 0 {
			if _, err := t.exec(ctx, "UPDATE checkpoints SET seq = (SELECT COALESCE(MAX(id), 0) FROM suppressions) WHERE name = 'webhooks'"); err != nil {
				return err
			}
			if _, err := t.exec(ctx, "DELETE FROM webhook_facts"); err != nil {
				return err
			}
		}
		return t.get(ctx, &r, "INSERT INTO webhooks (url, note, types, state, why, secret, old_secret, old_until, created, failing_since, waiting, dropped, dropped_since) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING "+webhookColumns,
			webhookValues(e)...)
	})
	if err != nil {
		return webhook.Endpoint{}, fmt.Errorf("add a webhook: %w", err)
	}
	return r.endpoint(), nil
}

// ChangeWebhook changes an endpoint in one transaction, unless change fails;
// campaign.ErrNotFound.
func (db *DB) ChangeWebhook(ctx context.Context, id webhook.EndpointID, change func(*webhook.Endpoint) error) (webhook.Endpoint, error) {
	var e webhook.Endpoint
	err := db.change(ctx, func(t *tx) error {
		query := "SELECT " + webhookColumns + " FROM webhooks WHERE id = ?"
		if db.postgres {
			query += " FOR UPDATE"
		}
		var r webhookRow
		err := t.get(ctx, &r, query, int64(id))
		if errors.Is(err, sql.ErrNoRows) {
			return fmt.Errorf("webhook %d: %w", id, campaign.ErrNotFound)
		}
		if err != nil {
			return err
		}
		e = r.endpoint()
		if err := change(&e); err != nil {
			return err
		}
		_, err = t.exec(ctx, `UPDATE webhooks SET url = ?, note = ?, types = ?, state = ?, why = ?, secret = ?, old_secret = ?, old_until = ?,
			created = ?, failing_since = ?, waiting = ?, dropped = ?, dropped_since = ? WHERE id = ?`, append(webhookValues(e), int64(id))...)
		return err
	})
	if err != nil {
		return webhook.Endpoint{}, fmt.Errorf("change a webhook: %w", err)
	}
	return e, nil
}

// RemoveWebhook removes an endpoint with its orders and deliveries; campaign.ErrNotFound.
func (db *DB) RemoveWebhook(ctx context.Context, id webhook.EndpointID) error {
	err := db.change(ctx, func(t *tx) error {
		n, err := t.exec(ctx, "DELETE FROM webhooks WHERE id = ?", int64(id))
		if err == nil && n == 0 {
			err = campaign.ErrNotFound
		}
		for _, table := range []string{"webhook_orders", "webhook_deliveries"} {
			if err == nil {
				_, err = t.exec(ctx, "DELETE FROM "+table+" WHERE endpoint = ?", int64(id))
			}
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("remove webhook %d: %w", id, err)
	}
	return nil
}

// OrderWebhook stores an order for the dispatcher.
func (db *DB) OrderWebhook(ctx context.Context, o webhook.Order) (webhook.Order, error) {
	err := db.change(ctx, func(t *tx) error {
		return t.get(ctx, &o.ID, "INSERT INTO webhook_orders (endpoint, kind, event, since, made) VALUES (?, ?, ?, ?, ?) RETURNING id",
			int64(o.Endpoint), string(o.Kind), o.Event, millis(o.Since), millis(o.Made))
	})
	if err != nil {
		return o, fmt.Errorf("order of webhook %d: %w", o.Endpoint, err)
	}
	return o, nil
}

// WebhookOrders returns the orders that are not done, oldest first.
func (db *DB) WebhookOrders(ctx context.Context) ([]webhook.Order, error) {
	var rows []struct {
		ID, Endpoint int64
		Kind, Event  string
		Since, Made  int64
	}
	if err := db.selectAll(ctx, &rows, "SELECT id, endpoint, kind, event, since, made FROM webhook_orders ORDER BY id"); err != nil {
		return nil, fmt.Errorf("read the orders of webhooks: %w", err)
	}
	list := make([]webhook.Order, len(rows))
	for i, r := range rows {
		list[i] = webhook.Order{
			ID: r.ID, Endpoint: webhook.EndpointID(r.Endpoint), Kind: webhook.OrderKind(r.Kind), Event: r.Event, Since: fromMillis(r.Since), Made: fromMillis(r.Made),
		}
	}
	return list, nil
}

// WebhookOrderDone takes an order away.
func (db *DB) WebhookOrderDone(ctx context.Context, id int64) error {
	return db.change(ctx, func(t *tx) error {
		_, err := t.exec(ctx, "DELETE FROM webhook_orders WHERE id = ?", id)
		return err
	})
}

const deliveryColumns = "id, endpoint, event, type, at, address, state, attempts, tried, took, status, answer, error, next, body"

type deliveryRow struct {
	ID, Endpoint  int64
	Event, Type   string
	At            int64
	Address       string
	State         string
	Attempts      int
	Tried, Took   int64
	Status        int
	Answer, Error string
	Next          int64
	Body          []byte
}

func (r deliveryRow) delivery() webhook.Delivery {
	return webhook.Delivery{
		ID: r.ID, Endpoint: webhook.EndpointID(r.Endpoint), Event: r.Event, Type: webhook.Type(r.Type), At: fromMillis(r.At), Address: r.Address,
		State: webhook.DeliveryState(r.State), Attempts: r.Attempts, Tried: fromMillis(r.Tried), Took: time.Duration(r.Took) * time.Millisecond,
		Status: r.Status, Answer: r.Answer, Error: r.Error, Next: fromMillis(r.Next), Body: r.Body,
	}
}

// RecordDeliveries writes attempts, each in the place of the event's last one. Those of
// an endpoint that was removed are not kept, nor those about a person who is gone (see
// Gone): the event may have waited in the queue meanwhile.
func (db *DB) RecordDeliveries(ctx context.Context, attempts []webhook.Delivery) error {
	err := db.change(ctx, func(t *tx) error {
		ids, addresses := make([]int64, len(attempts)), make([]string, len(attempts))
		for i, d := range attempts {
			ids[i], addresses[i] = int64(d.About.Contact), d.Address
		}
		if err := db.holdContacts(ctx, t, ids, addresses); err != nil {
			return err
		}
		for _, d := range attempts {
			about := d.About
			about.Email = d.Address
			gone, args := db.goneQuery(about)
			var known bool
			err := t.get(ctx, &known, "SELECT EXISTS (SELECT 1 FROM webhooks WHERE id = ?) AND NOT ("+gone+")", append([]any{int64(d.Endpoint)}, args...)...)
			if err != nil {
				return err
			}
			if !known {
				continue
			}
			_, err = t.exec(ctx, `INSERT INTO webhook_deliveries (endpoint, event, type, at, address, state, attempts, tried, took, status, answer, error, next, body)
				VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
				ON CONFLICT (endpoint, event) DO UPDATE SET state = excluded.state, attempts = excluded.attempts, tried = excluded.tried, took = excluded.took,
					status = excluded.status, answer = excluded.answer, error = excluded.error, next = excluded.next, body = excluded.body`,
				int64(d.Endpoint), d.Event, string(d.Type), millis(d.At), d.Address, string(d.State), d.Attempts, millis(d.Tried), d.Took.Milliseconds(),
				d.Status, storable(d.Answer), storable(d.Error), millis(d.Next), d.Body)
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("record %d deliveries of webhooks: %w", len(attempts), err)
	}
	return nil
}

// ForgetDelivery deletes the delivery of an event to an endpoint, if there is one.
func (db *DB) ForgetDelivery(ctx context.Context, endpoint webhook.EndpointID, event string) error {
	err := db.change(ctx, func(t *tx) error {
		_, err := t.exec(ctx, "DELETE FROM webhook_deliveries WHERE endpoint = ? AND event = ?", int64(endpoint), event)
		return err
	})
	if err != nil {
		return fmt.Errorf("forget delivery of %s to webhook %d: %w", event, endpoint, err)
	}
	return nil
}

// DeliveryOf finds the delivery of an event to an endpoint; campaign.ErrNotFound.
func (db *DB) DeliveryOf(ctx context.Context, endpoint webhook.EndpointID, event string) (webhook.Delivery, error) {
	var r deliveryRow
	err := db.get(ctx, fmt.Sprintf("delivery of %s to webhook %d", event, endpoint), &r,
		"SELECT "+deliveryColumns+" FROM webhook_deliveries WHERE endpoint = ? AND event = ?", int64(endpoint), event)
	return r.delivery(), err
}

// Deliveries pages through the deliveries to an endpoint, newest first; before 0 starts.
func (db *DB) Deliveries(ctx context.Context, f webhook.DeliveryFilter, before int64, limit int) ([]webhook.Delivery, error) {
	where, args := "endpoint = ? AND id < ?", []any{int64(f.Endpoint), beforeOrAll(before)}
	if f.State != "" {
		where += " AND state = ?"
		args = append(args, string(f.State))
	}
	var rows []deliveryRow
	if err := db.selectAll(ctx, &rows, "SELECT "+deliveryColumns+" FROM webhook_deliveries WHERE "+where+" ORDER BY id DESC LIMIT ?", append(args, limit)...); err != nil {
		return nil, fmt.Errorf("read the deliveries to webhook %d: %w", f.Endpoint, err)
	}
	list := make([]webhook.Delivery, len(rows))
	for i, r := range rows {
		list[i] = r.delivery()
	}
	return list, nil
}

// TrimWebhooks removes all but the last good deliveries of each endpoint, and the facts
// that were told and are from before a time.
func (db *DB) TrimWebhooks(ctx context.Context, keep int, before time.Time) error {
	endpoints, err := db.Webhooks(ctx)
	if err != nil {
		return err
	}
	err = db.change(ctx, func(t *tx) error {
		for _, e := range endpoints {
			_, err := t.exec(ctx, `DELETE FROM webhook_deliveries WHERE endpoint = ? AND state = 'delivered' AND id <
				(SELECT MIN(id) FROM (SELECT id FROM webhook_deliveries WHERE endpoint = ? AND state = 'delivered' ORDER BY id DESC LIMIT ?) k)`, int64(e.ID), int64(e.ID), keep)
			if err != nil {
				return err
			}
		}
		_, err := t.exec(ctx, "DELETE FROM webhook_facts WHERE told AND at < ?", millis(before))
		return err
	})
	if err != nil {
		return fmt.Errorf("trim what webhooks were told: %w", err)
	}
	return nil
}
