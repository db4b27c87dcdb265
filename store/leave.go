package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"broadside/campaign"
)

// Who made a contact leave a list; stored, never renumber them.
const (
	leftByOther  = 0
	leftByPerson = 1
)

// Unsubscribe marks a contact as having left a list, or every list that it is in
// when list is 0. Leaving a list twice changes nothing. A contact that was never in
// the list leaves it all the same, so that no import adds it later;
// campaign.ErrNotFound when there is no such contact or list.
func (db *DB) Unsubscribe(ctx context.Context, contact campaign.ContactID, list campaign.ListID, now time.Time) error {
	return db.leave(ctx, contact, list, leftByOther, 0, now)
}

// Leave is Unsubscribe by the person, who may come back the same way. It is counted once
// for the run whose message had the link, if the contact is one of its recipients.
func (db *DB) Leave(ctx context.Context, contact campaign.ContactID, list campaign.ListID, run campaign.RunID, now time.Time) error {
	return db.leave(ctx, contact, list, leftByPerson, run, now)
}

func (db *DB) leave(ctx context.Context, contact campaign.ContactID, list campaign.ListID, by int, run campaign.RunID, now time.Time) error {
	err := db.change(ctx, func(t *tx) error {
		if err := db.holdListsOf(ctx, t, contact, list); err != nil {
			return err
		}
		var left []int64
		err := t.SelectContext(ctx, &left, t.Rebind(`
			UPDATE members SET status = 1, changed = ?, left_by = ?
			WHERE contact = ? AND (list = ? OR ? = 0) AND status = 0 RETURNING list`), millis(now), by, contact, list, list)
		if err != nil {
			return err
		}
		slices.Sort(left) // the order in which everybody changes the counts of lists
		for _, l := range left {
			if err := t.tell(ctx, leftFact(contact, campaign.ListID(l), now)); err != nil {
				return err
			}
			if _, err := t.exec(ctx, "UPDATE lists SET subscribed = subscribed - 1, unsubscribed = unsubscribed + 1 WHERE id = ?", l); err != nil {
				return err
			}
		}
		if len(left) == 0 && list != 0 {
			return t.leaveUnjoined(ctx, contact, list, by, now)
		}
		if len(left) == 0 || run == 0 {
			return nil
		}
		return db.countLeft(ctx, t, contact, run, now)
	})
	if err != nil {
		return fmt.Errorf("unsubscribe contact %d from list %d: %w", contact, list, err)
	}
	return nil
}

// holdListsOf is holdList for a list, or for all of a contact when it is 0.
func (db *DB) holdListsOf(ctx context.Context, t *tx, contact campaign.ContactID, list campaign.ListID) error {
	if list != 0 {
		return db.holdList(ctx, t, list)
	}
	if !db.postgres {
		return nil
	}
	var ids []int64
	if err := t.SelectContext(ctx, &ids, t.Rebind("SELECT list FROM members WHERE contact = ? ORDER BY list"), int64(contact)); err != nil {
		return err
	}
	return db.holdLists(ctx, t, ids)
}

// countLeft counts a recipient of a run who left by its message's link.
func (db *DB) countLeft(ctx context.Context, t *tx, contact campaign.ContactID, run campaign.RunID, now time.Time) error {
	f := campaign.Feedback{Recipient: campaign.Recipient{Run: run, Contact: contact}, Kind: campaign.Unsubscription, At: now}
	err := t.get(ctx, &f.Lane, "SELECT lane FROM ledger WHERE "+ofRun("run", run)+" AND contact = ?", int64(contact))
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	n, err := t.insertFeedback(ctx, []campaign.Feedback{f})
	if err != nil || n == 0 {
		return err
	}
	if err := t.addFeedbackCounts(ctx, map[feedbackKey]int64{{run, f.Lane, f.Kind}: n}); err != nil {
		return err
	}
	return db.countHeard(ctx, t, []campaign.Feedback{f})
}

func (t *tx) leaveUnjoined(ctx context.Context, contact campaign.ContactID, list campaign.ListID, by int, now time.Time) error {
	var known bool
	if err := t.get(ctx, &known, "SELECT EXISTS (SELECT 1 FROM contacts WHERE id = ?)", contact); err != nil {
		return err
	}
	if !known {
		return campaign.ErrNotFound
	}
	n, err := t.exec(ctx, "INSERT INTO members (list, contact, status, changed, import, left_by) VALUES (?, ?, 1, ?, 0, ?) ON CONFLICT DO NOTHING", list, contact, millis(now), by)
	if err != nil || n == 0 {
		return err
	}
	if err := t.tell(ctx, leftFact(contact, list, now)); err != nil {
		return err
	}
	_, err = t.exec(ctx, "UPDATE lists SET unsubscribed = unsubscribed + 1 WHERE id = ?", list)
	return err
}

// Return subscribes a contact again to a list that it had left by itself, and keeps the
// record of that consent; false, and nothing changes, when it had not.
func (db *DB) Return(ctx context.Context, c campaign.Consent) (bool, error) {
	var returned bool
	err := db.change(ctx, func(t *tx) error {
		err := db.holdList(ctx, t, c.List)
		if errors.Is(err, campaign.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		n, err := t.exec(ctx, "UPDATE members SET status = 0, changed = ?, left_by = ? WHERE list = ? AND contact = ? AND status = 1 AND left_by = ?",
			millis(c.At), leftByOther, int64(c.List), int64(c.Contact), leftByPerson)
		if err != nil || n == 0 {
			return err
		}
		returned = true
		if _, err := t.exec(ctx, "UPDATE lists SET subscribed = subscribed + 1, unsubscribed = unsubscribed - 1 WHERE id = ?", int64(c.List)); err != nil {
			return err
		}
		return t.recordConsent(ctx, c)
	})
	if err != nil {
		return false, fmt.Errorf("contact %d returns to list %d: %w", c.Contact, c.List, err)
	}
	return returned, nil
}
