package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"broadside/campaign"
)

// Erase takes away all that is kept about an address in one transaction; see
// campaign.PersonStore. A table that gets to know people must be named here: a test
// looks for the erased address in all tables.
func (db *DB) Erase(ctx context.Context, email string, now time.Time) (campaign.Erasure, error) {
	e := campaign.Erasure{Email: email}
	err := db.change(ctx, func(t *tx) error {
		// An import that is under way would bring the contact back: it ends first.
		if err := db.lockContacts(ctx, t); err != nil {
			return err
		}
		a := address(email)
		var ids []int64
		if err := t.SelectContext(ctx, &ids, t.Rebind("SELECT id FROM contacts WHERE address = ?"), a); err != nil {
			return err
		}
		var err error
		for _, id := range ids {
			e.Contact = true
			if err := db.eraseContact(ctx, t, id, &e); err != nil {
				return err
			}
		}
		if e.SignUps, err = t.exec(ctx, "DELETE FROM signups WHERE address = ?", a); err != nil {
			return err
		}
		if err := db.eraseSuppressions(ctx, t, a, now, &e); err != nil {
			return err
		}
		if _, err := t.exec(ctx, "DELETE FROM webhook_deliveries WHERE address = ?", a); err != nil {
			return err
		}
		find := "instr(lower(object), ?) > 0"
		if db.postgres {
			find = "strpos(lower(object), ?) > 0"
		}
		e.Audit, err = t.exec(ctx, "UPDATE audit SET object = 'an erased address' WHERE "+find, a)
		return err
	})
	if err != nil {
		return campaign.Erasure{}, fmt.Errorf("erase a person: %w", err)
	}
	return e, nil
}

// eraseContact deletes a contact and what hangs on it. The ledger's rows stay. The contact
// is locked first: whoever writes something about it has it locked meanwhile.
func (db *DB) eraseContact(ctx context.Context, t *tx, id int64, e *campaign.Erasure) error {
	query := "SELECT address FROM contacts WHERE id = ?"
	if db.postgres {
		query += " FOR UPDATE"
	}
	var a string
	if err := t.get(ctx, &a, query, id); err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	if err := t.eraseMemberships(ctx, id, e); err != nil {
		return err
	}
	runs, err := db.runsOf(ctx, t, campaign.ContactID(id), allRuns, math.MaxInt32) // attempts are found by run
	if err != nil {
		return err
	}
	n, err := t.exec(ctx, "DELETE FROM attempts WHERE contact = ? AND "+db.in("run"), id, db.array(runs))
	if err != nil {
		return err
	}
	e.Attempts += n
	of, err := t.exec(ctx, `DELETE FROM attempts WHERE (run, contact, number) IN
		(SELECT a.run, a.contact, a.number FROM messages m JOIN attempts a ON a.run = m.run AND a.contact = m.id WHERE m.contact = ?)`, id)
	if err != nil {
		return err
	}
	e.Attempts += of
	for _, table := range []struct {
		name string
		n    *int64
	}{
		{"consents", &e.Consents}, {"feedback", &e.Feedback}, {"hits", &e.Readings}, {"import_changes", new(int64)}, {"messages", new(int64)}, {"webhook_facts", new(int64)},
	} {
		n, err := t.exec(ctx, "DELETE FROM "+table.name+" WHERE contact = ?", id)
		if err != nil {
			return err
		}
		*table.n += n
	}
	if _, err := t.exec(ctx, "DELETE FROM webhook_deliveries WHERE address = ? AND address <> ''", a); err != nil {
		return err
	}
	_, err = t.exec(ctx, "DELETE FROM contacts WHERE id = ?", id)
	return err
}

// eraseMemberships deletes a contact's memberships and then, in order of list, what the
// lists count: as those do who leave, so that none waits for the other.
func (t *tx) eraseMemberships(ctx context.Context, id int64, e *campaign.Erasure) error {
	type membership struct {
		List   int64
		Status campaign.MemberStatus
	}
	var gone []membership
	if err := t.SelectContext(ctx, &gone, t.Rebind("DELETE FROM members WHERE contact = ? RETURNING list, status"), id); err != nil {
		return err
	}
	slices.SortFunc(gone, func(a, b membership) int { return cmp.Compare(a.List, b.List) })
	for _, m := range gone {
		count := "subscribed"
		if m.Status == campaign.OptedOut {
			count = "unsubscribed"
		}
		if _, err := t.exec(ctx, "UPDATE lists SET "+count+" = "+count+" - 1 WHERE id = ?", m.List); err != nil {
			return err
		}
	}
	e.Memberships += int64(len(gone))
	return nil
}

// eraseSuppressions puts a hash in the place of an address, with the reason that there
// was, unless that was only the wish for no more advertising: who is erased gets nothing.
func (db *DB) eraseSuppressions(ctx context.Context, t *tx, address string, now time.Time, e *campaign.Erasure) error {
	hash := campaign.Suppression{Hash: db.hashes.one(address), Reason: "erased", At: now}
	var reasons []string
	if err := t.SelectContext(ctx, &reasons, t.Rebind("SELECT reason FROM suppressions WHERE who = ? AND list = 0"), address); err != nil {
		return err
	}
	for _, reason := range reasons {
		if (campaign.Suppression{Reason: reason}).Holds() {
			hash.Reason = reason
		}
	}
	if _, err := db.suppress(ctx, t, []campaign.Suppression{hash}); err != nil {
		return err
	}
	// A hash of the same address may have been imported with that wish.
	_, err := t.exec(ctx, "UPDATE suppressions SET reason = ? WHERE who = ? AND list = 0 AND reason = 'unsubscribed'", hash.Reason, hash.Hash)
	if err != nil {
		return err
	}
	e.Suppressions, err = t.exec(ctx, "DELETE FROM suppressions WHERE who = ?", address)
	return err
}
