package store

import (
	"context"
	"fmt"
	"time"

	"broadside/campaign"
	"broadside/campaign/webhook"
)

// tell writes facts down for the webhooks, if there are any.
func (t *tx) tell(ctx context.Context, facts ...webhook.Fact) error {
	if len(facts) == 0 {
		return nil
	}
	var listening bool
	if err := t.get(ctx, &listening, "SELECT EXISTS (SELECT 1 FROM webhooks)"); err != nil || !listening {
		return err
	}
	_, err := t.insertRows(ctx, "INSERT INTO webhook_facts (type, at, run, contact, list, reason, detail, late)", 8, "", len(facts), func(args []any, i int) []any {
		f := &facts[i]
		return append(args, string(f.Type), millis(f.At), int64(f.Run), int64(f.Contact), int64(f.List), f.Reason, storable(f.Detail), f.Late)
	})
	return err
}

// tellRun tells that a run is in a state now.
func (t *tx) tellRun(ctx context.Context, id campaign.RunID, what webhook.Type, note string, now time.Time) error {
	return t.tell(ctx, webhook.Fact{Type: what, At: now, Run: id, Reason: note})
}

// heardFact is what is told of feedback.
func heardFact(f *campaign.Feedback) webhook.Fact {
	fact := webhook.Fact{Type: webhook.Bounced, At: f.At, Run: f.Run, Contact: f.Contact, Reason: f.Kind.String(), Detail: f.Detail, Late: true}
	if f.Kind == campaign.Complaint {
		fact.Type, fact.Late = webhook.Complained, false
	}
	return fact
}

// leftFact is what is told of somebody who left a list.
func leftFact(contact campaign.ContactID, list campaign.ListID, now time.Time) webhook.Fact {
	return webhook.Fact{Type: webhook.Unsubscribed, At: now, Contact: contact, List: list}
}

type factRow struct {
	ID             int64
	Type           string
	At             int64
	Run            int64
	Contact, List  int64
	Reason, Detail string
	Late           bool
}

func (db *DB) facts(ctx context.Context, where string, args ...any) ([]webhook.Fact, error) {
	var rows []factRow
	if err := db.selectAll(ctx, &rows, "SELECT id, type, at, run, contact, list, reason, detail, late FROM webhook_facts WHERE "+where, args...); err != nil {
		return nil, fmt.Errorf("read the facts for webhooks: %w", err)
	}
	list := make([]webhook.Fact, len(rows))
	for i, r := range rows {
		list[i] = webhook.Fact{
			ID: r.ID, Type: webhook.Type(r.Type), At: fromMillis(r.At), Run: campaign.RunID(r.Run), Contact: campaign.ContactID(r.Contact),
			List: campaign.ListID(r.List), Reason: r.Reason, Detail: r.Detail, Late: r.Late,
		}
	}
	return list, nil
}

// WebhookFacts returns some facts that were not told yet, oldest first; of clicks, which
// may turn out to be a machine's, only those up to a number.
func (db *DB) WebhookFacts(ctx context.Context, clicks int64, limit int) ([]webhook.Fact, error) {
	return db.facts(ctx, "NOT told AND (type <> '"+string(webhook.Clicked)+"' OR id <= ?) ORDER BY id LIMIT ?", clicks, limit)
}

// LastWebhookFact returns the number of the last fact that was not told yet; 0 for none.
func (db *DB) LastWebhookFact(ctx context.Context) (int64, error) {
	var id int64
	err := db.get(ctx, "the last fact for webhooks", &id, "SELECT COALESCE(MAX(id), 0) FROM webhook_facts WHERE NOT told")
	return id, err
}

// WebhookFactsTold notes that facts are in the webhooks' queues.
func (db *DB) WebhookFactsTold(ctx context.Context, ids []int64) error {
	err := db.change(ctx, func(t *tx) error {
		_, err := t.exec(ctx, "UPDATE webhook_facts SET told = TRUE WHERE "+db.in("id"), db.array(ids))
		return err
	})
	if err != nil {
		return fmt.Errorf("note that %d facts were told: %w", len(ids), err)
	}
	return nil
}

// WebhookFactsSince pages through the facts from a time on, told or not; of clicks that were
// not told only those up to a number.
func (db *DB) WebhookFactsSince(ctx context.Context, since time.Time, clicks, after int64, limit int) ([]webhook.Fact, error) {
	return db.facts(ctx, "at >= ? AND id > ? AND (told OR type <> '"+string(webhook.Clicked)+"' OR id <= ?) ORDER BY id LIMIT ?", millis(since), after, clicks, limit)
}

// WebhookCursor is the last suppression that webhooks were told of.
func (db *DB) WebhookCursor(ctx context.Context) (int64, error) {
	var id int64
	err := db.get(ctx, "the webhooks' checkpoint", &id, "SELECT seq FROM checkpoints WHERE name = 'webhooks'")
	return id, err
}

// MoveWebhookCursor sets WebhookCursor.
func (db *DB) MoveWebhookCursor(ctx context.Context, to int64) error {
	return db.change(ctx, func(t *tx) error {
		_, err := t.exec(ctx, "UPDATE checkpoints SET seq = ? WHERE name = 'webhooks'", to)
		return err
	})
}

// SuppressionsSince pages through the suppressions from a time on, in order of arrival.
func (db *DB) SuppressionsSince(ctx context.Context, since time.Time, after int64, limit int) ([]campaign.Suppression, error) {
	var rows []suppressionRow
	err := db.selectAll(ctx, &rows, "SELECT "+suppressionColumns+" FROM suppressions WHERE at >= ? AND id > ? ORDER BY id LIMIT ?", millis(since), after, limit)
	if err != nil {
		return nil, fmt.Errorf("read the suppressions since %s: %w", since, err)
	}
	return suppressionsOf(rows), nil
}

// AddressesOf returns the addresses of contacts, and of those whom messages to one person
// are for; one that was erased is missing.
func (db *DB) AddressesOf(ctx context.Context, contacts []campaign.ContactID) (map[campaign.ContactID]string, error) {
	ids := make([]int64, len(contacts))
	for i, c := range contacts {
		ids[i] = int64(c)
	}
	var rows []struct {
		ID    campaign.ContactID
		Email string
	}
	err := db.selectAll(ctx, &rows, `SELECT c.id, COALESCE(NULLIF(c.spelling, ''), c.address) AS email FROM contacts c WHERE `+db.in("c.id")+`
		UNION ALL SELECT m.id, COALESCE(NULLIF(c.spelling, ''), c.address) FROM messages m JOIN contacts c ON c.id = m.contact WHERE `+db.in("m.id"),
		db.array(ids), db.array(ids))
	if err != nil {
		return nil, fmt.Errorf("read the addresses of %d contacts: %w", len(ids), err)
	}
	emails := make(map[campaign.ContactID]string, len(rows))
	for _, r := range rows {
		emails[r.ID] = r.Email
	}
	return emails, nil
}
