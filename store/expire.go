package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"broadside/campaign"
)

// expireChunk rows go in one transaction: a fraction of a second.
const expireChunk = 5000

// expiring deletes up to a number of rows of a kind that are from before a time.
var expiring = map[campaign.Data]string{
	campaign.AttemptData: `DELETE FROM attempts WHERE (run, contact, number) IN
		(SELECT run, contact, number FROM attempts WHERE run IN (SELECT id FROM runs WHERE finished BETWEEN 1 AND ?) LIMIT ?)`,
	campaign.FeedbackData: `DELETE FROM feedback WHERE (contact, kind, run) IN
		(SELECT contact, kind, run FROM feedback WHERE at <= ? LIMIT ?)`,
	campaign.TrackingData: `DELETE FROM hits WHERE (run, contact, link) IN
		(SELECT run, contact, link FROM hits WHERE last <= ? LIMIT ?)`,
	campaign.WebhookData: `DELETE FROM webhook_deliveries WHERE id IN (SELECT id FROM webhook_deliveries WHERE tried <= ? ORDER BY id LIMIT ?)`,
	campaign.AuditData:   `DELETE FROM audit WHERE id IN (SELECT id FROM audit WHERE at <= ? ORDER BY id LIMIT ?)`,
}

// Expire deletes data of a kind that is from before a time, some at a time.
func (db *DB) Expire(ctx context.Context, kind campaign.Data, before time.Time) (int64, error) {
	gone, err := db.expire(ctx, kind, before)
	if err != nil {
		return gone, fmt.Errorf("delete %s from before %s: %w", kind, before.Format(time.DateOnly), err)
	}
	return gone, nil
}

func (db *DB) expire(ctx context.Context, kind campaign.Data, before time.Time) (int64, error) {
	switch kind {
	case campaign.ContactData:
		return db.expireContacts(ctx, before)
	case campaign.SignUpData:
		return db.expireSignUps(ctx, before)
	}
	query, ok := expiring[kind]
	if !ok {
		return 0, errors.New("no such kind of data")
	}
	var gone int64
	for {
		var n int64
		err := db.change(ctx, func(t *tx) error {
			var err error
			n, err = t.exec(ctx, query, millis(before)-1, expireChunk)
			return err
		})
		gone += n
		if err != nil || n < expireChunk {
			return gone, err
		}
	}
}

// unlisted is the condition that a contact c may go: it was last changed by a time, is
// in no list, and no run that is open has it.
func unlisted(ctx context.Context, q querier) (string, error) {
	waits, err := inOpenLedger(ctx, q, "c.id")
	return `c.updated <= ? AND NOT EXISTS (SELECT 1 FROM members m WHERE m.contact = c.id)
	AND NOT ` + waits + `
	AND NOT EXISTS (SELECT 1 FROM messages m JOIN runs r ON r.id = m.run WHERE m.contact = c.id AND r.state IN ('scheduled', 'running', 'paused'))`, err
}

// expireContacts reads the contacts page by page, which holds up no writer, and looks
// again at those that may go when it has the right to delete them.
func (db *DB) expireContacts(ctx context.Context, before time.Time) (int64, error) {
	var gone int64
	limit := millis(before) - 1
	going, err := unlisted(ctx, db.read)
	if err != nil {
		return 0, err
	}
	for after := int64(0); ; {
		var page []struct {
			ID    int64
			Going bool
		}
		err := db.selectAll(ctx, &page, "SELECT c.id, "+going+" AS going FROM (SELECT * FROM contacts WHERE id > ? ORDER BY id LIMIT ?) c ORDER BY c.id", limit, after, expireChunk)
		if err != nil {
			return gone, err
		}
		var ids []int64
		for _, c := range page {
			after = c.ID
			if c.Going {
				ids = append(ids, c.ID)
			}
		}
		n, err := db.dropContacts(ctx, ids, limit)
		gone += n
		if err != nil || len(page) < expireChunk {
			return gone, err
		}
	}
}

func (db *DB) dropContacts(ctx context.Context, ids []int64, limit int64) (int64, error) {
	if len(ids) == 0 {
		return 0, nil
	}
	var gone int64
	err := db.change(ctx, func(t *tx) error {
		if err := db.lockContacts(ctx, t); err != nil {
			return err
		}
		may, err := unlisted(ctx, t)
		if err != nil {
			return err
		}
		var going []int64
		if err := t.SelectContext(ctx, &going, t.Rebind("SELECT c.id FROM contacts c WHERE "+db.in("c.id")+" AND "+may+" ORDER BY c.id"), db.array(ids), limit); err != nil {
			return err
		}
		for _, id := range going {
			if err := db.eraseContact(ctx, t, id, &campaign.Erasure{}); err != nil {
				return err
			}
		}
		gone = int64(len(going))
		return nil
	})
	return gone, err
}
